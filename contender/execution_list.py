"""The list of executions: of which dimension and data, when and how long, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender.executions import parameters_of, pipeline_of
from contender.lambdas.dimension_lock import RUNNING
from contender.naming import dimension_of_execution


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of executions. `data` and `version` are what it was started with."""

    pipeline: str
    dimension: str | None
    execution: str
    status: str
    started: datetime
    ended: datetime | None
    data: str
    version: str
    reason: str


def listed(sagemaker: Any, summary: Mapping[str, Any]) -> Listed:
    """A summary with what has to be asked for one by one: when it ended, and its parameters."""
    arn, status = summary["PipelineExecutionArn"], summary["PipelineExecutionStatus"]
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    parameters = parameters_of(sagemaker, arn)
    return Listed(
        pipeline=pipeline_of(arn),
        dimension=dimension_of_execution(summary),
        execution=arn.rpartition("/")[2],
        status=status,
        started=summary["StartTime"],
        ended=None if status in RUNNING else execution.get("LastModifiedTime"),
        data=parameters.get("InputDataUri", ""),
        version=parameters.get("DataVersion", ""),
        reason=execution.get("FailureReason", ""),
    )
