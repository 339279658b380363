"""Series of CloudWatch: which values they hold, and in how few calls they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contender.studio.reading import metrics
from contender.studio.reading.metrics import WINDOWS, Metric

NOW = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
HOUR = WINDOWS["hour"]


class CloudWatch:
    """Answers each metric with its variant's number at the start of the last minute, in pages of one result."""

    def __init__(self) -> None:
        self.calls: list[Mapping[str, Any]] = []

    def get_paginator(self, operation: str) -> CloudWatch:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[Mapping[str, Any]]:
        self.calls.append(request)
        for query in request["MetricDataQueries"]:
            variant = query["MetricStat"]["Metric"]["Dimensions"][1]["Value"]
            at = NOW.replace(second=0)
            result = {
                "Id": query["Id"],
                "Timestamps": [at, at - timedelta(days=3)],
                "Values": [float(variant[1:]), 9.0],
            }
            yield {"MetricDataResults": [result]}


def test_each_period_has_its_value_and_none_where_nothing_was_measured() -> None:
    asked = metrics.invocations("contender-x", "v7")
    (values,) = metrics.read(CloudWatch(), [asked], HOUR, NOW).values()
    assert len(values) == 60
    assert values[-1] == 7.0
    assert set(values[:-1]) == {None}


def test_five_hundred_metrics_are_one_call_and_the_next_one_is_another() -> None:
    cloudwatch = CloudWatch()
    asked = [Metric("contender-x", f"v{number}", "Invocations") for number in range(1, 502)]
    found = metrics.read(cloudwatch, [*asked, asked[0]], HOUR, NOW)
    assert [len(call["MetricDataQueries"]) for call in cloudwatch.calls] == [500, 1]
    assert [found[metric][-1] for metric in asked] == [float(number) for number in range(1, 502)]


def test_periods_are_whole_and_the_last_one_is_under_way() -> None:
    for window in WINDOWS.values():
        times = window.times(NOW)
        assert times[-1] <= NOW < times[-1] + timedelta(seconds=window.period_s)
        assert all(at.timestamp() % window.period_s == 0 for at in times)
        assert times[-1] - times[0] + timedelta(seconds=window.period_s) == window.length
