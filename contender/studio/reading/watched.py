"""What watches an endpoint, and what it says: its alarms, and what the last comparison of its requests found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contender.studio.desk import Desk
from contender.watching import alarms as watchers
from contender.watching.executions import Executions, Found

ALARMS_S, FOUND_S = 5.0, 30.0
SEE = ". See "


@dataclass(frozen=True, slots=True)
class Alarm:
    """`rings`: when it does. `runbook`: where it stands what to do then."""

    kind: str
    state: str
    since: datetime
    rings: str
    runbook: str
    reason: str


def alarms(desk: Desk, endpoint: str) -> tuple[Alarm, ...]:
    """The endpoint's own, those that ring first."""

    def read() -> tuple[Alarm, ...]:
        pages = desk.client("cloudwatch").get_paginator("describe_alarms")
        found = [
            alarm
            for page in pages.paginate(AlarmNamePrefix=f"{endpoint}-", AlarmTypes=["MetricAlarm"], MaxRecords=100)
            for alarm in page["MetricAlarms"]
            if watchers.endpoint_of(desk.names, alarm) == endpoint
        ]
        made = []
        for alarm in found:
            rings, _, runbook = alarm["AlarmDescription"].removeprefix(f"{endpoint}: ").partition(SEE)
            made.append(
                Alarm(
                    alarm["AlarmName"].rpartition("-")[2],
                    alarm["StateValue"],
                    alarm["StateUpdatedTimestamp"],
                    rings,
                    runbook,
                    alarm.get("StateReason", ""),
                )
            )
        return tuple(sorted(made, key=lambda each: (each.state != "ALARM", each.kind)))

    return desk.kept.get(("alarms of", endpoint), ALARMS_S, read)


def comparisons(desk: Desk, dimension: str) -> Sequence[Found]:
    """The last comparison of each kind that is scheduled; none in a stage before the last, which nobody watches."""
    monitoring = desk.settings.monitoring
    if desk.stage or not monitoring.enabled:
        return ()

    def read() -> Sequence[Found]:
        executions = Executions(desk.client("sagemaker"), desk.client("s3"), desk.names)
        return tuple(executions.latest_of(dimension))

    return desk.kept.get(("comparisons", dimension), FOUND_S, read)
