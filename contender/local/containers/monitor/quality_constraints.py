"""Constraints on a model's quality: as good as the baseline. And which of them later predictions violate, in words."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.containers.monitor.documents import Document, read_number
from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.quality import CONSTANT, Quality
from contender.local.containers.monitor.statistics import VERSION

PROBLEMS = {
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
    "Regression": "regression",
}
"""The word that AWS's files have for a problem type."""

OPERATORS = {
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
"""The comparisons that are a violation."""
LESS_IS_BETTER = frozenset({"false_positive_rate", "false_negative_rate", "mae", "mse", "rmse"})
ROUNDING = 1e-9
UNCONSTRAINED = "au_prc"
"""AWS's image measures it and suggests nothing."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A metric may not compare so with its threshold."""

    metric: str
    threshold: float
    operator: str


def suggest(quality: Quality, problem: str) -> Document:
    """The constraints file: every metric but those of the constant classifier, at its very value."""
    limits = {
        name: {
            "threshold": value,
            "comparison_operator": "GreaterThanThreshold" if name in LESS_IS_BETTER else "LessThanThreshold",
        }
        for name, value in quality.values.items()
        if not name.endswith(CONSTANT) and name != UNCONSTRAINED and math.isfinite(value)
    }
    return {"version": VERSION, f"{PROBLEMS[problem]}_constraints": limits}


def limits_of(document: Document, problem: str) -> tuple[Limit, ...]:
    """Raises KeyError, TypeError or ValueError for what is not a constraints file of this problem type."""
    limits = []
    for metric, written in document[f"{PROBLEMS[problem]}_constraints"].items():
        if written["comparison_operator"] not in OPERATORS:
            raise ValueError(f"{metric}: comparison_operator {written['comparison_operator']!r} is unknown")
        limits.append(Limit(metric, read_number(written["threshold"]), written["comparison_operator"]))
    return tuple(limits)


def values_of(document: Document, problem: str) -> dict[str, float]:
    """The metrics of a statistics file; raises KeyError, TypeError or ValueError where it is none."""
    figures: Mapping[str, Any] = document[f"{PROBLEMS[problem]}_metrics"]
    return {name: read_number(figure["value"]) for name, figure in figures.items() if "value" in figure}


def violations(limits: tuple[Limit, ...], baseline: Mapping[str, float], quality: Quality) -> Document:
    """The violations file. `baseline` has the metrics that the words compare with, where they are known.

    Raises:
        MonitorError: a metric that is limited was not measured.
    """
    found = []
    for limit in limits:
        value = quality.values.get(limit.metric)
        if value is None:
            raise MonitorError(
                f"the baseline's constraints limit {limit.metric!r}, which this analysis does not measure; "
                f"it measures {', '.join(quality.values)}"
            )
        if not _violates(value, limit):
            continue
        moved = _moved(limit, baseline.get(limit.metric), value)
        deviation = quality.deviations[limit.metric]
        about = f"{value} +/- {deviation}" if math.isfinite(deviation) else f"{value}"
        found.append(
            {
                "constraint_check_type": limit.operator,
                "description": f"{moved}. Metric {limit.metric} with {about} was {limit.operator} '{limit.threshold}'",
                "metric_name": limit.metric,
            }
        )
    return {"violations": found}


def _moved(limit: Limit, was: float | None, value: float) -> str:
    """A limit need not be what the metric was: without the baseline's own figures there is nothing it moved from."""
    if was is None:
        side = "below" if limit.operator.startswith("Less") else "above"
        return f"{limit.metric} is {value:.4g}, {side} its limit {limit.threshold:.4g}"
    way = "fell" if value < was else "rose" if value > was else "stayed"
    return f"{limit.metric} {way} from {was:.4g} to {value:.4g} ({value - was:+.4g})"


def _violates(value: float, limit: Limit) -> bool:
    """Figures that differ by rounding are the same: sums in another order are no worse model."""
    if math.isclose(value, limit.threshold, rel_tol=ROUNDING):
        value = limit.threshold
    return bool(OPERATORS[limit.operator](value, limit.threshold))
