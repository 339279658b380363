"""A dimension's own alarms, as requests of PutMetricAlarm.

An alarm's description says all that the alarm is made from: CloudWatch is asked for that alone, and an alarm whose
description and actions are the same is the same. Metrics come by variant, so an alarm looks at the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contender.endpoints import Serving
from contender.naming import METRICS, Names
from contender.watching.actions import PutAlarm
from contender.watching.wishes import Wishes

RUNBOOK = "docs/operations.md"
ERRORS, LATENCY, DRIFT = "errors", "latency", "drift"
ANCHORS = {ERRORS: "variant-errors", LATENCY: "variant-latency", DRIFT: "drift"}
"""What the names of a dimension's alarms end with, and the section of the runbook that each points to."""
VIOLATIONS = "DriftViolations"
MOST_METRICS = 9
"""An alarm takes ten metrics, one of which is the worst of the others."""


def endpoint_of(names: Names, alarm: Mapping[str, Any]) -> str | None:
    """The endpoint that a described alarm is one of the watcher's about; None for the project's other alarms."""
    endpoint, _, last = alarm["AlarmName"].rpartition("-")
    if last not in ANCHORS or names.place_of(endpoint) is None:
        return None
    return endpoint if alarm.get("AlarmDescription", "").startswith(f"{endpoint}: ") else None


def wanted(wishes: Wishes, dimension: str, serving: Serving, *, drifts: bool) -> Iterator[PutAlarm]:
    """Errors and latency of the endpoint's variants; drift where data are compared."""
    endpoint = serving.name
    variants = sorted(slot.variant for slot in serving.slots)[:MOST_METRICS]
    if variants:
        these = ", ".join(variants)
        yield _alarm(
            wishes,
            endpoint,
            ERRORS,
            f"more than {wishes.error_rate:.1%} of the requests to one of {these} fail",
            [_of_variant(endpoint, name, "Invocation5XXErrors", "Average", 300) for name in variants],
            periods=2,
            threshold=wishes.error_rate,
        )
        yield _alarm(
            wishes,
            endpoint,
            LATENCY,
            f"one of {these} takes more than {wishes.latency_ms} ms for 95 of 100 requests",
            [_of_variant(endpoint, name, "ModelLatency", "p95", 300) for name in variants],
            periods=3,
            threshold=wishes.latency_ms * 1000.0,
        )
    if drifts:
        yield _alarm(
            wishes,
            endpoint,
            DRIFT,
            f"the last comparison of {' and '.join(wishes.kinds)} found violations",
            [_of_dimension(wishes.names.project, dimension, kind) for kind in wishes.kinds],
            periods=1,
            threshold=0.0,
            # Until the next comparison nothing is new.
            missing="ignore",
        )


def _alarm(
    wishes: Wishes,
    endpoint: str,
    last: str,
    words: str,
    metrics: Sequence[Mapping[str, Any]],
    *,
    periods: int,
    threshold: float,
    missing: str = "notBreaching",
) -> PutAlarm:
    description = f"{endpoint}: {words}. See {RUNBOOK}#{ANCHORS[last]}"
    queries = [
        {"Id": f"m{number}", "ReturnData": False, "MetricStat": dict(metric)} for number, metric in enumerate(metrics)
    ]
    worst = {"Id": "worst", "Expression": "MAX(METRICS())", "Label": last, "ReturnData": True}
    request = {
        "Metrics": [worst, *queries],
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": periods,
        "Threshold": threshold,
        "TreatMissingData": missing,
        # No OKActions: each alarm that is made would tell everybody that nothing is wrong.
        "AlarmActions": [wishes.topic_arn],
    }
    return PutAlarm(f"{endpoint}-{last}", description, request)


def _of_variant(endpoint: str, variant: str, metric: str, statistic: str, period_s: int) -> dict[str, Any]:
    return {
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": metric,
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        },
        "Period": period_s,
        "Stat": statistic,
    }


def _of_dimension(project: str, dimension: str, kind: str) -> dict[str, Any]:
    values = {"Project": project, "Dimension": dimension, "Kind": kind}
    return {
        "Metric": {
            "Namespace": METRICS,
            "MetricName": VIOLATIONS,
            "Dimensions": [{"Name": name, "Value": value} for name, value in values.items()],
        },
        "Period": 3600,
        "Stat": "Maximum",
    }
