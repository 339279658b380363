"""Compare the AUCs of two models on the same rows: DeLong's covariance, and an interval for their difference.

DeLong et al. 1988, Biometrics 44:837, in O(n log n) by Sun & Xu 2014, doi:10.1109/LSP.2014.2337313.
Zou & Donner 2008, doi:10.1002/sim.3095, for the interval.
Needs numpy.
"""

import math

import numpy as np


def delong(labels, scores):
    """AUCs of the models (rows of `scores`) on the same labels, and the covariance matrix of those AUCs.

    Placements of positives among negatives come from midranks: Sun & Xu's equations (5) to (8).
    """
    positive = scores[:, labels == 1]
    negative = scores[:, labels == 0]
    m, n = positive.shape[1], negative.shape[1]
    among_positive = np.array([midranks(row) for row in positive])
    among_negative = np.array([midranks(row) for row in negative])
    among_all = np.array([midranks(row) for row in np.hstack([positive, negative])])
    aucs = among_all[:, :m].sum(axis=1) / (m * n) - (m + 1) / (2 * n)
    v_positive = (among_all[:, :m] - among_positive) / n
    v_negative = 1 - (among_all[:, m:] - among_negative) / m
    covariance = np.atleast_2d(np.cov(v_positive)) / m + np.atleast_2d(np.cov(v_negative)) / n
    return aucs, covariance


def midranks(values):
    """Ranks from 1; ties share the mean of their ranks."""
    order = np.argsort(values, kind="mergesort")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.concatenate([starts[1:], [len(values)]])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def difference(labels, challenger, champion, alpha):
    """The challenger's AUC minus the champion's, and what it may be in truth.

    `lower` and `upper` are one-sided limits, each passed with a probability of `alpha`. They recover the difference's
    spread from each AUC's own limits on the logit scale and DeLong's correlation (Zou & Donner). The plain limit,
    difference - z * standard error, is passed too often where AUCs are high: at AUC 0.985 by 8 % instead of 5 % on 750
    rows and by 15 % on 60, since the rows that would show the harm are few.
    """
    aucs, covariance = delong(labels, np.vstack([challenger, champion]))
    gap = float(aucs[0] - aucs[1])
    error = math.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0))
    lower = upper = 0.0
    if not np.array_equal(midranks(challenger), midranks(champion)):
        positives = int(labels.sum())
        classes = (positives, len(labels) - positives)
        z = normal_quantile(1 - alpha)
        down, up = _reaches(aucs[0], covariance[0, 0], classes, z)
        champion_down, champion_up = _reaches(aucs[1], covariance[1, 1], classes, z)
        spread = math.sqrt(covariance[0, 0] * covariance[1, 1])
        correlation = covariance[0, 1] / spread if spread > 0 else 0.0
        lower = gap - _joined(down, champion_up, correlation)
        upper = gap + _joined(up, champion_down, correlation)
    return {
        "auc": gap,
        "standard_error": error,
        "p_value": math.erfc(abs(gap) / error / math.sqrt(2)) if error > 0 else float(gap == 0),
        "confidence": 1 - alpha,
        "lower": float(lower),
        "upper": float(upper),
    }


def _joined(one, other, correlation):
    return math.sqrt(max(one * one + other * other - 2 * correlation * one * other, 0.0))


def _reaches(auc, variance, classes, z):
    """How far below and above its estimate an AUC may lie; the limits are symmetric in the logarithm of its odds."""
    centre = auc
    if not variance > 0:
        # Every row in its place shows no variance. As if half a row of the smaller class were out of place.
        least = 0.5 / min(classes)
        centre = min(max(auc, least), 1 - least)
        variance = _expected_variance(centre, classes)
    odds = centre / (1 - centre)
    factor = math.exp(z * math.sqrt(variance) / (centre * (1 - centre)))
    low, high = odds / factor, odds * factor
    return max(auc - low / (1 + low), 0.0), max(high / (1 + high) - auc, 0.0)


def _expected_variance(auc, classes):
    """Of an AUC, from the class sizes alone: Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747."""
    m, n = classes
    positives = (m - 1) * (auc / (2 - auc) - auc * auc)
    negatives = (n - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
    return (auc * (1 - auc) + positives + negatives) / (m * n)


def normal_quantile(probability):
    """The inverse of the normal distribution function, by bisection of erfc: containers may lack scipy."""
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2)) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
