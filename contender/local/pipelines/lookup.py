"""Pipelines and their executions by name or ARN."""

from __future__ import annotations

from typing import Any

from contender.local.api.errors import ResourceNotFound, ValidationException
from contender.local.context import Context
from contender.local.pipelines.records import EXECUTION, PIPELINE
from contender.local.store import Document


def find_pipeline(context: Context, name_or_arn: str) -> Document:
    """Raises ResourceNotFound."""
    name = name_in(name_or_arn)
    found = context.store.find(PIPELINE, name)
    if found is None:
        raise ResourceNotFound(f"Pipeline '{context.arn(f'pipeline/{name}')}' does not exist.")
    return found


def refuse_unsupported(request: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in request:
            raise ValidationException(f"{name} is not supported yet by local SageMaker")


def find_execution(context: Context, arn: str) -> Document:
    found = context.store.find(EXECUTION, id_in(arn))
    if found is None or found["PipelineExecutionArn"] != arn:
        raise ResourceNotFound(f"Pipeline execution '{arn}' does not exist.")
    return found


def id_in(arn: str) -> str:
    return arn.rpartition("/")[2]


def name_in(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
