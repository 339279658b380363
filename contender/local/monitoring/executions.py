"""The executions of schedules: what ListMonitoringExecutions answers, also of schedules that are gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contender.local.api.listing import has, page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs.documents import shorten
from contender.local.store import Document, Filter

KIND = "monitoring-execution"
OPEN = ("Pending", "InProgress", "Stopping")
SUMMARY = (
    "MonitoringScheduleName",
    "ScheduledTime",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringExecutionStatus",
    "ProcessingJobArn",
    "EndpointName",
    "FailureReason",
    "MonitoringJobDefinitionName",
    "MonitoringType",
)


def insert(context: Context, number: str, schedule: Mapping[str, Any], scheduled: datetime) -> None:
    """Raises AlreadyExists: it began before."""
    now = context.clock()
    body = {
        **pick(schedule, "MonitoringScheduleName", "MonitoringType", "EndpointName"),
        **pick(schedule["MonitoringScheduleConfig"], "MonitoringJobDefinitionName"),
        "ScheduledTime": scheduled,
        "CreationTime": now,
        "LastModifiedTime": now,
        "MonitoringExecutionStatus": "Pending",
    }
    context.store.insert(KIND, number, body, now=now, parent=schedule["MonitoringScheduleName"], status="Pending")


def change(context: Context, number: str, status: str, **changes: Any) -> None:
    now = context.clock()
    fields = {**changes, "MonitoringExecutionStatus": status, "LastModifiedTime": now}
    context.store.update(KIND, number, fields, now=now, status=status)


def end(context: Context, number: str, status: str, reason: str | None = None) -> None:
    """The last status, which stays: a second call changes nothing."""
    with context.store.transaction():
        if context.store.get(KIND, number)["MonitoringExecutionStatus"] in OPEN:
            change(context, number, status, FailureReason=shorten(reason) if reason else None)


def last(context: Context, schedule: Mapping[str, Any]) -> Document | None:
    """The newest execution of this schedule, not of one before it that had its name."""
    mine = Filter(parent=schedule["MonitoringScheduleName"], created_after=schedule["CreationTime"])
    found = context.store.page(KIND, mine, descending=True, limit=1)
    return pick(found[0], *SUMMARY) if found else None


def unfinished(context: Context) -> list[tuple[str, Document]]:
    return [
        (place[1], body)
        for status in OPEN
        for place, body in list(
            context.store.walk(KIND, Filter(status=status), sort="created", descending=False, after=None)
        )
    ]


def list_monitoring_executions(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    equal = {
        "EndpointName": request.get("EndpointName"),
        "MonitoringJobDefinitionName": request.get("MonitoringJobDefinitionName"),
        "MonitoringType": request.get("MonitoringTypeEquals"),
    }
    before, after = request.get("ScheduledTimeBefore"), request.get("ScheduledTimeAfter")

    def keep(body: Document) -> bool:
        scheduled = body["ScheduledTime"]
        return has(body, equal) and (before is None or scheduled <= before) and (after is None or scheduled >= after)

    # executions are created when they are due, so that sorting by either time is the same
    return page(
        context.store,
        KIND,
        request,
        lambda body: pick(body, *SUMMARY),
        key="MonitoringExecutionSummaries",
        parent=request.get("MonitoringScheduleName"),
        keep=keep,
    )


OPERATIONS: dict[str, Handler] = {"ListMonitoringExecutions": list_monitoring_executions}
