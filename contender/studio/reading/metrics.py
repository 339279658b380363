"""Series of CloudWatch: many metrics in one call, each with a value for every period, missing ones as 0 or none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from contender.naming import METRICS

MOST_QUERIES = 500
"""What GetMetricData takes in one call."""
AWS_METRICS = "AWS/SageMaker"


@dataclass(frozen=True, slots=True)
class Window:
    """How far back is looked, and in periods of which length."""

    name: str
    words: str
    length: timedelta
    period_s: int

    def times(self, now: datetime) -> tuple[datetime, ...]:
        """The start of every period, the last one being under way."""
        last = math.floor(now.timestamp() / self.period_s) * self.period_s
        count = round(self.length.total_seconds() / self.period_s)
        return tuple(datetime.fromtimestamp(last - self.period_s * back, UTC) for back in reversed(range(count)))


def _by_name(*windows: Window) -> Mapping[str, Window]:
    return {window.name: window for window in windows}


WINDOWS = _by_name(
    Window("hour", "the last hour, by minute", timedelta(hours=1), 60),
    Window("day", "the last day, by quarter of an hour", timedelta(days=1), 900),
    Window("week", "the last week, by two hours", timedelta(days=7), 7200),
)
COARSE = _by_name(
    Window("hour", "the last hour, by five minutes", timedelta(hours=1), 300),
    Window("day", "the last day, by hour", timedelta(days=1), 3600),
    Window("week", "the last week, by six hours", timedelta(days=7), 21_600),
)
"""Where many are shown and each is small: reading hundreds of series takes as long as they have values."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one variant, as CloudWatch names it."""

    endpoint: str
    variant: str
    name: str
    stat: str = "Sum"
    namespace: str = AWS_METRICS


def invocations(endpoint: str, variant: str) -> Metric:
    return Metric(endpoint, variant, "Invocations")


def rewards(endpoint: str, variant: str) -> Metric:
    return Metric(endpoint, variant, "Rewards", namespace=METRICS)


def read(
    cloudwatch: Any, metrics: Sequence[Metric], window: Window, now: datetime
) -> dict[Metric, tuple[float | None, ...]]:
    """A value for each of the window's periods; None where nothing was measured."""
    times = window.times(now)
    place = {at.timestamp(): index for index, at in enumerate(times)}
    found: dict[Metric, list[float | None]] = {metric: [None] * len(times) for metric in metrics}
    waiting = iter(dict.fromkeys(metrics))
    while batch := list(islice(waiting, MOST_QUERIES)):
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=list(_queries(batch, window.period_s)),
            StartTime=times[0],
            EndTime=times[-1] + timedelta(seconds=window.period_s),
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            values = found[batch[int(result["Id"][1:])]]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                if (index := place.get(at.timestamp())) is not None:
                    values[index] = value
    return {metric: tuple(values) for metric, values in found.items()}


def _queries(metrics: Sequence[Metric], period_s: int) -> Iterator[dict[str, Any]]:
    for index, metric in enumerate(metrics):
        yield {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": metric.endpoint},
                        {"Name": "VariantName", "Value": metric.variant},
                    ],
                },
                "Period": period_s,
                "Stat": metric.stat,
            },
        }
