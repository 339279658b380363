"""The training jobs of a tuning job: how each is requested, what it scored, and which is best."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import pick
from contender.local.context import Context
from contender.local.jobs.kinds import TERMINAL, TRAINING
from contender.local.jobs.training import is_builtin
from contender.local.store import Document, Filter

PASSED_ON = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
)
SORT_FIELDS = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
DEFAULT_PAGE = 10


@dataclass(frozen=True, slots=True)
class Objective:
    """The metric to make large or small."""

    metric: str
    maximize: bool

    def value_of(self, body: Mapping[str, Any]) -> float | None:
        """The last value that a training job logged."""
        values = [each["Value"] for each in body.get("FinalMetricDataList", ()) if each["MetricName"] == self.metric]
        return values[-1] if values else None

    def is_of(self, trial: Mapping[str, Any]) -> bool:
        """Whether a trial was scored by this objective."""
        found = trial.get("_Objective")
        return found is not None and found == self.final(found["Value"])

    def goodness(self, value: float) -> float:
        """Larger is better."""
        return value if self.maximize else -value

    def final(self, value: float) -> dict[str, Any]:
        return {"Type": "Maximize" if self.maximize else "Minimize", "MetricName": self.metric, "Value": value}


def definitions_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = body.get("TrainingJobDefinition")
    return [single] if single else list(body.get("TrainingJobDefinitions", ()))


def parents_of(body: Mapping[str, Any]) -> list[str]:
    """The tuning jobs that this one continues from."""
    parents = body.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    return [parent["HyperParameterTuningJobName"] for parent in parents]


def objective_of(body: Mapping[str, Any], definition: Mapping[str, Any]) -> Objective:
    """The definition's own objective, or the tuning job's. Raises ValidationException when there is none."""
    config = body["HyperParameterTuningJobConfig"]
    found = definition.get("TuningObjective") or config.get("HyperParameterTuningJobObjective")
    if found is None:
        raise ValidationException("A tuning job needs a HyperParameterTuningJobObjective or a TuningObjective")
    return Objective(found["MetricName"], found["Type"] == "Maximize")


def request_of(
    body: Mapping[str, Any],
    definition: Mapping[str, Any],
    name: str,
    parameters: Mapping[str, str],
    objective: Objective,
) -> dict[str, Any]:
    """The CreateTrainingJob request of one trial."""
    hyperparameters = {**definition.get("StaticHyperParameters", {}), **parameters}
    request = {
        **pick(definition, *PASSED_ON),
        "TrainingJobName": name,
        "HyperParameters": hyperparameters,
        "Tags": body.get("_Tags", []),
    }
    if "ResourceConfig" not in request:
        resources = definition.get("HyperParameterTuningResourceConfig", {})
        first = (resources.get("InstanceConfigs") or [resources])[0]
        request["ResourceConfig"] = pick(first, "InstanceType", "InstanceCount", "VolumeSizeInGB")
    if is_builtin(request):
        request["HyperParameters"] = {**hyperparameters, "_tuning_objective_metric": objective.metric}
    return request


def trials_of(context: Context, tuning: str) -> list[Document]:
    """The training jobs of a tuning job, first to last."""
    return context.store.page(TRAINING.kind, Filter(parent=tuning))


def summary(trial: Mapping[str, Any]) -> dict[str, Any]:
    """A trial as HyperParameterTrainingJobSummary."""
    found = {**pick(trial, *SUMMARY), "TunedHyperParameters": trial["_Tuned"]}
    if "_Definition" in trial:
        found["TrainingJobDefinitionName"] = trial["_Definition"]
    if "_Objective" in trial:
        found["FinalHyperParameterTuningJobObjectiveMetric"] = trial["_Objective"]
        found["ObjectiveStatus"] = "Succeeded"
    else:
        found["ObjectiveStatus"] = "Failed" if trial["TrainingJobStatus"] in TERMINAL else "Pending"
    return found


def best(trials: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The trial with the best objective, of several the first; one that was stopped early does not count."""
    scored = [trial for trial in trials if "_Objective" in trial and trial["TrainingJobStatus"] == "Completed"]
    return max(scored, key=_goodness, default=None)


def counters(trials: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    statuses = [trial["TrainingJobStatus"] for trial in trials]
    return {
        "Completed": statuses.count("Completed"),
        "InProgress": statuses.count("InProgress") + statuses.count("Stopping"),
        "RetryableError": 0,
        "NonRetryableError": statuses.count("Failed"),
        "Stopped": statuses.count("Stopped"),
    }


def list_trials(context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob; sorted by objective, trials without one are left out, as on AWS."""
    trials = trials_of(context, request["HyperParameterTuningJobName"])
    status, sort = request.get("StatusEquals"), request.get("SortBy", "Name")
    found = [trial for trial in trials if status in (None, trial["TrainingJobStatus"])]
    descending = request.get("SortOrder", "Ascending") == "Descending"
    if sort == "FinalObjectiveMetricValue":
        found = [trial for trial in found if "_Objective" in trial]
        found.sort(key=lambda trial: trial["_Objective"]["Value"], reverse=descending)
    else:
        found.sort(key=lambda trial: trial[SORT_FIELDS[sort]], reverse=descending)
    offset, size = _offset(request.get("NextToken")), request.get("MaxResults", DEFAULT_PAGE)
    answer: dict[str, Any] = {"TrainingJobSummaries": [summary(trial) for trial in found[offset : offset + size]]}
    if len(found) > offset + size:
        answer["NextToken"] = base64.urlsafe_b64encode(str(offset + size).encode()).decode()
    return answer


def _goodness(trial: Mapping[str, Any]) -> float:
    objective = trial["_Objective"]
    return Objective(objective["MetricName"], objective["Type"] == "Maximize").goodness(float(objective["Value"]))


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except (ValueError, binascii.Error) as error:
        raise ValidationException("Invalid NextToken: it is not one this server gave") from error
