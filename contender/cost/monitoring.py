"""Monitoring of the last stage: schedules where endpoints capture requests, what is captured, alarms and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contender.config.sections import Monitoring
from contender.cost.assumptions import DAYS_PER_MONTH, HOURS_PER_MONTH, MINUTES_PER_MONTH
from contender.cost.case import Case, Line
from contender.cost.serving import challengers
from contender.watching.definitions import VOLUME_GB

PART = "monitoring"
JOBS = {"data": 1, "model": 2}
"""That a run starts to compare a kind of quality: answers and truth are merged by a job of their own."""
ALARMS_PER_VARIANT = 2
"""Errors and latency. An alarm is billed for each metric that it looks at, and these look at one of each variant; that
of drift at one of each kind."""
SCALING_ALARMS_PER_VARIANT = 2
"""That AWS makes to follow a figure up and down."""
ALARMS = 7
"""Dead letters of uploads and of drift, failed executions of three pipelines, stalled rollouts, a failing watcher."""
METRICS = 1
"""Stalled rollouts."""
MAILS_PER_ENDPOINT = 4
LOOKS = 4 * HOURS_PER_MONTH
"""The watcher's, at every endpoint, a quarter of an hour apart."""
WATCH_MS, WATCH_MS_PER_ENDPOINT, WATCH_MB = 1_000, 100, 512
"""Most of it waiting for AWS, several dimensions at once."""
DRIFT_MS, DRIFT_MB = 2_000, 256
"""Of a job that is over."""
CAPTURE_DAYS = 35
"""That what endpoints captured is kept."""


def lines(case: Case) -> Iterator[Line]:
    yield from _captures(case)
    settings, dimensions = case.settings.monitoring, case.dimensions
    if not settings.enabled:
        return
    compared = kinds(settings) if case.settings.data_captured else ()
    runs = dimensions * settings.runs_per_day * DAYS_PER_MONTH
    if compared:
        yield from _schedules(case, compared, runs)
    yield case.line(PART, "metrics of drift", dimensions * len(compared), "metrics")
    yield case.line(PART, "metrics of the project", METRICS, "metrics")
    yield case.line(PART, "metrics sent", LOOKS + runs * len(compared), "metric_writes")
    variants = dimensions * (1 + challengers(case.settings.stages_in_order[-1][1], case.assumed))
    watched = variants * ALARMS_PER_VARIANT + dimensions * len(compared)
    yield case.line(PART, "alarms of endpoints", watched, "alarms")
    if settings.autoscaling.enabled:
        yield case.line(PART, "alarms of scaling", variants * SCALING_ALARMS_PER_VARIANT, "alarms")
    yield case.line(PART, "alarms of the project", ALARMS, "alarms")
    yield case.line(PART, "dashboard", 1, "dashboards")
    yield case.line(PART, "mails", dimensions * MAILS_PER_ENDPOINT, "mails")
    yield from case.computing(PART, "watch", LOOKS, WATCH_MS + WATCH_MS_PER_ENDPOINT * dimensions, WATCH_MB)


def kinds(settings: Monitoring) -> tuple[str, ...]:
    """Whose quality is compared where requests are captured."""
    wanted = {"data": settings.data_quality, "model": settings.model_quality}
    return tuple(kind for kind, is_wanted in wanted.items() if is_wanted)


def _schedules(case: Case, compared: Sequence[str], runs: float) -> Iterator[Line]:
    """So many runs of each schedule, and the function that hears how their jobs ended."""
    instance_type, hours_each = case.settings.monitoring.instance_type, case.assumed.minutes_per_job / 60
    lower = _lower(case, instance_type)
    jobs = 0.0
    for kind in compared:
        started = runs * JOBS[kind]
        yield case.hours(PART, f"{kind} quality", started * hours_each, instance_type, lower=lower)
        jobs += started
    yield case.line(PART, "volumes", jobs * hours_each / HOURS_PER_MONTH * VOLUME_GB, "ml_volume")
    yield from case.computing(PART, "drift", jobs, DRIFT_MS, DRIFT_MB)


def _captures(case: Case) -> Iterator[Line]:
    """What endpoints keep of requests and answers: at most a file a minute and variant."""
    written = kept = 0.0
    for _, stage in case.settings.stages_in_order:
        share = stage.data_capture_percent / 100
        captured = case.requests / len(case.settings.stages_in_order) * share
        most = MINUTES_PER_MONTH * case.dimensions * (1 + challengers(stage, case.assumed))
        written += min(captured, most)
        kept += captured * case.assumed.request_kb * 1e3 / 1e9 * CAPTURE_DAYS / DAYS_PER_MONTH
    if written:
        yield case.line(PART, "captured files", written, "object_writes", lower="a lower endpoint.data_capture_percent")
        yield case.line(PART, "captures kept", kept, "object_storage", lower="a lower endpoint.data_capture_percent")


def _lower(case: Case, instance_type: str) -> str:
    if case.settings.monitoring.runs_per_day > 1:
        return "a monitoring.schedule of once a day, cron(0 6 ? * * *)"
    smaller = case.prices.smaller(instance_type)
    return f"monitoring.instance_type {smaller}, if the rows fit" if smaller else ""
