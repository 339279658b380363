"""What was newly counted, as CloudWatch metrics by endpoint and variant: Invocations, Conversions and Rewards.

Counts decide; metrics are for people. They are sent after the counting: a function that is killed in between, or a
CloudWatch that does not answer, leaves a gap in a graph and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from contender.measurements.counting import UNIT, Measured
from contender.naming import METRICS

MAX_DATA = 1000
OLDEST = timedelta(days=13)
"""CloudWatch takes values of the last two weeks."""

Key = tuple[str, str, datetime]


def publish(cloudwatch: Any, measured: Mapping[Key, Measured], now: datetime) -> int:
    """Send everything, in one call for up to 1,000 values; how many values there were."""
    waiting, sent = _data(measured, now), 0
    while data := list(islice(waiting, MAX_DATA)):
        cloudwatch.put_metric_data(Namespace=METRICS, MetricData=data)
        sent += len(data)
    return sent


def _data(measured: Mapping[Key, Measured], now: datetime) -> Iterator[dict[str, Any]]:
    for (endpoint, variant, minute), news in sorted(measured.items()):
        if minute < now - OLDEST:
            continue
        values = {
            "Invocations": (news.invocations, "Count"),
            "Conversions": (news.conversions, "Count"),
            "Rewards": (news.rewards / UNIT, "None"),
        }
        for name, (value, unit) in values.items():
            if value:
                yield {
                    "MetricName": name,
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": variant},
                    ],
                    "Timestamp": min(minute, now),
                    "Value": value,
                    "Unit": unit,
                }
