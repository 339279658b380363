"""Bias of the data: how the label lies in the sensitive group (facet *d*) and in the others (facet *a*).

Definitions: AWS's page "Pre-training bias metrics". Labels are taken as positive or not, as AWS's image does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from contender.local.containers.clarify.columns import Rows
from contender.local.containers.clarify.counts import Labels, Undefined, both, divide

Metric = Callable[[Labels, Labels], float]


def class_imbalance(a: Labels, d: Labels) -> float:
    """CI = (n_a - n_d) / (n_a + n_d)"""
    return (a.n - d.n) / (a.n + d.n)


def difference_of_proportions(a: Labels, d: Labels) -> float:
    """DPL = n_a(1)/n_a - n_d(1)/n_d"""
    return a.positive / a.n - d.positive / d.n


def kullback_leibler(a: Labels, d: Labels) -> float:
    """KL(P_a || P_d) in nats; infinite when *d* lacks an outcome that *a* has."""
    return float(np.sum(rel_entr(a.distribution, d.distribution)))


def jensen_shannon(a: Labels, d: Labels) -> float:
    """JS = (KL(P_a || P) + KL(P_d || P)) / 2 with P = (P_a + P_d) / 2, in nats"""
    return float(jensenshannon(a.distribution, d.distribution) ** 2)


def lp_norm(a: Labels, d: Labels) -> float:
    """L2(P_a, P_d)"""
    return _distance(a, d, 2)


def total_variation(a: Labels, d: Labels) -> float:
    """TVD = L1(P_a, P_d) / 2"""
    return _distance(a, d, 1) / 2


def kolmogorov_smirnov(a: Labels, d: Labels) -> float:
    """KS = max |P_a(y) - P_d(y)|"""
    return _distance(a, d, np.inf)


def _distance(a: Labels, d: Labels, order: float) -> float:
    return float(np.linalg.norm(np.subtract(a.distribution, d.distribution), order))


def conditional_disparity(sensitive: Rows, positive: Rows, groups: Mapping[str, Rows]) -> float:
    """CDD = Σ n_i DD_i / n, where DD_i = n_d(0)/n(0) - n_d(1)/n(1) among the n_i rows of group i."""
    if not groups:
        raise Undefined("Group variable is empty or not provided")
    if not positive.any():
        raise Undefined("No positive labels in set")
    if positive.all():
        raise Undefined("No negative labels in set")
    total = weighted = 0.0
    for rows in groups.values():
        d, everybody = Labels.count(rows & sensitive, positive), Labels.count(rows, positive)
        disparity = divide(d.negative, everybody.negative) - divide(d.positive, everybody.positive)
        weighted += everybody.n * disparity
        total += everybody.n
    return divide(weighted, total)


METRICS: dict[str, Metric] = {
    "CI": class_imbalance,
    "DPL": difference_of_proportions,
    "JS": jensen_shannon,
    "KL": kullback_leibler,
    "KS": kolmogorov_smirnov,
    "LP": lp_norm,
    "TVD": total_variation,
}

DESCRIPTIONS = {
    "CDDL": "Conditional Demographic Disparity in Labels (CDDL)",
    "CI": "Class Imbalance (CI)",
    "DPL": "Difference in Positive Proportions in Labels (DPL)",
    "JS": "Jensen-Shannon Divergence (JS)",
    "KL": "Kullback-Leibler Divergence (KL)",
    "KS": "Kolmogorov-Smirnov Distance (KS)",
    "LP": "L-p Norm (LP)",
    "TVD": "Total Variation Distance (TVD)",
}


def compute(name: str, sensitive: Rows, positive: Rows, groups: Mapping[str, Rows]) -> float:
    """One metric; `groups` are the rows of each value of the group variable. Raises Undefined."""
    a, d = Labels.count(~sensitive, positive), Labels.count(sensitive, positive)
    both(a, d)
    if name == "CDDL":
        return conditional_disparity(sensitive, positive, groups)
    return METRICS[name](a, d)
