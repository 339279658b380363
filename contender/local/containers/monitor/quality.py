"""How good a model's predictions are, in AWS's metrics.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html. Its standard deviations come from five
random samples of 80 % of the rows, where there are 200 rows or more. The "best constant classifier" of its examples
answers every row with the last of the labels, which for a binary problem is the positive one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from sklearn import metrics

from contender.local.containers.monitor.documents import Document, number
from contender.local.containers.monitor.statistics import VERSION

LEAST_ROWS = 200
SAMPLES = 5
SAMPLED = 0.8
SEED = 0
MOST_POINTS = 1000
"""Of a curve; Spark, which AWS's image runs on, thins its curves to as many."""
CONSTANT = "_best_constant_classifier"
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Predictions:
    """Arrays of one length: actual and predicted values, and scores of the positive class if any.

    Where `labels` are given, the values are positions in them.
    """

    actual: Any
    predicted: Any
    score: Any | None = None
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.actual)

    def of(self, rows: Any) -> Predictions:
        score = None if self.score is None else self.score[rows]
        return Predictions(self.actual[rows], self.predicted[rows], score, self.labels)


@dataclass(frozen=True, slots=True)
class Quality:
    """Every metric with its standard deviation; `shapes` are the confusion matrix and the curves."""

    rows: int
    values: Mapping[str, float]
    deviations: Mapping[str, float]
    shapes: Mapping[str, Any]

    def document(self, problem: str) -> Document:
        figures = {
            name: {"value": number(value), "standard_deviation": number(self.deviations[name])}
            for name, value in self.values.items()
        }
        return {
            "version": VERSION,
            "dataset": {"item_count": self.rows},
            f"{problem}_metrics": {**self.shapes, **figures},
        }


def binary(predictions: Predictions) -> Quality:
    shapes: dict[str, Any] = {"confusion_matrix": _confusion(predictions)}
    if predictions.score is not None:
        false, true, _ = metrics.roc_curve(predictions.actual, predictions.score)
        precisions, recalls, _ = metrics.precision_recall_curve(
            predictions.actual, predictions.score, drop_intermediate=True
        )
        shapes["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": _thinned(false),
            "true_positive_rates": _thinned(true),
        }
        shapes["precision_recall_curve"] = {
            "precisions": _thinned(precisions[::-1]),
            "recalls": _thinned(recalls[::-1]),
        }
    return _measured(predictions, binary_figures, shapes)


def multiclass(predictions: Predictions) -> Quality:
    return _measured(predictions, multiclass_figures, {"confusion_matrix": _confusion(predictions)})


def regression(predictions: Predictions) -> Quality:
    return _measured(predictions, regression_figures, {})


def binary_figures(rows: Predictions) -> Figures:
    cells = _cells(rows)
    (true_negative, false_positive), (false_negative, true_positive) = cells.tolist()
    positive, negative = true_positive + false_negative, true_negative + false_positive
    figures = _of_cells(cells, "binary", "")
    figures["true_positive_rate"] = _ratio(true_positive, positive)
    figures["true_negative_rate"] = _ratio(true_negative, negative)
    figures["false_positive_rate"] = _ratio(false_positive, negative)
    figures["false_negative_rate"] = _ratio(false_negative, positive)
    if rows.score is not None:
        both = positive and negative
        figures["auc"] = float(metrics.roc_auc_score(rows.actual, rows.score)) if both else math.nan
        figures["au_prc"] = float(metrics.average_precision_score(rows.actual, rows.score)) if both else math.nan
    return figures | _constant(_of_cells(_last(cells), "binary", ""))


def multiclass_figures(rows: Predictions) -> Figures:
    cells = _cells(rows)
    return _of_cells(cells, "weighted", "weighted_") | _constant(_of_cells(_last(cells), "weighted", "weighted_"))


def regression_figures(rows: Predictions) -> Figures:
    squared = float(metrics.mean_squared_error(rows.actual, rows.predicted))
    constant = rows.actual.min() == rows.actual.max()
    return {
        "mae": float(metrics.mean_absolute_error(rows.actual, rows.predicted)),
        "mse": squared,
        "rmse": math.sqrt(squared),
        "r2": math.nan if constant else float(metrics.r2_score(rows.actual, rows.predicted)),
    }


def _cells(rows: Predictions) -> Any:
    """The confusion matrix: a row for each actual label, a column for each predicted one."""
    count = len(rows.labels)
    return numpy.bincount(rows.actual * count + rows.predicted, minlength=count * count).reshape(count, count)


def _last(cells: Any) -> Any:
    """The same rows, if every one of them were answered with the last label."""
    answered = numpy.zeros_like(cells)
    answered[:, -1] = cells.sum(axis=1)
    return answered


def _constant(figures: Figures) -> Figures:
    return {f"{name}{CONSTANT}": value for name, value in figures.items()}


def _of_cells(cells: Any, average: str, prefix: str) -> Figures:
    """The figures that depend on the confusion matrix only, as scikit-learn defines them; nothing of nothing is 0.

    Its own functions check what they are given for longer than all of this takes, a hundred times in an analysis.
    """
    right, actual, predicted = cells.diagonal(), cells.sum(axis=1), cells.sum(axis=0)

    def averaged(part: Any, whole: Any) -> float:
        each = numpy.divide(part, whole, out=numpy.zeros(len(cells)), where=whole > 0)
        return float(each[-1] if average == "binary" else numpy.average(each, weights=actual))

    figures = {
        f"{prefix}recall": averaged(right, actual),
        f"{prefix}precision": averaged(right, predicted),
        "accuracy": float(right.sum() / actual.sum()),
    }
    for name, beta in BETAS.items():
        figures[f"{prefix}{name}"] = averaged((1 + beta**2) * right, beta**2 * actual + predicted)
    return figures


def _measured(
    predictions: Predictions, figures: Callable[[Predictions], Figures], shapes: Mapping[str, Any]
) -> Quality:
    values = figures(predictions)
    deviations = dict.fromkeys(values, math.nan)
    if len(predictions) >= LEAST_ROWS:
        generator = numpy.random.default_rng(SEED)
        size = round(SAMPLED * len(predictions))
        samples = [
            figures(predictions.of(generator.choice(len(predictions), size, replace=False))) for _ in range(SAMPLES)
        ]
        for name in values:
            seen = [sample[name] for sample in samples]
            deviations[name] = statistics.stdev(seen) if all(map(math.isfinite, seen)) else math.nan
    return Quality(len(predictions), values, deviations, shapes)


def _confusion(predictions: Predictions) -> Document:
    labels = predictions.labels
    return {
        actual: dict(zip(labels, counts, strict=True))
        for actual, counts in zip(labels, _cells(predictions).tolist(), strict=True)
    }


def _thinned(curve: Any) -> list[float]:
    places = numpy.unique(numpy.linspace(0, len(curve) - 1, min(len(curve), MOST_POINTS)).round().astype(int))
    return [float(value) for value in curve[places]]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
