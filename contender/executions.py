"""Executions of the pipeline: start one, find one, and see how far each of its steps has come."""

from __future__ import annotations

import difflib
import heapq
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contender import baselines, warm_start
from contender.errors import DataError, DeploymentError, NotFoundError, SettingsError
from contender.lambdas.dimension_lock import RUNNING, Claim, DimensionLock
from contender.naming import Names, checked_dimension, dimension_of_execution

START_PARAMETERS = ("Dimension", "InputDataUri", "DataVersion")

_RECORDABLE = re.compile(r"[\w \u00a0.:/=+@-]{1,256}")
"""What the registry takes as metadata of a version, which will hold where its data came from."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an execution; `status` is Waiting before it starts and Skipped when its branch was not taken."""

    name: str
    title: str
    type: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    cached: bool = False
    reason: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the step made: its job, its Lambda, the outcome of a condition, the report of a check."""

    @property
    def ended_as(self) -> str | None:
        """How the step ended; None for one that waits or runs."""
        return None if self.status in ("Waiting", "Starting", "Executing", "Stopping") else self.status

    @property
    def check(self) -> Mapping[str, Any] | None:
        """What a check step was told and found; None for every other step."""
        found: Mapping[str, Any] | None = self.metadata.get("QualityCheck") or self.metadata.get("ClarifyCheck")
        return found

    @property
    def outcome(self) -> str:
        """The branch a condition took: `true` or `false`."""
        return str(self.metadata.get("Condition", {}).get("Outcome", "")).lower()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution at one moment."""

    arn: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    steps: tuple[Step, ...]
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def dimension(self) -> str | None:
        return dimension_of_execution({"PipelineExecutionDisplayName": self.name})

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def done(self) -> int:
        return sum(1 for step in self.steps if step.ended_as)


