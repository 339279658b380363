"""The executions of a project's pipelines: all of them, the one that a person means, and what came of each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import NotFoundError
from contender.executions.dimension_lock import RUNNING
from contender.naming import dimension_of_execution

PAGE = 100
"""The most that a list operation gives at once."""
LOOKS_BACK = 200
"""Summaries among which running ones are looked for; many times what an account may run at once."""


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


def recent(sagemaker: Any, pipelines: Sequence[str], before: datetime | None = None) -> Iterator[Mapping[str, Any]]:
    """Summaries of all of them, the latest first. One that is not deployed has none, unless that is true of the first.

    A project's first pipeline trains; the others are there when the project has a use for them. `before`: only those
    that started before this moment.
    """

    def of_one(pipeline: str) -> Iterator[Mapping[str, Any]]:
        try:
            yield from executions(sagemaker, pipeline, before)
        except NotFoundError:
            if pipeline == pipelines[0]:
                raise

    lists = [of_one(pipeline) for pipeline in pipelines]
    return heapq.merge(*lists, key=lambda summary: summary["StartTime"].timestamp(), reverse=True)


def executions(sagemaker: Any, pipeline: str, before: datetime | None = None) -> Iterator[Mapping[str, Any]]:
    """Summaries, the latest first."""
    # A request holds times in whole seconds.
    within = {} if before is None else {"CreatedBefore": before + timedelta(seconds=1)}
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=PAGE, **within
    )
    try:
        for page in pages:
            found = page["PipelineExecutionSummaries"]
            yield from (each for each in found if before is None or each["StartTime"] < before)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise absent(pipeline) from error


def parameters_of(sagemaker: Any, arn: str) -> dict[str, str]:
    """What an execution was started with."""
    pages = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return {item["Name"]: item["Value"] for page in pages for item in page["PipelineParameters"]}


def pipeline_of(arn: str) -> str:
    """The pipeline that an execution's ARN names."""
    return arn.partition(":pipeline/")[2].partition("/")[0]


def address_of(arn: str) -> tuple[str, str] | None:
    """Pipeline and id of the execution that an ARN names; None for an ARN of nothing like that."""
    pipeline, _, identity = arn.partition(":pipeline/")[2].partition("/execution/")
    return (pipeline, identity) if identity else None


def absent(pipeline: str) -> NotFoundError:
    return NotFoundError(f"pipeline {pipeline!r} does not exist: make it with `contender pipeline upsert`")
