"""What jobs, Lambdas and models wrote to CloudWatch Logs, found by dimension, pipeline execution or job name.

dimension ─► its latest execution ─► steps ─► jobs and functions ─► log groups, stream prefixes ─► lines
"""

from __future__ import annotations

import heapq
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import NotFoundError
from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import recent
from contender.naming import Names, dimension_of_execution, is_dimension

FUNCTIONS = ("starter", "champion", "model", "deploy", "tick", "record", "watch", "drift")

_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}
_LAMBDAS_OWN = ("INIT_START ", "START RequestId", "END RequestId", "REPORT RequestId")
_EXECUTION_ID = re.compile(r"[a-z0-9]{12}")


@dataclass(frozen=True, slots=True)
class Source:
    """One place that lines come from: a log group, or the streams in it that begin with `streams`.

    A function's streams hold every dimension's lines; `dimension` leaves out those of others.
    """

    label: str
    group: str
    streams: str = ""
    since: datetime | None = None
    until: datetime | None = None
    dimension: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    at: datetime
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a word of the user stands for: an execution with its steps, or fixed sources."""

    execution_arn: str = ""
    sources: tuple[Source, ...] = ()


def find(sagemaker: Any, logs: Any, names: Names, word: str) -> Target:
    """What `word` names: an execution (ARN or id), a function, a job, or a dimension; else NotFoundError."""
    if ":pipeline/" in word and "/execution/" in word:
        return Target(execution_arn=word)
    if word in FUNCTIONS:
        return Target(sources=(Source(word, f"/aws/lambda/{names.function(word)}"),))
    for execution in _executions(sagemaker, names) if _EXECUTION_ID.fullmatch(word) else ():
        if execution["PipelineExecutionArn"].endswith(f"/{word}"):
            return Target(execution_arn=execution["PipelineExecutionArn"])
    for execution in _executions(sagemaker, names) if is_dimension(word) else ():
        if dimension_of_execution(execution) == word:
            serving = Source(
                "endpoint", f"/aws/sagemaker/Endpoints/{names.endpoint(word)}", since=execution["StartTime"]
            )
            return Target(execution["PipelineExecutionArn"], (serving,))
    for group in _GROUPS.values():
        if _has_streams(logs, group, f"{word}/"):
            return Target(sources=(Source(word, group, f"{word}/"),))
    raise NotFoundError(f"{word!r} is no dimension, execution or job with logs: see `contender pipeline watch`")


def sources(sagemaker: Any, target: Target) -> list[Source]:
    """Where the target's lines come from, as far as its execution has come."""
    found = list(target.sources)
    if target.execution_arn:
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=target.execution_arn
        )
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=target.execution_arn)
        dimension = dimension_of_execution(execution) or ""
        steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
        found += [source for step in steps for source in of_step(sagemaker, step, dimension)]
    return found


def finished(sagemaker: Any, target: Target) -> bool:
    """Whether nothing more is to come: true for an execution that has ended, never for anything else."""
    if not target.execution_arn:
        return False
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=target.execution_arn)
    return execution["PipelineExecutionStatus"] not in RUNNING


