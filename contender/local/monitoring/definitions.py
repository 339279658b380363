"""Job definitions: what a schedule of one type runs, created once and named by any number of schedules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from contender.local.api.errors import ResourceInUse, ResourceNotFound, ValidationException
from contender.local.api.listing import page
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs import documents
from contender.local.jobs.kinds import PROCESSING
from contender.local.monitoring import captured, work
from contender.local.monitoring.kinds import KINDS, MODEL_QUALITY, SCHEDULES, MonitoringKind
from contender.local.monitoring.window import Timing
from contender.local.monitoring.work import Work
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Document, Filter


def create(kind: MonitoringKind, context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["JobDefinitionName"]
    arn = context.arn(f"{kind.kind}/{name}")
    now = context.clock()
    body = {key: value for key, value in request.items() if key != "Tags"}
    with context.store.transaction():
        check(context, work.of_definition(kind, body))
        try:
            context.store.insert(kind.kind, name, {**body, "JobDefinitionArn": arn, "CreationTime": now}, now=now)
        except AlreadyExists:
            raise ResourceInUse(f"Job Definition already exists: {arn}") from None
        tags.put(context, arn, request.get("Tags"))
    return {"JobDefinitionArn": arn}


def check(context: Context, job: Work) -> None:
    """Raises ValidationException for a definition that could never run."""
    if job.endpoint is not None and captured.destination(context, job.endpoint) is None:
        raise ValidationException(f"Endpoint '{job.endpoint}' does not exist or is not valid: it captures no data")
    if job.endpoint is None:
        _check_transforms(job)
    Timing.of({}, job.source)
    if name := job.baseline.get("BaseliningJobName"):
        documents.find(context, PROCESSING, name)


def _check_transforms(job: Work) -> None:
    if job.kind is MODEL_QUALITY:
        raise ValidationException(
            "ModelQuality of transform jobs does not work on this machine: they write no inference ids to find "
            "labels by"
        )
    if len(job.source["DatasetFormat"]) != 1:
        raise ValidationException("BatchTransformInput: DatasetFormat needs one of Csv, Json and Parquet")


def describe(kind: MonitoringKind, context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _find(context, kind, request["JobDefinitionName"])


def delete(kind: MonitoringKind, context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["JobDefinitionName"]
    with context.store.transaction():
        body = _find(context, kind, name)
        if users := [
            each["MonitoringScheduleName"]
            for each in context.store.page(SCHEDULES, Filter())
            if each["MonitoringScheduleConfig"].get("MonitoringJobDefinitionName") == name
            and each["MonitoringType"] == kind.type
        ]:
            raise ValidationException(
                f"Job definition {name!r} is used by the monitoring schedules {', '.join(users)}; delete them first"
            )
        context.store.delete(kind.kind, name)
        tags.forget(context, body["JobDefinitionArn"])
    return {}


def list_(kind: MonitoringKind, context: Context, request: dict[str, Any]) -> dict[str, Any]:
    def summarise(body: Document) -> Document:
        return {
            "MonitoringJobDefinitionName": body["JobDefinitionName"],
            "MonitoringJobDefinitionArn": body["JobDefinitionArn"],
            "CreationTime": body["CreationTime"],
            "EndpointName": work.of_definition(kind, body).endpoint or "",
        }

    def keep(body: Document) -> bool:
        return request.get("EndpointName") in (None, work.of_definition(kind, body).endpoint)

    return page(context.store, kind.kind, request, summarise, key="JobDefinitionSummaries", keep=keep)


def _find(context: Context, kind: MonitoringKind, name: str) -> Document:
    found = context.store.find(kind.kind, name)
    if found is None:
        raise ResourceNotFound(f"Could not find the job definition {context.arn(f'{kind.kind}/{name}')}")
    return found


_VERBS: dict[str, tuple[Callable[..., dict[str, Any]], str]] = {
    "Create": (create, ""),
    "Describe": (describe, ""),
    "Delete": (delete, ""),
    "List": (list_, "s"),
}
OPERATIONS: dict[str, Handler] = {
    f"{verb}{kind.type}JobDefinition{plural}": partial(function, kind)
    for kind in KINDS.values()
    for verb, (function, plural) in _VERBS.items()
}
