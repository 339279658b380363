"""Executions of the pipeline: start one, find one, and see how far each of its steps has come."""

from __future__ import annotations

import difflib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contender import baselines
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution at one moment."""

    arn: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    steps: tuple[Step, ...]

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def done(self) -> int:
        return sum(1 for step in self.steps if step.status not in ("Waiting", "Starting", "Executing", "Stopping"))


class Watcher:
    """Takes snapshots of one execution; what cannot change is read once."""

    def __init__(self, sagemaker: Any, arn: str) -> None:
        self._sagemaker = sagemaker
        self._arn = arn
        described = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        self._planned = list(_planned(json.loads(described["PipelineDefinition"])["Steps"]))
        pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
        self._parameters = {item["Name"]: item["Value"] for page in pages for item in page["PipelineParameters"]}

    def snapshot(self) -> Snapshot:
        # The execution first: once it has ended, no step that is read afterwards can still change.
        execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=self._arn)
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=self._arn)
        found = {item["StepName"]: item for page in pages for item in page["PipelineExecutionSteps"]}
        status = execution["PipelineExecutionStatus"]
        absent = "Waiting" if status in RUNNING else "Skipped"
        return Snapshot(
            arn=self._arn,
            name=execution.get("PipelineExecutionDisplayName", self._arn.rpartition("/")[2]),
            status=status,
            reason=execution.get("FailureReason", ""),
            parameters=self._parameters,
            steps=tuple(_step(planned, found.get(planned["Name"]), absent) for planned in self._planned),
        )


@dataclass(frozen=True, slots=True)
class Start:
    """What a new execution is started with."""

    dimension: str
    uri: str
    version: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the pipeline beside these: what its checks do."""

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
    declared = _declared(sagemaker, names.pipeline)
    chosen = {name: _checked_option(declared, name, value) for name, value in (options or {}).items()}
    place = urlsplit(uri, allow_fragments=False)
    if place.scheme != "s3" or not place.netloc or len(place.path) < 2:
        raise DataError(f"data {uri!r} is no S3 object: give s3://<bucket>/<key>, or use `contender data upload`")
    if not _RECORDABLE.fullmatch(uri):
        raise DataError(
            f"data {uri!r} cannot be recorded with a version: use up to 256 letters, digits and . _ - = + @ /"
        )
    for execution in executions(sagemaker, names.pipeline):
        if execution["PipelineExecutionStatus"] in RUNNING and dimension_of_execution(execution) == dimension:
            raise _busy(dimension, execution["PipelineExecutionArn"])
    try:
        head = s3.head_object(Bucket=place.netloc, Key=place.path.removeprefix("/"))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
            raise
        raise DataError(f"{uri} does not exist: upload it with `contender data upload`") from error
    version = head.get("VersionId")
    return Start(
        dimension,
        uri,
        version if version not in (None, "null") else head["ETag"].strip('"'),
        baselines.first_run(sagemaker, names.group(dimension), declared) | chosen,
    )


def start(sagemaker: Any, lock: DimensionLock, names: Names, request: Start, now: datetime) -> str:
    """Start an execution and return its ARN. It holds its dimension as an upload's does, so that uploads wait for it.

    DeploymentError when another one was faster.
    """
    token = uuid.uuid4().hex

    def begin() -> str:
        answer = sagemaker.start_pipeline_execution(
            PipelineName=names.pipeline,
            PipelineExecutionDisplayName=names.execution(request.dimension, token),
            PipelineParameters=[{"Name": name, "Value": value} for name, value in request.parameters.items()],
            ClientRequestToken=token,
        )
        return str(answer["PipelineExecutionArn"])

    answer = lock.start(request.dimension, token, now, begin)
    if answer.claim is Claim.HELD:
        raise _busy(request.dimension, answer.execution_arn)
    return answer.execution_arn


def retry(sagemaker: Any, lock: DimensionLock, arn: str, now: datetime) -> None:
    """Go on with a failed, stopped or interrupted execution; its finished steps are not done again.

    It holds its dimension like one that starts. DeploymentError when another one has it.
    """
    token = uuid.uuid4().hex
    dimension = dimension_of_execution(sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))

    def begin() -> str:
        answer = sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)
        return str(answer["PipelineExecutionArn"])

    if dimension is None:
        begin()  # started by somebody's own script, under a name that tells no dimension
        return
    answer = lock.start(dimension, token, now, begin)
    if answer.claim is Claim.HELD:
        raise _busy(dimension, answer.execution_arn)


def find(sagemaker: Any, pipeline: str, word: str | None) -> str:
    """ARN of the execution that `word` names: its ARN or id, or a dimension's latest; without a word the latest."""
    if word and word.startswith("arn:"):
        return word
    for execution in executions(sagemaker, pipeline):
        arn: str = execution["PipelineExecutionArn"]
        display_name = execution.get("PipelineExecutionDisplayName")
        if word in (None, arn.rpartition("/")[2], display_name, dimension_of_execution(execution)):
            return arn
    what = f"{word!r} names no execution of" if word else "there is no execution of"
    raise NotFoundError(f"{what} pipeline {pipeline!r}: upload data, or use `contender pipeline start`")


def executions(sagemaker: Any, pipeline: str) -> Iterator[Mapping[str, Any]]:
    """Summaries, the latest first."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        for page in pages:
            yield from page["PipelineExecutionSummaries"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise _absent(pipeline) from error


def _declared(sagemaker: Any, pipeline: str) -> dict[str, str]:
    try:
        return baselines.declared(sagemaker, pipeline)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise _absent(pipeline) from error


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
        "CacheHitResult" in found,
        found.get("FailureReason", ""),
    )
