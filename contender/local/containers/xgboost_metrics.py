"""Evaluation metrics that AWS's image adds to XGBoost's own, computed by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics as sk

Metric = Callable[[Any, Any], float]

CUSTOM: dict[str, Metric] = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1": partial(sk.f1_score, average="macro"),
    "f1_binary": partial(sk.f1_score, average="binary"),
    "f1_macro": partial(sk.f1_score, average="macro"),
    "precision": sk.precision_score,
    "precision_macro": partial(sk.precision_score, average="macro"),
    "precision_micro": partial(sk.precision_score, average="micro"),
    "recall": sk.recall_score,
    "recall_macro": partial(sk.recall_score, average="macro"),
    "recall_micro": partial(sk.recall_score, average="micro"),
    "mse": sk.mean_squared_error,
    "r2": sk.r2_score,
}
REGRESSION = frozenset({"mse", "r2"})

MAXIMISED = frozenset({"auc", "aucpr", "map", "ndcg", "pre"}) | (CUSTOM.keys() - {"mse"})
"""Of all metrics, those where more is better."""


def custom_metric(names: Sequence[str], objective: str) -> Callable[[Any, Any], list[tuple[str, float]]] | None:
    """What `xgboost.train(custom_metric=…)` takes, for those of `names` that are not XGBoost's own; None if all are."""
    ours = [name for name in names if name in CUSTOM]
    if not ours:
        return None

    def evaluate(predictions: Any, matrix: Any) -> list[tuple[str, float]]:
        labels = matrix.get_label()
        classes = _classes(predictions, objective)
        return [(name, float(CUSTOM[name](labels, predictions if name in REGRESSION else classes))) for name in ours]

    return evaluate


def _classes(predictions: Any, objective: str) -> Any:
    if predictions.ndim > 1:
        return predictions.argmax(axis=1)
    if objective == "multi:softmax":
        return predictions
    return (predictions > (0.0 if objective == "binary:logitraw" else 0.5)).astype(np.int64)
