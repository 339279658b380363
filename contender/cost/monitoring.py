"""Monitoring of the last stage: schedules where endpoints capture requests, what is captured, alarms and messages."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.assumptions import HOURS_PER_MONTH, MINUTES_PER_MONTH
from contender.cost.case import Case, Line
from contender.cost.pipelines import VOLUME_GB
from contender.cost.serving import challengers

PART = "monitoring"
DATA_JOBS, QUALITY_JOBS = 1, 2
"""That a run of a schedule starts: answers and truth are merged by a job of their own."""
ALARMS_PER_ENDPOINT = 3
"""Errors, latency, drift."""
ALARMS = 5
"""Dead letters, failed executions, stalled rollouts, refused calls, late schedules."""
METRICS_PER_ENDPOINT = 2
MAILS_PER_ENDPOINT = 4
WATCH_MS, WATCH_MB = 2_000, 256


def lines(case: Case) -> Iterator[Line]:
    yield from _captures(case)
    every = case.assumed.monitor_every_hours
    if not every:
        return
    if case.settings.stages_in_order[-1][1].data_capture_percent:
        yield from _schedules(case, case.dimensions * HOURS_PER_MONTH / every)
    yield case.line(PART, "metrics of drift", case.dimensions * METRICS_PER_ENDPOINT, "metrics")
    yield case.line(PART, "alarms of endpoints", case.dimensions * ALARMS_PER_ENDPOINT, "alarms")
    yield case.line(PART, "alarms of the project", ALARMS, "alarms")
    yield case.line(PART, "dashboard", 1, "dashboards")
    yield case.line(PART, "mails", case.dimensions * MAILS_PER_ENDPOINT, "mails")


def _schedules(case: Case, runs: float) -> Iterator[Line]:
    """So many runs of each schedule, and the functions that hear how they ended."""
    instance_type, hours_each = case.settings.checks.instance_type, case.assumed.minutes_per_job / 60
    lower = _lower(case, instance_type)
    data, quality = runs * DATA_JOBS * hours_each, runs * QUALITY_JOBS * hours_each * case.assumed.quality_monitors
    yield case.hours(PART, "data quality", data, instance_type, lower=lower)
    yield case.hours(PART, "model quality", quality, instance_type, lower=lower)
    yield case.line(PART, "volumes", (data + quality) / HOURS_PER_MONTH * VOLUME_GB, "ml_volume")
    heard = runs * (1 + case.assumed.quality_monitors)
    yield from case.computing(PART, "watch and drift", heard, WATCH_MS, WATCH_MB)


def _captures(case: Case) -> Iterator[Line]:
    """What endpoints keep of requests and answers: at most a file a minute and variant."""
    written = kept = 0.0
    for _, stage in case.settings.stages_in_order:
        share = stage.data_capture_percent / 100
        captured = case.requests / len(case.settings.stages_in_order) * share
        most = MINUTES_PER_MONTH * case.dimensions * (1 + challengers(stage, case.assumed))
        written += min(captured, most)
        kept += captured * case.assumed.request_kb * 1e3 / 1e9 * case.assumed.months_kept
    if written:
        yield case.line(PART, "captured files", written, "object_writes", lower="a lower endpoint.data_capture_percent")
        yield case.line(PART, "captures kept", kept, "object_storage", lower="a lower endpoint.data_capture_percent")


def _lower(case: Case, instance_type: str) -> str:
    if case.assumed.monitor_every_hours < 24:
        return "monitoring once a day"
    smaller = case.prices.smaller(instance_type)
    return f"checks.instance_type {smaller}, if the rows fit" if smaller else ""
