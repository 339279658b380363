"""Hyperparameter tuning: training jobs in parallel, each with hyperparameters that the search chose."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs import documents, training
from contender.local.jobs.completion import Completion
from contender.local.jobs.job import Job, JobFailed, JobStopped
from contender.local.jobs.kinds import TERMINAL, TRAINING, TUNING
from contender.local.jobs.metrics import MetricLog
from contender.local.jobs.search import Search, open_search
from contender.local.jobs.trials import (
    Objective,
    best,
    counters,
    definitions_of,
    list_trials,
    objective_of,
    parents_of,
    request_of,
    summary,
    trials_of,
)
from contender.local.jobs.tuning_checks import check, hyperband_of, max_trials

LOOK_S = 0.1
"""How often a running trial's log is looked at when it may be stopped early."""

TUNING_NAME_LIMIT = 32


@dataclass(slots=True)
class Trial:
    """A training job of the search that has not ended."""

    name: str
    definition: int
    number: int
    objective: Objective
    log: MetricLog
    pruned: bool = False
    late: bool = False


def create_hyper_parameter_tuning_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    check(context, request)
    extra = {
        "TrainingJobStatusCounters": counters(()),
        "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 0},
        "_Tags": request.get("Tags", []),
    }
    arn = documents.create(context, TUNING, request, extra)
    context.jobs.start(TUNING, request["HyperParameterTuningJobName"])
    return {"HyperParameterTuningJobArn": arn}


def describe_hyper_parameter_tuning_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    body = documents.describe(context, TUNING, request["HyperParameterTuningJobName"])
    if body.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm":
        family = [body["HyperParameterTuningJobName"], *parents_of(body)]
        winner = best([trial for name in family for trial in trials_of(context, name)])
        if winner is not None:
            body["OverallBestTrainingJob"] = {
                **summary(winner),
                "TuningJobName": winner["TuningJobArn"].rpartition("/")[2],
            }
    return body


def stop_hyper_parameter_tuning_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    documents.stop(context, TUNING, request["HyperParameterTuningJobName"])
    return {}


