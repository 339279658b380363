"""Where a search for hyperparameters begins: from nothing, or from what the dimension's previous search found.

SageMaker takes the tuning jobs that a search continues only as a fixed part of a definition, and at least one. So a
project that tunes has two pipelines of the same steps, and whoever starts an execution asks `choose` which:

    <project>         searches from nothing
    <project>-warm    continues the tuning job that the parameter PreviousTuningJob names

The latest version tells its tuning job, and what that one continued. Data that it was made of already begins where it
began, so that an unchanged execution finds every step in the cache.
What the service refuses is found out before: a search that may not continue begins from nothing. Its restrictions:
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from contender import registry

PARAMETER = "PreviousTuningJob"
NONE = "none"
TUNING_JOB, PREVIOUS = "tuningJob", "previousTuningJob"
"""Metadata of a version: the tuning job it is the best training of, and the one that this continued or NONE."""

MAX_TRAININGS = 500
MAX_CHANGES = 10
OVER = ("Completed", "Stopped", "Failed")


@dataclass(frozen=True, slots=True)
class Choice:
    """The tuning job to continue, NONE to begin from nothing; and why, where there is a search at all."""

    parent: str = NONE
    reason: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """What the other pipeline is started with; empty where the execution is the usual one's."""
        return {} if self.parent == NONE else {PARAMETER: self.parent}


@dataclass(frozen=True, slots=True)
class Search:
    """What two searches must have in common, of a request to tune or of a described tuning job."""

    objective: tuple[str, str]
    tunable: Mapping[str, tuple[str, int]]
    """Kind of range, and how many values count as changed if it becomes static."""
    static: Mapping[str, str]
    trials: int

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Raises KeyError for one of another shape, as with several training job definitions."""
        config, training = body["HyperParameterTuningJobConfig"], body["TrainingJobDefinition"]
        objective = config["HyperParameterTuningJobObjective"]
        ranges = config["ParameterRanges"]
        return cls(
            objective=(objective["MetricName"], objective["Type"]),
            tunable={
                each["Name"]: (kind, len(each.get("Values", "1")))
                for kind, group in ranges.items()
                for each in group or ()
            },
            # What the service adds of its own begins with an underscore.
            static={
                name: value
                for name, value in training.get("StaticHyperParameters", {}).items()
                if not name.startswith("_")
            },
            trials=config["ResourceLimits"]["MaxNumberOfTrainingJobs"],
        )


def choose(sagemaker: Any, group: str, uri: str, version: str, definition: Mapping[str, Any]) -> Choice:
    """How to start an execution on this data. `definition` is the deployed one of the project's pipeline."""
    arguments = _tuning(definition)
    if arguments is None:
        return Choice()
    metadata = _latest(sagemaker, group)
    seen = (metadata.get("dataUri"), metadata.get("dataVersion")) == (uri, version)
    parent = metadata.get(PREVIOUS if seen else TUNING_JOB, NONE)
    if parent == NONE:
        return Choice(reason="the search begins from nothing: there is none to continue")
    if refusal := _refusal(sagemaker, parent, arguments):
        return Choice(reason=f"the search begins from nothing: tuning job {parent} {refusal}")
    return Choice(parent, f"the search continues tuning job {parent}")


def _tuning(definition: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Arguments of the pipeline's search; None where it has none, or none that may continue another."""
    if PARAMETER not in {parameter["Name"] for parameter in definition.get("Parameters", ())}:
        return None
    return next((step["Arguments"] for step in definition["Steps"] if step["Type"] == "Tuning"), None)


def _latest(sagemaker: Any, group: str) -> Mapping[str, str]:
    """Metadata of the latest version, approved or not; empty when there is none."""
    versions = registry.list_versions(sagemaker, group)
    if not versions:
        return {}
    package = sagemaker.describe_model_package(ModelPackageName=versions[-1].arn)
    metadata: Mapping[str, str] = package.get("CustomerMetadataProperties", {})
    return metadata


def _refusal(sagemaker: Any, parent: str, arguments: Mapping[str, Any]) -> str:
    """Why the search cannot continue that tuning job; "" if it can."""
    try:
        body = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=parent)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return "does not exist any more"
    counted = body["TrainingJobStatusCounters"]
    if body["HyperParameterTuningJobStatus"] not in OVER:
        return f"is still {body['HyperParameterTuningJobStatus']}"
    if not counted.get("Completed"):
        return "completed no training"
    try:
        return _difference(Search.of(body), Search.of(arguments), sum(counted.values()))
    except KeyError as error:
        return f"cannot be compared with this search: one of them has no {error.args[0]}"


def _difference(old: Search, new: Search, trainings: int) -> str:
    """Why SageMaker would not let `new` continue `old`; "" if it would."""
    if old.objective != new.objective:
        return f"had another objective, {' '.join(old.objective)}"
    other = (old.tunable.keys() | old.static.keys()) ^ (new.tunable.keys() | new.static.keys())
    if other:
        return f"had other hyperparameters: {_listed(other)}"
    turned = [name for name in old.tunable.keys() & new.tunable.keys() if old.tunable[name][0] != new.tunable[name][0]]
    if turned:
        return f"had another kind of range for {_listed(turned)}"
    fixed = sum(count for name, (_, count) in old.tunable.items() if name in new.static)
    moved = sum(old.static[name] != new.static[name] for name in old.static.keys() & new.static.keys())
    if fixed + 2 * moved > MAX_CHANGES:
        return f"differs in more than the {MAX_CHANGES} changes that SageMaker allows"
    if trainings + new.trials > MAX_TRAININGS:
        return f"and this search have more than {MAX_TRAININGS} trainings together"
    return ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
