"""CloudWatch metrics of an analysis that a schedule runs, as lines in the file that the platform publishes.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html says which there are,
model-monitor-byoc-cloudwatch.html how they are written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.local.containers.monitor import drift
from contender.local.containers.monitor.constraints import Constraints
from contender.local.containers.monitor.quality import Quality
from contender.local.containers.monitor.settings import Schedule
from contender.local.containers.monitor.statistics import Feature, Statistics

FILE = "cloudwatch_metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Metric:
    """One value, or the statistics of many."""

    name: str
    value: float | Mapping[str, float]


def of_data(asked: Constraints | None, baseline: Statistics | None, current: Statistics) -> list[Metric]:
    """Nothing where the baseline's constraints switch metrics off."""
    if asked is not None and not asked.monitoring.emit_metrics:
        return []
    metrics = [metric for feature in current.features for metric in _of_feature(feature)]
    for constraint in asked.features if asked else ():
        now = current.feature(constraint.name)
        if now is None or not constraint.monitoring.emit_metrics:
            continue
        moved = drift.measure(constraint, baseline.feature(constraint.name) if baseline else None, now)
        if moved is not None:
            metrics.append(Metric(f"feature_baseline_drift_{constraint.name}", moved.amount))
    return metrics


def of_quality(measured: Quality) -> list[Metric]:
    return [Metric(name, value) for name, value in measured.values.items() if math.isfinite(value)]


def write(folder: Path, metrics: Sequence[Metric], schedule: Schedule) -> None:
    """Append to the file below `folder`."""
    dimensions = [{"Name": "Endpoint", "Value": schedule.endpoint}] if schedule.endpoint else []
    dimensions.append({"Name": "MonitoringSchedule", "Value": schedule.name})
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / FILE, "a", encoding="utf-8") as file:
        for metric in metrics:
            line: dict[str, Any] = {
                "MetricName": metric.name,
                "Timestamp": f"{schedule.metric_time:%Y-%m-%dT%H:%M:%SZ}",
                "Dimensions": dimensions,
                "StatisticValues" if isinstance(metric.value, Mapping) else "Value": metric.value,
            }
            file.write(json.dumps(line) + "\n")


def _of_feature(feature: Feature) -> Iterator[Metric]:
    numbers = feature.numbers
    if numbers is not None and all(map(math.isfinite, (numbers.sum, numbers.low, numbers.high))):
        yield Metric(
            f"feature_data_{feature.name}",
            {
                "SampleCount": feature.present,
                "Sum": numbers.sum,
                "Minimum": numbers.low,
                "Maximum": numbers.high,
            },
        )
    yield Metric(f"feature_non_null_{feature.name}", feature.present)
