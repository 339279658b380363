"""Confusion matrix and ROC curve: scikit-learn's, in few points."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from tests.steps.chain import load

roc = load("evaluate/roc.py")


def answers(rows: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that tell something of them; with few digits many are the same."""
    random = np.random.default_rng(rows)
    labels = (random.random(rows) < 0.3).astype(float)
    return labels, np.round(np.clip(0.3 * labels + random.random(rows) * 0.7, 0, 1), digits)


def test_the_matrix_counts_rows_by_actual_and_answered_label() -> None:
    labels, probabilities = answers(300, 3)
    found = roc.confusion_matrix(labels, probabilities >= 0.5)
    expected = metrics.confusion_matrix(labels, probabilities >= 0.5)
    assert [[found[actual][answered] for answered in "01"] for actual in "01"] == expected.tolist()


def test_a_small_curve_is_scikit_learns_with_ties_in_one_point() -> None:
    labels, probabilities = answers(200, 1)
    found = roc.roc_curve(labels, probabilities)
    false, true, _ = metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    assert found["false_positive_rates"] == pytest.approx(false, abs=1e-6)
    assert found["true_positive_rates"] == pytest.approx(true, abs=1e-6)


@pytest.mark.parametrize("rows", [101, 1000, 50_000])
def test_a_large_curve_has_few_points_and_the_same_area(rows: int) -> None:
    labels, probabilities = answers(rows, 12)
    found = roc.roc_curve(labels, probabilities)
    false, true = found["false_positive_rates"], found["true_positive_rates"]
    assert len(false) == len(true) <= roc.MOST_POINTS
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.diff(false).min() >= 0
    assert np.diff(true).min() >= 0
    assert metrics.auc(false, true) == pytest.approx(metrics.roc_auc_score(labels, probabilities), abs=0.01)
