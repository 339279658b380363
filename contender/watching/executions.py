"""Executions of monitoring schedules for people: the latest of each, what it found, and one more right now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender import endpoints
from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.watching import findings
from contender.watching.definitions import TYPES
from contender.watching.wishes import KINDS, Kind

NO_DATA = "Job inputs had no data"
"""SageMaker's words, and all of them, where nothing was asked in the time that an execution looks at."""
OVER = frozenset({"Completed", "CompletedWithViolations", "Failed", "Stopped"})
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """One execution: status is SageMaker's, and `no data` where there was nothing to compare; "" before the first."""

    dimension: str
    kind: Kind
    schedule: str
    status: str = ""
    at: datetime | None = None
    reason: str = ""
    sentences: tuple[str, ...] = ()


class Executions:
    def __init__(self, sagemaker: Any, s3: Any, names: Names) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self._names = names

    def latest(self) -> Iterator[Found]:
        """Of each schedule of the last stage, by name."""
        pages = self._sagemaker.get_paginator("list_monitoring_schedules").paginate(
            NameContains=f"{self._names.project}-", SortBy="Name", SortOrder="Ascending"
        )
        for each in (each for page in pages for each in page["MonitoringScheduleSummaries"]):
            place = self._names.schedule_of(each["MonitoringScheduleName"])
            dimension = self._names.dimension_of(place.endpoint) if place is not None else None
            if place is not None and dimension is not None and not place.once:
                name = each["MonitoringScheduleName"]
                described = self._sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
                yield self._last(Found(dimension, place.kind, name), described)

    def latest_of(self, dimension: str) -> Iterator[Found]:
        """Of each schedule that one dimension has."""
        for kind in KINDS:
            name = self._names.schedule(self._names.endpoint(dimension), kind)
            if (described := self._describe(name)) is not None:
                yield self._last(Found(dimension, kind, name), described)

    def run(self, dimension: str, kind: Kind, hours: int, sleep: Callable[[float], None], timeout_s: float) -> Found:
        """Compare what the last `hours` brought, now, and wait for it.

        NotFoundError where nothing is compared, DeploymentError where it takes too long. It needs no look at the
        regular schedule, which goes on meanwhile.
        """
        endpoint = self._names.endpoint(dimension)
        regular = self._describe(self._names.schedule(endpoint, kind))
        if regular is None:
            raise NotFoundError(
                f"nothing compares the {kind} of {dimension!r}: `contender monitoring status` says what is missing"
            )
        name = self._names.schedule(endpoint, kind, once=True)
        self._forget(name)
        definition = regular["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
        self._sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "ScheduleConfig": {
                    "ScheduleExpression": "NOW",
                    "DataAnalysisStartTime": f"-PT{hours}H",
                    "DataAnalysisEndTime": "-PT0H",
                },
                "MonitoringJobDefinitionName": definition,
                "MonitoringType": TYPES[kind],
            },
        )
        last = self._wait(name, sleep, timeout_s)
        self._forget(name)
        return self._found(Found(dimension, kind, name), last)

    def _wait(self, name: str, sleep: Callable[[float], None], timeout_s: float) -> Mapping[str, Any]:
        waited_s = 0.0
        while True:
            last: Mapping[str, Any] = (self._describe(name) or {}).get("LastMonitoringExecutionSummary", {})
            if last.get("MonitoringExecutionStatus") in OVER:
                return last
            if waited_s >= timeout_s:
                raise DeploymentError(f"schedule {name} is not done after {timeout_s:.0f} s: it goes on without us")
            sleep(POLL_S)
            waited_s += POLL_S

    def _last(self, found: Found, described: Mapping[str, Any]) -> Found:
        last = described.get("LastMonitoringExecutionSummary")
        return found if last is None else self._found(found, last)

    def _found(self, found: Found, last: Mapping[str, Any]) -> Found:
        status, reason = last["MonitoringExecutionStatus"], last.get("FailureReason", "")
        sentences: tuple[str, ...] = ()
        if status == "CompletedWithViolations":
            name = last["ProcessingJobArn"].rpartition("/")[2]
            job = self._sagemaker.describe_processing_job(ProcessingJobName=name)
            seen = findings.examination(job, self._names)
            sentences = findings.sentences(self._s3, seen) if seen is not None else ()
        if reason == NO_DATA:
            status, reason = "no data", "nothing was captured in that time"
        return Found(found.dimension, found.kind, found.schedule, status, last["ScheduledTime"], reason, sentences)

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        return endpoints.found(lambda: self._sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name))

    def _forget(self, name: str) -> None:
        """Delete what an earlier run, killed, may have left."""
        try:
            self._sagemaker.delete_monitoring_schedule(MonitoringScheduleName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFound":
                raise
