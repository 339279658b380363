"""Models that a challenger is asked by while it is checked, before it is a version.

A candidate's name is made of what it is: artifact, image and environment. So it is made once however often it is asked
for, and a later execution whose artifact came from the cache asks the same model again, which lets the service take
everything that asked it from the cache too. Versions on endpoints have models of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contender.endpoints import found
from contender.errors import DeploymentError
from contender.executions.dimension_lock import RUNNING
from contender.naming import Names, dimension_of_execution

KEPT = timedelta(days=1)
"""An execution that failed while it asked its candidate can be retried that long: its CreateModel is not run again, and
the candidate may be older than the execution."""
LONGEST_EXECUTION = timedelta(days=28)


def create(
    sagemaker: Any,
    names: Names,
    dimension: str,
    *,
    model_uri: str,
    image: str,
    environment: Mapping[str, str],
    role_arn: str,
) -> str:
    """Make the candidate unless it is there, and return its name. DeploymentError if SageMaker will not."""
    variables = [f"{key}={value}" for key, value in sorted(environment.items())]
    name = names.candidate(dimension, [model_uri, image, *variables])
    if found(lambda: sagemaker.describe_model(ModelName=name)):
        return name
    container = {"Image": image, "ModelDataUrl": model_uri, "Environment": dict(environment)}
    try:
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role_arn, Containers=[container])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceLimitExceeded"):
            raise
        if not found(lambda: sagemaker.describe_model(ModelName=name)):
            message = error.response["Error"].get("Message", "")
            raise DeploymentError(f"model {name} of {model_uri} was refused: {message}") from error
    return name


def leftovers(sagemaker: Any, names: Names, now: datetime) -> tuple[str, ...]:
    """Candidates that nobody needs: made more than a day ago, no execution of their dimension runs or failed lately."""
    pages = sagemaker.get_paginator("list_models").paginate(
        NameContains=f"{names.project}-", CreationTimeBefore=now - KEPT
    )
    old = {
        model["ModelName"]: dimension
        for page in pages
        for model in page["Models"]
        if (dimension := names.dimension_of_candidate(model["ModelName"])) is not None
    }
    if not old:
        return ()
    needed = {dimension for pipeline in names.training_pipelines for dimension in _needed(sagemaker, pipeline, now)}
    # One that somebody started under a name of his own may be any dimension's.
    return () if None in needed else tuple(name for name, dimension in old.items() if dimension not in needed)


def _needed(sagemaker: Any, pipeline: str, now: datetime) -> set[str | None]:
    """Dimensions of the executions that run, or failed lately; None stands for one whose name tells no dimension."""
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, CreatedAfter=now - LONGEST_EXECUTION
    )
    try:
        return {
            dimension_of_execution(execution)
            for page in pages
            for execution in page["PipelineExecutionSummaries"]
            if execution["PipelineExecutionStatus"] in RUNNING
            or (execution["PipelineExecutionStatus"] != "Succeeded" and execution["StartTime"] > now - KEPT)
        }
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return set()
