"""Metrics that a program puts into a trial component, which keeps the figures of each and not its points.

The operation belongs to another service, SageMaker Metrics, with paths instead of targets.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_metrics_BatchPutMetrics.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.experiments.entities import COMPONENT, change
from contender.local.store import Document


def batch_put_metrics(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add the values to their metrics' figures; of a component that is not there each value is an error."""
    name, data = request["TrialComponentName"], request["MetricData"]
    with context.store.transaction():
        component = context.store.find(COMPONENT.kind, name)
        if component is None:
            return {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": index} for index in range(len(data))]}
        figures = {metric["MetricName"]: metric for metric in component.get("Metrics", ())}
        for each in data:
            known = figures.get(each["MetricName"])
            figures[each["MetricName"]] = _with(known, each) if known else _first(component, each)
        change(context, COMPONENT, name, {"Metrics": list(figures.values())})
    return {}


def _first(component: Document, each: Mapping[str, Any]) -> Document:
    value = each["Value"]
    return {
        "MetricName": each["MetricName"],
        "SourceArn": component["TrialComponentArn"],
        "TimeStamp": each["Timestamp"],
        **dict.fromkeys(("Max", "Min", "Last", "Avg"), value),
        "Count": 1,
        "StdDev": 0.0,
    }


def _with(known: Mapping[str, Any], each: Mapping[str, Any]) -> Document:
    """One value more: mean and deviation go on from those of all before it (Welford)."""
    value, count = each["Value"], known["Count"] + 1
    mean = known["Avg"] + (value - known["Avg"]) / count
    squares = known["StdDev"] ** 2 * known["Count"] + (value - known["Avg"]) * (value - mean)
    return {
        **known,
        "TimeStamp": each["Timestamp"],
        "Max": max(known["Max"], value),
        "Min": min(known["Min"], value),
        "Last": value,
        "Count": count,
        "Avg": mean,
        "StdDev": math.sqrt(squares / count),
    }


OPERATIONS: dict[str, Handler] = {"BatchPutMetrics": batch_put_metrics}
