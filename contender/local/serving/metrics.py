"""Counts and latencies per variant: added up in the front, sent to CloudWatch (AWS/SageMaker) by the server.

A request costs a few additions; latencies are kept as counts of values rounded to two digits, which CloudWatch takes as
Values and Counts and can answer percentiles from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contender.local.serving.invocations import Exchange

NAMESPACE = "AWS/SageMaker"
MAX_VALUES = 150
"""How many values one MetricDatum may hold."""


@dataclass(slots=True)
class VariantCounts:
    """What happened at one variant since the last report; latencies are {microseconds: how often}."""

    invocations: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    model_errors: int = 0
    model_latency: Counter[int] = field(default_factory=Counter)
    overhead_latency: Counter[int] = field(default_factory=Counter)


class MetricCounts:
    """The front's side: an observer of exchanges."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], VariantCounts] = {}

    def add(self, exchange: Exchange) -> None:
        counts = self._counts.get((exchange.endpoint, exchange.variant))
        if counts is None:
            counts = self._counts[exchange.endpoint, exchange.variant] = VariantCounts()
        counts.invocations += 1
        counts.model_latency[_two_digits(exchange.model_ns // 1000)] += 1
        counts.overhead_latency[_two_digits((exchange.total_ns - exchange.model_ns) // 1000)] += 1
        status = exchange.answer.status if exchange.answer else 0
        if not 200 <= status < 300:
            counts.model_errors += 1
            if 400 <= status < 500:
                counts.errors_4xx += 1
            else:
                counts.errors_5xx += 1

    def take(self) -> list[dict[str, Any]]:
        """What was counted since the last call, ready for JSON."""
        taken = [
            {
                "endpoint": endpoint,
                "variant": variant,
                "invocations": counts.invocations,
                "errors_4xx": counts.errors_4xx,
                "errors_5xx": counts.errors_5xx,
                "model_errors": counts.model_errors,
                "model_latency": list(counts.model_latency.items()),
                "overhead_latency": list(counts.overhead_latency.items()),
            }
            for (endpoint, variant), counts in self._counts.items()
        ]
        self._counts.clear()
        return taken


def metric_data(
    reports: Iterable[Mapping[str, Any]], now: datetime, instances: Callable[[str, str], int]
) -> Iterator[dict[str, Any]]:
    """Reports of `MetricCounts.take` as MetricData of PutMetricData; `instances` tells how many a variant has.

    As on AWS, an error metric has a sample of 0 or 1 for every invocation, so that its average is a rate.
    """
    for report in reports:
        dimensions = [
            {"Name": "EndpointName", "Value": report["endpoint"]},
            {"Name": "VariantName", "Value": report["variant"]},
        ]
        total = report["invocations"]
        samples: list[tuple[str, str, list[tuple[float, int]]]] = [
            ("Invocations", "None", [(1, total)]),
            ("InvocationsPerInstance", "None", [(1 / instances(report["endpoint"], report["variant"]), total)]),
            ("Invocation4XXErrors", "None", _zeros_and_ones(report["errors_4xx"], total)),
            ("Invocation5XXErrors", "None", _zeros_and_ones(report["errors_5xx"], total)),
            ("InvocationModelErrors", "None", _zeros_and_ones(report["model_errors"], total)),
            ("ModelLatency", "Microseconds", report["model_latency"]),
            ("OverheadLatency", "Microseconds", report["overhead_latency"]),
        ]
        for name, unit, counted in samples:
            for start in range(0, len(counted), MAX_VALUES):
                part = counted[start : start + MAX_VALUES]
                yield {
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": now,
                    "Unit": unit,
                    "Values": [float(value) for value, _ in part],
                    "Counts": [float(count) for _, count in part],
                }


def _zeros_and_ones(ones: int, total: int) -> list[tuple[float, int]]:
    return [(value, count) for value, count in ((1, ones), (0, total - ones)) if count]


def _two_digits(value: int) -> int:
    if value < 100:
        return max(value, 0)
    scale: int = 10 ** (int(math.log10(value)) - 1)
    return value // scale * scale