@dataclass(slots=True)
class Reader:
    """Reads each line once, however often it is asked."""

    logs: Any
    _seen: set[tuple[str, int, str, int]] = field(default_factory=set)
    _from_ms: dict[tuple[str, str], int] = field(default_factory=dict)

    def read(self, places: Sequence[Source]) -> list[Line]:
        """Lines not read before, the oldest first."""
        return list(heapq.merge(*(self._new(place) for place in places), key=lambda line: line.at))

    def _new(self, place: Source) -> list[Line]:
        key = (place.group, place.streams)
        request: dict[str, Any] = {"logGroupName": place.group, "startTime": self._from_ms.get(key, 0)}
        if place.streams:
            request["logStreamNamePrefix"] = place.streams
        if place.since:
            request["startTime"] = max(request["startTime"], _milliseconds(place.since))
        if place.until:
            request["endTime"] = _milliseconds(place.until) + 1000
        lines = []
        repeats: Counter[tuple[str, int, str]] = Counter()
        # MiniStack ignores the prefix it is asked for, so it is applied here again.
        for event in self._events(request):
            if not event["logStreamName"].startswith(place.streams) or not _concerns(event["message"], place.dimension):
                continue
            # The last millisecond is read again: more lines may have come for it. Lines have an id on AWS, but not
            # always on MiniStack, so a line is known by where and when it was said, and how often before.
            said = (event["logStreamName"], event["timestamp"], event["message"])
            repeats[said] += 1
            self._from_ms[key] = max(self._from_ms.get(key, 0), event["timestamp"])
            if (*said, repeats[said]) not in self._seen:
                self._seen.add((*said, repeats[said]))
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                lines.append(Line(at, place.label, event["message"].rstrip("\n")))
        return sorted(lines, key=lambda line: line.at)

    def _events(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        try:
            for page in self.logs.get_paginator("filter_log_events").paginate(**request):
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def _executions(sagemaker: Any, names: Names) -> Iterator[Mapping[str, Any]]:
    """The pipeline's executions, the latest first; none where the pipeline is not there yet."""
    with suppress(NotFoundError):
        yield from recent(sagemaker, names.pipelines)


def of_step(sagemaker: Any, step: Mapping[str, Any], dimension: str) -> Iterator[Source]:
    """Where one step of an execution writes: its job, its search's trials, its function while it ran."""
    metadata, label = step.get("Metadata", {}), step["StepName"]
    for kind, group in _GROUPS.items():
        if arn := metadata.get(kind, {}).get("Arn"):
            yield Source(label, group, f"{arn.rpartition('/')[2]}/")
    for kind in ("QualityCheck", "ClarifyCheck"):
        if arn := metadata.get(kind, {}).get("CheckJobArn"):
            yield Source(label, _GROUPS["ProcessingJob"], f"{arn.rpartition('/')[2]}/")
    if arn := metadata.get("TuningJob", {}).get("Arn"):
        for trial in _trials(sagemaker, arn):
            yield _of_trial(label, trial["TrainingJobName"])
    if (arn := metadata.get("Lambda", {}).get("Arn")) and "StartTime" in step:
        function = arn.partition(":function:")[2].partition(":")[0]
        yield Source(label, f"/aws/lambda/{function}", "", step["StartTime"], step.get("EndTime"), dimension)


def last_words(sagemaker: Any, logs: Any, step: Mapping[str, Any], dimension: str, count: int) -> list[Line]:
    """The last lines of a step that failed; of a search, those of the first trial that failed."""
    places = list(of_step(sagemaker, step, dimension))
    if arn := step.get("Metadata", {}).get("TuningJob", {}).get("Arn"):
        failed = [trial for trial in _trials(sagemaker, arn) if trial["TrainingJobStatus"] == "Failed"]
        failed.sort(key=lambda trial: trial["CreationTime"].timestamp())
        places = [_of_trial(step["StepName"], trial["TrainingJobName"]) for trial in failed[:1]]
    return Reader(logs).read(places)[-count:]


def _trials(sagemaker: Any, tuning_arn: str) -> Iterator[Mapping[str, Any]]:
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=tuning_arn.rpartition("/")[2]
    )
    for page in pages:
        yield from page["TrainingJobSummaries"]


def _of_trial(label: str, name: str) -> Source:
    return Source(f"{label} {name.rpartition('-')[2]}", _GROUPS["TrainingJob"], f"{name}/")


def _concerns(text: str, dimension: str) -> bool:
    """Whether a function's line may be about the dimension: Lambda's own are about none, ours say which."""
    if not dimension:
        return True
    if text.startswith(_LAMBDAS_OWN):
        return False
    try:
        said = json.loads(text)
    except ValueError:
        return True
    return not isinstance(said, dict) or said.get("dimension", dimension) == dimension


def _has_streams(logs: Any, group: str, prefix: str) -> bool:
    try:
        return bool(logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix, limit=1)["logStreams"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