class Watcher:
    """Takes snapshots of one execution; what cannot change is read once."""

    def __init__(self, sagemaker: Any, arn: str) -> None:
        self._sagemaker = sagemaker
        self._arn = arn
        described = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        self._planned = list(_planned(json.loads(described["PipelineDefinition"])["Steps"]))
        self._parameters = parameters_of(sagemaker, arn)

    def snapshot(self) -> Snapshot:
        # The execution first: once it has ended, no step that is read afterwards can still change.
        execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=self._arn)
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=self._arn)
        found = {item["StepName"]: item for page in pages for item in page["PipelineExecutionSteps"]}
        status = execution["PipelineExecutionStatus"]
        absent = "Waiting" if status in RUNNING else "Skipped"
        steps = [_step(planned, found.pop(planned["Name"], None), absent) for planned in self._planned]
        # What is left are the iterations of a loop: they are named when they start.
        steps += [_step({"Name": name, "Type": "Iteration"}, item, absent) for name, item in sorted(found.items())]
        return Snapshot(
            arn=self._arn,
            name=execution.get("PipelineExecutionDisplayName", self._arn.rpartition("/")[2]),
            status=status,
            reason=execution.get("FailureReason", ""),
            parameters=self._parameters,
            steps=tuple(steps),
            started=execution.get("CreationTime"),
            ended=None if status in RUNNING else execution.get("LastModifiedTime"),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """What a new execution is started with."""

    dimension: str
    uri: str
    version: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the pipeline beside these: what its checks do, and which search it continues."""
    reason: str = ""
    """Where a search begins; empty without one."""

    @property
    def parameters(self) -> dict[str, str]:
        return {"Dimension": self.dimension, "InputDataUri": self.uri, "DataVersion": self.version, **self.options}


def plan_start(
    sagemaker: Any, s3: Any, names: Names, dimension: str, uri: str, options: Mapping[str, str] | None = None
) -> Start:
    """Check that the object exists and that the dimension is free. DataError or DeploymentError says what is wrong.

    `options` set parameters of the pipeline; a check without a baseline is skipped and registers one unless they say
    otherwise. SettingsError names an option that the pipeline does not have.
    """
    names.endpoint(checked_dimension(dimension))
    definition = _definition(sagemaker, names.pipeline)
    declared = baselines.declared(definition)
    chosen = {name: _checked_option(declared, name, value) for name, value in (options or {}).items()}
    place = urlsplit(uri, allow_fragments=False)
    if place.scheme != "s3" or not place.netloc or len(place.path) < 2:
        raise DataError(f"data {uri!r} is no S3 object: give s3://<bucket>/<key>, or use `contender data upload`")
    if not _RECORDABLE.fullmatch(uri):
        raise DataError(
            f"data {uri!r} cannot be recorded with a version: use up to 256 letters, digits and . _ - = + @ /"
        )
    for execution in recent(sagemaker, names.training_pipelines):
        if execution["PipelineExecutionStatus"] in RUNNING and dimension_of_execution(execution) == dimension:
            raise _busy(dimension, execution["PipelineExecutionArn"])
    try:
        head = s3.head_object(Bucket=place.netloc, Key=place.path.removeprefix("/"))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
            raise
        raise DataError(f"{uri} does not exist: upload it with `contender data upload`") from error
    version = head["ETag"].strip('"') if head.get("VersionId") in (None, "null") else head["VersionId"]
    group = names.group(dimension)
    search = warm_start.choose(sagemaker, group, uri, version, definition)
    found = baselines.first_run(sagemaker, group, declared) | search.parameters
    reason = "" if warm_start.PARAMETER in chosen else search.reason
    return Start(dimension, uri, version, found | chosen, reason)


def start(sagemaker: Any, lock: DimensionLock, names: Names, request: Start, now: datetime) -> str:
    """Start an execution and return its ARN. It holds its dimension as an upload's does, so that uploads wait for it.

    DeploymentError when another one was faster.
    """
    token = uuid.uuid4().hex
    continues = request.options.get(warm_start.PARAMETER, warm_start.NONE) != warm_start.NONE

    def begin() -> str:
        answer = sagemaker.start_pipeline_execution(
            PipelineName=names.warm_pipeline if continues else names.pipeline,
            PipelineExecutionDisplayName=names.execution(request.dimension, token),
            PipelineParameters=[{"Name": name, "Value": value} for name, value in request.parameters.items()],
            ClientRequestToken=token,
        )
        return str(answer["PipelineExecutionArn"])

    answer = lock.start(request.dimension, token, now, begin)
    if answer.claim is Claim.HELD:
        raise _busy(request.dimension, answer.execution_arn)
    return answer.execution_arn


def retry(sagemaker: Any, lock: DimensionLock, names: Names, arn: str, now: datetime) -> None:
    """Go on with a failed, stopped or interrupted execution; its finished steps are not done again.

    One that trains holds its dimension like one that starts. DeploymentError when another one has it.
    """
    token = uuid.uuid4().hex
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    dimension = dimension_of_execution(execution)
    if execution["PipelineExecutionStatus"] == "Succeeded":
        raise DeploymentError(f"execution {arn.rpartition('/')[2]} has succeeded: there is nothing to go on with")
    trains = pipeline_of(arn) in names.training_pipelines

    def begin() -> str:
        answer = sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)
        return str(answer["PipelineExecutionArn"])

    if dimension is None or not trains:
        begin()  # it scores, or was started by somebody's own script under a name that tells no dimension
        return
    answer = lock.start(dimension, token, now, begin)
    if answer.claim is Claim.HELD:
        raise _busy(dimension, answer.execution_arn)


def find(sagemaker: Any, pipelines: Sequence[str], word: str | None) -> str:
    """ARN of the execution that `word` names: its ARN or id, or a dimension's latest; without a word the latest."""
    if word and word.startswith("arn:"):
        return word
    for execution in recent(sagemaker, pipelines):
        if word is None or word in words_for(execution):
            return str(execution["PipelineExecutionArn"])
    what = f"{word!r} names no execution of" if word else "there is no execution of"
    raise NotFoundError(f"{what} pipeline {pipelines[0]!r}: upload data, or use `contender pipeline start`")


def words_for(summary: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What a person may call an execution: its ARN or id, its display name, its dimension."""
    arn = summary["PipelineExecutionArn"]
    name = summary.get("PipelineExecutionDisplayName")
    return (arn, arn.rpartition("/")[2], name, dimension_of_execution(summary))


def stop(sagemaker: Any, arn: str) -> str:
    """Stop an execution that runs and return its status: Stopping, until its jobs have ended.

    DeploymentError when it has ended already.
    """
    status = str(sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"])
    if status not in RUNNING:
        raise DeploymentError(f"execution {arn.rpartition('/')[2]} has ended already: it is {status}")
    if status == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
    return "Stopping"


def parameters_of(sagemaker: Any, arn: str) -> dict[str, str]:
    """What an execution was started with."""
    pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return {item["Name"]: item["Value"] for page in pages for item in page["PipelineParameters"]}


def pipeline_of(arn: str) -> str:
    """The pipeline that an execution's ARN names."""
    return arn.partition(":pipeline/")[2].partition("/")[0]


def recent(sagemaker: Any, pipelines: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Summaries of all of them, the latest first. One that is not deployed has none, unless that is true of the first.

    A project's first pipeline trains; the others are there when the project has a use for them.
    """

    def of_one(pipeline: str) -> Iterator[Mapping[str, Any]]:
        try:
            yield from executions(sagemaker, pipeline)
        except NotFoundError:
            if pipeline == pipelines[0]:
                raise

    lists = [of_one(pipeline) for pipeline in pipelines]
    return heapq.merge(*lists, key=lambda summary: summary["StartTime"].timestamp(), reverse=True)


def executions(sagemaker: Any, pipeline: str) -> Iterator[Mapping[str, Any]]:
    """Summaries, the latest first."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )
    try:
        for page in pages:
            yield from page["PipelineExecutionSummaries"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise _absent(pipeline) from error


def _definition(sagemaker: Any, pipeline: str) -> Mapping[str, Any]:
    """The deployed definition."""
    try:
        described = sagemaker.describe_pipeline(PipelineName=pipeline)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise _absent(pipeline) from error
    definition: Mapping[str, Any] = json.loads(described["PipelineDefinition"])
    return definition


def _checked_option(declared: Mapping[str, str], name: str, value: str) -> str:
    if name in START_PARAMETERS:
        raise SettingsError(f"parameter {name!r} is not an option: it comes from the dimension and its data")
    if name not in declared:
        near = difflib.get_close_matches(name, declared, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`contender pipeline show --deployed --json` lists them"
        raise SettingsError(f"the pipeline has no parameter {name!r}; {hint}")
    if declared[name] == "Boolean" and value.lower() not in ("true", "false"):
        raise SettingsError(f"parameter {name} is true or false, not {value!r}")
    return value.lower() if declared[name] == "Boolean" else value


def _absent(pipeline: str) -> NotFoundError:
    return NotFoundError(f"pipeline {pipeline!r} does not exist: make it with `contender pipeline upsert`")


def _busy(dimension: str, execution_arn: str) -> DeploymentError:
    what = f"execution {execution_arn.rpartition('/')[2]}" if execution_arn else "an execution that is about to start"
    return DeploymentError(
        f"dimension {dimension!r} is in {what}: wait for it (`contender pipeline watch {dimension}`)"
    )


def _planned(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every step that will be there by this name; those of a loop are there once an item, under other names."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from _planned([*step["Arguments"].get("IfSteps", []), *step["Arguments"].get("ElseSteps", [])])


def _step(planned: Mapping[str, Any], found: Mapping[str, Any] | None, absent: str) -> Step:
    name, title = planned["Name"], planned.get("DisplayName", planned["Name"])
    if found is None:
        return Step(name, title, planned["Type"], absent)
    return Step(
        name,
        title,
        planned["Type"],
        found["StepStatus"],
        found.get("StartTime"),
        found.get("EndTime"),
        "CacheHitResult" in found or "SelectiveExecutionResult" in found,
        found.get("FailureReason", ""),
        found.get("Metadata", {}),
    )
