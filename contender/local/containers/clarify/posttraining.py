"""Bias of a model: how its predictions, and its mistakes, lie in the sensitive group (*d*) and in the others (*a*).

Definitions: AWS's page "Post-training data and model bias metrics". Where AWS's open-source library and that page
differ in the sign of the flip test, this follows the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsClassifier

from contender.local.containers.clarify.columns import Rows
from contender.local.containers.clarify.counts import Confusion, Undefined, both, divide, subtract
from contender.local.containers.clarify.pretraining import conditional_disparity

Metric = Callable[[Confusion, Confusion], float]

NEIGHBORS = 5
FEW_ROWS = 9
"""With so few rows in facet *a*, one neighbour decides the flip test, as in AWS's library."""


def difference_of_predicted_proportions(a: Confusion, d: Confusion) -> float:
    """DPPL = n'_a(1)/n_a - n'_d(1)/n_d"""
    return a.predicted.positive / a.n - d.predicted.positive / d.n


def disparate_impact(a: Confusion, d: Confusion) -> float:
    """DI = (n'_d(1)/n_d) / (n'_a(1)/n_a)"""
    return divide(d.predicted.positive / d.n, a.predicted.positive / a.n)


def conditional_acceptance(a: Confusion, d: Confusion) -> float:
    """DCA = n_a(1)/n'_a(1) - n_d(1)/n'_d(1)"""
    return subtract(
        divide(a.observed.positive, a.predicted.positive), divide(d.observed.positive, d.predicted.positive)
    )


def conditional_rejection(a: Confusion, d: Confusion) -> float:
    """DCR = n_d(0)/n'_d(0) - n_a(0)/n'_a(0)"""
    return subtract(
        divide(d.observed.negative, d.predicted.negative), divide(a.observed.negative, a.predicted.negative)
    )


def specificity_difference(a: Confusion, d: Confusion) -> float:
    """SD = TN_d/(TN_d + FP_d) - TN_a/(TN_a + FP_a)"""
    return divide(d.tn, d.tn + d.fp) - divide(a.tn, a.tn + a.fp)


def recall_difference(a: Confusion, d: Confusion) -> float:
    """RD = TP_a/(TP_a + FN_a) - TP_d/(TP_d + FN_d)"""
    return divide(a.tp, a.tp + a.fn) - divide(d.tp, d.tp + d.fn)


def acceptance_rates(a: Confusion, d: Confusion) -> float:
    """DAR = TP_a/n'_a(1) - TP_d/n'_d(1)"""
    return divide(a.tp, a.predicted.positive) - divide(d.tp, d.predicted.positive)


def rejection_rates(a: Confusion, d: Confusion) -> float:
    """DRR = TN_d/n'_d(0) - TN_a/n'_a(0)"""
    return divide(d.tn, d.predicted.negative) - divide(a.tn, a.predicted.negative)


def accuracy_difference(a: Confusion, d: Confusion) -> float:
    """AD = (TP_a + TN_a)/n_a - (TP_d + TN_d)/n_d"""
    return (a.tp + a.tn) / a.n - (d.tp + d.tn) / d.n


def treatment_equality(a: Confusion, d: Confusion) -> float:
    """TE = FN_d/FP_d - FN_a/FP_a"""
    return subtract(divide(d.fn, d.fp), divide(a.fn, a.fp))


def generalized_entropy(a: Confusion, d: Confusion) -> float:
    """GE = Σ ((b_i/b')² - 1) / 2n over all rows, with the benefit b = y' - y + 1 and its mean b'"""
    n, fp, fn = a.n + d.n, a.fp + d.fp, a.fn + d.fn
    mean = (n + fp - fn) / n
    if mean == 0:
        raise Undefined("All predicted labels are false negatives")
    right = n - fp - fn
    squares = right + 4 * fp  # a benefit of 1 where the model is right, 2 for a false positive, 0 for a false negative
    return (squares / mean**2 - n) / (2 * n)


def flip_test(sensitive: Rows, predicted: Rows, features: pd.DataFrame) -> float:
    """FT = (F+ - F-) / n_d: rows of *d* that their nearest neighbours in *a* would have favoured, less the opposite."""
    texts = [str(name) for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    if texts:
        raise Undefined(f"FlipTest does not support non-numeric columns ({', '.join(texts[:3])})")
    if features.shape[1] == 0:
        raise Undefined("FlipTest needs a feature besides the facet")
    values = features.to_numpy(dtype=float)
    if np.isnan(values).any():
        raise Undefined("FlipTest does not support missing values")
    others = ~sensitive
    neighbors = NEIGHBORS if np.count_nonzero(others) > FEW_ROWS else 1
    nearest = KNeighborsClassifier(neighbors).fit(values[others], predicted[others])
    as_others: Rows = nearest.predict(values[sensitive])
    favoured = np.count_nonzero(as_others & ~predicted[sensitive])
    disfavoured = np.count_nonzero(~as_others & predicted[sensitive])
    return (favoured - disfavoured) / np.count_nonzero(sensitive)


METRICS: dict[str, Metric] = {
    "AD": accuracy_difference,
    "DAR": acceptance_rates,
    "DCA": conditional_acceptance,
    "DCR": conditional_rejection,
    "DI": disparate_impact,
    "DPPL": difference_of_predicted_proportions,
    "DRR": rejection_rates,
    "GE": generalized_entropy,
    "RD": recall_difference,
    "SD": specificity_difference,
    "TE": treatment_equality,
}

DESCRIPTIONS = {
    "AD": "Accuracy Difference (AD)",
    "CDDPL": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
    "DAR": "Difference in Acceptance Rates (DAR)",
    "DCA": "Difference in Conditional Acceptance (DCA)",
    "DCR": "Difference in Conditional Rejection (DCR)",
    "DI": "Disparate Impact (DI)",
    "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
    "DRR": "Difference in Rejection Rates (DRR)",
    "FT": "Flip Test (FT)",
    "GE": "Generalized Entropy (GE)",
    "RD": "Recall Difference (RD)",
    "SD": "Specificity Difference (SD)",
    "TE": "Treatment Equality (TE)",
}


def compute(
    name: str, sensitive: Rows, positive: Rows, predicted: Rows, groups: Mapping[str, Rows], features: pd.DataFrame
) -> float:
    """One metric; `features` are the columns without label and facet. Raises Undefined."""
    a, d = Confusion.count(~sensitive, positive, predicted), Confusion.count(sensitive, positive, predicted)
    both(a, d)
    if name == "CDDPL":
        return conditional_disparity(sensitive, predicted, groups)
    if name == "FT":
        return flip_test(sensitive, predicted, features)
    return METRICS[name](a, d)
