"""Monitoring schedules: created, described, listed, changed, started, stopped, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.local.api.errors import ResourceInUse, ResourceNotFound, ValidationException
from contender.local.api.listing import has, page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.monitoring import definitions, executions, work
from contender.local.monitoring.kinds import MODEL_QUALITY
from contender.local.monitoring.kinds import SCHEDULES as KIND
from contender.local.monitoring.window import Timing
from contender.local.monitoring.work import Work
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Document

DESCRIBED = (
    "MonitoringScheduleArn",
    "MonitoringScheduleName",
    "MonitoringScheduleStatus",
    "MonitoringType",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringScheduleConfig",
    "EndpointName",
)


def create_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, config = request["MonitoringScheduleName"], request["MonitoringScheduleConfig"]
    arn = context.arn(f"{KIND}/{name}")
    now = context.clock()
    with context.store.transaction():
        job, timing = _check(context, config)
        schedule = {
            "MonitoringScheduleName": name,
            "MonitoringScheduleArn": arn,
            "CreationTime": now,
            **_content(config, job),
            "LastModifiedTime": now,
            "MonitoringScheduleStatus": "Scheduled",
            "_due": timing.first(now),
        }
        try:
            context.store.insert(KIND, name, schedule, now=now, status="Scheduled")
        except AlreadyExists:
            raise ResourceInUse(f"Monitoring Schedule {arn} already exists") from None
        tags.put(context, arn, request.get("Tags"))
    context.monitoring.look()
    return {"MonitoringScheduleArn": arn}


def describe_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    schedule = _find(context, request["MonitoringScheduleName"])
    answer = pick(schedule, *DESCRIBED)
    if (last := executions.last(context, schedule)) is not None:
        answer["LastMonitoringExecutionSummary"] = last
    return answer


def update_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, config = request["MonitoringScheduleName"], request["MonitoringScheduleConfig"]
    with context.store.transaction():
        schedule = _find(context, name)
        job, timing = _check(context, config)
        now = context.clock()
        changes = {"EndpointName": None, **_content(config, job), "LastModifiedTime": now, "_due": timing.first(now)}
        context.store.update(KIND, name, changes, now=now)
    context.monitoring.look()
    return {"MonitoringScheduleArn": schedule["MonitoringScheduleArn"]}


def start_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One that is started already goes on as it is; one for NOW that was stopped runs once more."""
    name = request["MonitoringScheduleName"]
    with context.store.transaction():
        schedule = _find(context, name)
        if schedule["MonitoringScheduleStatus"] == "Scheduled":
            return {}
        _, timing = _check(context, schedule["MonitoringScheduleConfig"])
        now = context.clock()
        changes = {"MonitoringScheduleStatus": "Scheduled", "LastModifiedTime": now, "_due": timing.first(now)}
        context.store.update(KIND, name, changes, now=now, status="Scheduled")
    context.monitoring.look()
    return {}


def stop_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An execution that runs goes on to its end."""
    name = request["MonitoringScheduleName"]
    with context.store.transaction():
        _find(context, name)
        now = context.clock()
        changes = {"MonitoringScheduleStatus": "Stopped", "LastModifiedTime": now}
        context.store.update(KIND, name, changes, now=now, status="Stopped")
    return {}


def delete_monitoring_schedule(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Its executions stay listed."""
    with context.store.transaction():
        schedule = _find(context, request["MonitoringScheduleName"])
        context.store.delete(KIND, request["MonitoringScheduleName"])
        tags.forget(context, schedule["MonitoringScheduleArn"])
    return {}


def list_monitoring_schedules(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    equal = {
        "EndpointName": request.get("EndpointName"),
        "MonitoringType": request.get("MonitoringTypeEquals"),
    }
    definition = {"MonitoringJobDefinitionName": request.get("MonitoringJobDefinitionName")}

    def keep(schedule: Document) -> bool:
        return has(schedule, equal) and has(schedule["MonitoringScheduleConfig"], definition)

    def summarise(schedule: Document) -> Document:
        names = [name for name in DESCRIBED if name != "MonitoringScheduleConfig"]
        config = pick(schedule["MonitoringScheduleConfig"], "MonitoringJobDefinitionName")
        return {**pick(schedule, *names), **config}

    return page(context.store, KIND, request, summarise, key="MonitoringScheduleSummaries", keep=keep)


def _check(context: Context, config: Mapping[str, Any]) -> tuple[Work, Timing]:
    """What a config runs and when. Raises ValidationException."""
    job = work.of_schedule(context.store, config)
    definitions.check(context, job)
    timing = Timing.of(config.get("ScheduleConfig", {}), job.source)
    if timing.recurrence is not None and job.runtime_s is not None:
        # of an execution that merges first, each of the two jobs gets half of the time
        longest_s = int(timing.recurrence.shortest.total_seconds()) // (2 if job.kind is MODEL_QUALITY else 1)
        if job.runtime_s > longest_s:
            raise ValidationException(
                f"MaxRuntimeInSeconds {job.runtime_s} is longer than this schedule leaves its {job.kind.type} jobs: "
                f"at most {longest_s}"
            )
    return job, timing


def _content(config: Mapping[str, Any], job: Work) -> Document:
    content: Document = {"MonitoringScheduleConfig": config, "MonitoringType": job.kind.type}
    return content | ({"EndpointName": job.endpoint} if job.endpoint else {})


def _find(context: Context, name: str) -> Document:
    found = context.store.find(KIND, name)
    if found is None:
        raise ResourceNotFound(f"Monitoring Schedule {context.arn(f'{KIND}/{name}')} not found")
    return found


OPERATIONS: dict[str, Handler] = {
    "CreateMonitoringSchedule": create_monitoring_schedule,
    "DescribeMonitoringSchedule": describe_monitoring_schedule,
    "ListMonitoringSchedules": list_monitoring_schedules,
    "UpdateMonitoringSchedule": update_monitoring_schedule,
    "StartMonitoringSchedule": start_monitoring_schedule,
    "StopMonitoringSchedule": stop_monitoring_schedule,
    "DeleteMonitoringSchedule": delete_monitoring_schedule,
}
