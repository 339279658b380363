"""Start an execution by hand, go on with one, stop one."""

from __future__ import annotations

import difflib
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender import baselines, s3_object, warm_start
from contender.errors import DataError, DeploymentError, SettingsError
from contender.executions import request
from contender.executions.dimension_lock import RUNNING, Claim, DimensionLock
from contender.executions.listing import LOOKS_BACK, absent, pipeline_of, recent
from contender.executions.request import Request
from contender.naming import Names, checked_dimension, dimension_of_execution


def plan_start(
    sagemaker: Any, s3: Any, names: Names, dimension: str, uri: str, options: Mapping[str, str] | None = None
) -> Request:
    """Check that the object exists and that the dimension is free. DataError or DeploymentError says what is wrong.

    `options` set parameters of the pipeline; a check without a baseline is skipped and registers one unless they say
    otherwise. SettingsError names an option that the pipeline does not have.
    """
    names.endpoint(checked_dimension(dimension))
    definition = _definition(sagemaker, names.pipeline)
    declared = baselines.declared(definition)
    chosen = {name: _checked_option(declared, name, value) for name, value in (options or {}).items()}
    if not request.RECORDABLE.fullmatch(uri):
        raise DataError(
            f"data {uri!r} cannot be recorded with a version: use up to 256 letters, digits and . _ - = + @ /"
        )
    for execution in islice(recent(sagemaker, names.training_pipelines), LOOKS_BACK):
        if execution["PipelineExecutionStatus"] in RUNNING and dimension_of_execution(execution) == dimension:
            raise _busy(dimension, execution["PipelineExecutionArn"])
    head = s3_object.head(s3, uri)
    if head is None:
        raise DataError(f"{uri} does not exist: upload it with `contender data upload`")
    found = request.prepare(sagemaker, names, dimension, uri, s3_object.version(head), definition)
    reason = "" if warm_start.PARAMETER in chosen else found.reason
    return replace(found, options={**found.options, **chosen}, reason=reason)


def start(sagemaker: Any, lock: DimensionLock, names: Names, wanted: Request, now: datetime) -> str:
    """Start an execution and return its ARN. It holds its dimension as an upload's does, so that uploads wait for it.

    DeploymentError when another one was faster.
    """
    token = uuid.uuid4().hex
    answer = lock.start(wanted.dimension, token, now, lambda: request.send(sagemaker, names, wanted, token))
    if answer.claim is Claim.HELD:
        raise _busy(wanted.dimension, answer.execution_arn)
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


def _definition(sagemaker: Any, pipeline: str) -> Mapping[str, Any]:
    """The deployed definition."""
    try:
        described = sagemaker.describe_pipeline(PipelineName=pipeline)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise absent(pipeline) from error
    definition: Mapping[str, Any] = json.loads(described["PipelineDefinition"])
    return definition


def _checked_option(declared: Mapping[str, str], name: str, value: str) -> str:
    if name in request.GIVEN:
        raise SettingsError(f"parameter {name!r} is not an option: it comes from the dimension and its data")
    if name not in declared:
        near = difflib.get_close_matches(name, declared, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`contender pipeline show --deployed --json` lists them"
        raise SettingsError(f"the pipeline has no parameter {name!r}; {hint}")
    if declared[name] == "Boolean" and value.lower() not in ("true", "false"):
        raise SettingsError(f"parameter {name} is true or false, not {value!r}")
    return value.lower() if declared[name] == "Boolean" else value


def _busy(dimension: str, execution_arn: str) -> DeploymentError:
    what = f"execution {execution_arn.rpartition('/')[2]}" if execution_arn else "an execution that is about to start"
    return DeploymentError(
        f"dimension {dimension!r} is in {what}: wait for it (`contender pipeline watch {dimension}`)"
    )
