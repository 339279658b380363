"""The API of experiments, the way of its events, and their counts."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.assumptions import DAYS_PER_MONTH, MINUTES_PER_MONTH
from contender.cost.case import POLLS, Case, Line
from contender.cost.serving import challengers

PART = "experiments"
INVOCATION_MS, INVOCATION_MB = 60, 1024
"""An invocation waits for the model."""
CONVERSION_MS, CONVERSION_MB = 20, 512
COUNT_MS_PER_FILE, COUNT_MS_PER_EVENT, COUNT_MB = 300, 1, 1024
EVENT_KB = 5
"""Firehose bills a record as this much at least."""
STORED_BYTES = 100
"""Of an event in its file, packed."""
MONTHS_KEPT = 12
ITEMS_PER_EVENT = 2
"""The request and the user, or the request and the reward: remembered in one transaction."""
WRITES_PER_ITEM = 2
"""A transaction's write counts twice."""
ITEM_BYTES, DAYS_REMEMBERED = 300, 36
TRACED = 0.05
"""X-Ray's usual share of calls, beyond the first of each second."""
API_METRICS = 15
"""Five of each of the three methods."""
ALARMS = 2
METRICS = 3
"""Of a variant: Invocations, Conversions, Rewards."""


def lines(case: Case) -> Iterator[Line]:
    if not case.settings.experiment.enabled:
        return
    events = case.requests + case.conversions
    files = min(events, MINUTES_PER_MONTH)  # Firehose writes one a minute, if there is anything
    yield case.line(
        PART, "API calls", events, "api_calls", lower="requests that go to the endpoints directly, without experiments"
    )
    yield from case.computing(PART, "invocation", case.requests, INVOCATION_MS, INVOCATION_MB)
    yield from case.computing(PART, "conversion", case.conversions, CONVERSION_MS, CONVERSION_MB)
    yield case.line(PART, "traces", events * TRACED, "traces")
    if any(stage.experiment.sticky == "stored" for _, stage in case.settings.stages_in_order):
        yield case.line(PART, "reads of users' variants", case.requests, "table_reads")
    yield case.line(PART, "events through Firehose", events * EVENT_KB * 1e3 / 1e9, "stream_data")
    yield case.line(PART, "files of events", files, "object_writes")
    yield case.line(PART, "events kept", events * STORED_BYTES / 1e9 * MONTHS_KEPT, "object_storage")
    yield case.line(PART, "notices of files", files, "object_events")
    yield case.line(PART, "queue of files", POLLS + 2 * files, "queue_calls")
    yield from case.computing(PART, "count, files", files, COUNT_MS_PER_FILE, COUNT_MB)
    counted = events * COUNT_MS_PER_EVENT / 1000 * COUNT_MB / 1024
    yield case.line(PART, "Lambda time: count, events", counted, "lambda_time")
    yield case.line(
        PART,
        "events remembered",
        events * ITEMS_PER_EVENT * WRITES_PER_ITEM,
        "table_writes",
        lower="requests that go to the endpoints directly, without experiments",
    )
    yield case.line(PART, "events looked up", events * ITEMS_PER_EVENT, "table_reads")
    remembered = events * DAYS_REMEMBERED / DAYS_PER_MONTH * ITEMS_PER_EVENT * ITEM_BYTES / 1e9
    yield case.line(PART, "events remembered, kept", remembered, "table_storage")
    yield case.line(PART, "metrics of variants", case.dimensions * METRICS * _variants(case), "metrics")
    yield case.line(PART, "metrics sent", files, "metric_writes")
    yield case.line(PART, "metrics of the API", API_METRICS, "metrics")
    yield case.line(PART, "alarms", ALARMS, "alarms")


def _variants(case: Case) -> float:
    """Of a dimension, in all stages."""
    return sum(1 + challengers(stage, case.assumed) for _, stage in case.settings.stages_in_order)