def list_hyper_parameter_tuning_jobs(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    shared = documents.summary(TUNING, "TrainingJobStatusCounters", "ObjectiveStatusCounters")

    def summarise(body: dict[str, Any]) -> dict[str, Any]:
        config = body["HyperParameterTuningJobConfig"]
        return {**shared(body), "Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}

    return documents.list_jobs(context, TUNING, request, "HyperParameterTuningJobSummaries", summarise)


def list_training_jobs_for_hyper_parameter_tuning_job(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    documents.find(context, TUNING, request["HyperParameterTuningJobName"])
    return list_trials(context, request)


def execute(context: Context, job: Job) -> None:
    body = context.store.get(TUNING.kind, job.name)
    with open_search(context, job) as search:
        TuningRun(context, job, body, search).run()
    _conclude(context, job.name, body)


def end(context: Context, name: str, status: str, reason: str | None) -> None:
    """Trials that still run are stopped, and counted as they are."""
    for trial in trials_of(context, name):
        if trial["TrainingJobStatus"] not in TERMINAL:
            context.jobs.stop(TRAINING.kind, trial["TrainingJobName"])
            context.jobs.wait(TRAINING.kind, trial["TrainingJobName"])
    _refresh(context, name)
    documents.finish(context, TUNING, name, status, reason)


class TuningRun:
    """The loop of one tuning job: ask, train, tell, until nothing is left to try."""

    def __init__(self, context: Context, job: Job, body: Mapping[str, Any], search: Search) -> None:
        self._context = context
        self._job = job
        self._body = body
        self._search = search
        self._config = body["HyperParameterTuningJobConfig"]
        self._definitions = definitions_of(body)
        self._limit = max_trials(body)
        self._early = (
            self._config.get("TrainingJobEarlyStoppingType") == "Auto" or self._config["Strategy"] == "Hyperband"
        )
        self._started = 0
        self._exhausted: set[int] = set()
        self._running: list[Trial] = []
        self._completion = Completion(self._config)

    def run(self) -> None:
        """Raises JobStopped and JobFailed."""
        for index, definition in enumerate(self._definitions):
            self._search.open(index, self._study(definition))
        while True:
            self._job.check_stop()
            version = self._context.jobs.version
            ended = [trial for trial in self._running if self._has_ended(trial)]
            for trial in ended:
                self._collect(trial)
            if self._early:
                self._look_at_running()
            started = self._started
            if self._completion.is_late:
                self._stop_running()
            if not self._completion.is_enough:
                self._start_more()
            if ended or self._started > started:
                _refresh(self._context, self._job.name)
            if not self._running:
                break
            self._context.jobs.wait_for_change(version, LOOK_S if self._early else 1.0)
        if self._completion.is_late and not self._completion.has_result:
            raise JobStopped(
                f"ran longer than MaxRuntimeInSeconds ({self._completion.runtime_s}), and no training job was completed"
            )

    def _study(self, definition: Mapping[str, Any]) -> dict[str, Any]:
        objective = objective_of(self._body, definition)
        ranges = definition.get("HyperParameterRanges") or self._config.get("ParameterRanges", {})
        return {
            "ranges": ranges,
            "strategy": self._config["Strategy"],
            "seed": self._config.get("RandomSeed"),
            "maximize": objective.maximize,
            "trials": self._limit,
            "early_stopping": self._early,
            "hyperband": hyperband_of(self._config, definition),
            "known": self._known(objective),
        }

    def _known(self, objective: Objective) -> list[dict[str, Any]]:
        """Completed trials of the tuning jobs this one continues from, with what was static there too."""
        return [
            {"parameters": trial["HyperParameters"], "value": trial["_Objective"]["Value"]}
            for parent in parents_of(self._body)
            for trial in trials_of(self._context, parent)
            if trial["TrainingJobStatus"] == "Completed" and objective.is_of(trial)
        ]

    def _start_more(self) -> None:
        parallel = self._config["ResourceLimits"]["MaxParallelTrainingJobs"]
        while len(self._running) < parallel and self._started < self._limit:
            open_definitions = [i for i in range(len(self._definitions)) if i not in self._exhausted]
            if not open_definitions:
                break
            index = open_definitions[self._started % len(open_definitions)]
            asked = self._search.ask(index)
            if asked is None:
                self._exhausted.add(index)
                continue
            self._start(index, *asked)

    def _start(self, index: int, number: int, parameters: dict[str, str]) -> None:
        self._started += 1
        name = f"{self._job.name[:TUNING_NAME_LIMIT]}-{self._started:03d}-{uuid.uuid4().hex[:8]}"
        definition = self._definitions[index]
        objective = objective_of(self._body, definition)
        request = request_of(self._body, definition, name, parameters, objective)
        extra = {
            "TuningJobArn": self._body["HyperParameterTuningJobArn"],
            "_Tuned": parameters,
            "_Definition": definition.get("DefinitionName"),
        }
        training.create(
            self._context, request, {key: value for key, value in extra.items() if value is not None}, self._job.name
        )
        log = self._context.jobs.directory(TRAINING, name) / "log"
        self._running.append(Trial(name, index, number, objective, training.metric_log(log, request)))

    def _has_ended(self, trial: Trial) -> bool:
        status = self._context.store.get(TRAINING.kind, trial.name)["TrainingJobStatus"]
        return status in TERMINAL

    def _collect(self, trial: Trial) -> None:
        """Tell the search how a trial ended, and keep its objective with its document."""
        self._running.remove(trial)
        body = self._context.store.get(TRAINING.kind, trial.name)
        value = trial.objective.value_of(body)
        if value is not None:
            documents.change(self._context, TRAINING, trial.name, {"_Objective": trial.objective.final(value)})
        if self._early:
            self._report(trial)
        completed = body["TrainingJobStatus"] == "Completed"
        value = value if completed else None
        self._search.tell(trial.definition, trial.number, value, pruned=trial.pruned)
        self._completion.note(trial.objective, value)

    def _stop_running(self) -> None:
        for trial in self._running:
            if not trial.late:
                trial.late = True
                self._context.jobs.stop(TRAINING.kind, trial.name)

    def _look_at_running(self) -> None:
        for trial in self._running:
            if not trial.pruned and self._report(trial):
                trial.pruned = True
                self._context.jobs.stop(TRAINING.kind, trial.name)

    def _report(self, trial: Trial) -> bool:
        """Tell the search what the trial logged since the last time; whether the trial is hopeless."""
        points = [(each.step, each.value) for each in trial.log.read() if each.name == trial.objective.metric]
        return bool(points) and self._search.report(trial.definition, trial.number, points)


def _refresh(context: Context, name: str) -> None:
    """Counters and the best training job, from the trials as they are."""
    trials = trials_of(context, name)
    statuses = [summary(trial).get("ObjectiveStatus") for trial in trials]
    changes: dict[str, Any] = {
        "TrainingJobStatusCounters": counters(trials),
        "ObjectiveStatusCounters": {each: statuses.count(each) for each in ("Succeeded", "Pending", "Failed")},
    }
    winner = best(trials)
    if winner is not None:
        changes["BestTrainingJob"] = summary(winner)
    documents.change(context, TUNING, name, changes)


def _conclude(context: Context, name: str, body: Mapping[str, Any]) -> None:
    trials = trials_of(context, name)
    if best(trials) is None:
        failed = [trial for trial in trials if trial["TrainingJobStatus"] == "Failed"]
        if len(failed) == len(trials):
            raise JobFailed(
                f"All training jobs failed; the last one: {failed[-1]['FailureReason'] if failed else 'none ran'}"
            )
        metric = objective_of(body, definitions_of(body)[0]).metric
        raise JobFailed(
            f"No objective metrics found after running {len(trials)} training jobs. Please ensure that the algorithm "
            f"is emitting the objective metric {metric!r} as defined by the regular expression provided"
        )
    documents.finish(context, TUNING, name, "Completed")


OPERATIONS: dict[str, Handler] = {
    "CreateHyperParameterTuningJob": create_hyper_parameter_tuning_job,
    "DescribeHyperParameterTuningJob": describe_hyper_parameter_tuning_job,
    "StopHyperParameterTuningJob": stop_hyper_parameter_tuning_job,
    "ListHyperParameterTuningJobs": list_hyper_parameter_tuning_jobs,
    "ListTrainingJobsForHyperParameterTuningJob": list_training_jobs_for_hyper_parameter_tuning_job,
}
