"""What a model's answers come to at one threshold and at every threshold: confusion matrix and ROC curve.

Both in the form of SageMaker's model quality metrics. Needs numpy.
"""

import numpy as np

MOST_POINTS = 100


def confusion_matrix(labels, yes):
    """Counts of rows by actual label, and within it by the label that the model answers (`yes`: whether it is 1)."""
    return {
        str(actual): {str(answered): int(((labels == actual) & (yes == bool(answered))).sum()) for answered in (0, 1)}
        for actual in (0, 1)
    }


def roc_curve(labels, probabilities):
    """False and true positive rates, from no row called positive to every row.

    A large curve is thinned: no point that is left out is further than 2 / 98 from one that stays, both rates together.
    """
    order = np.argsort(-probabilities, kind="mergesort")
    ordered = probabilities[order]
    ends = np.concatenate([np.flatnonzero(ordered[1:] != ordered[:-1]), [len(ordered) - 1]])
    true = np.cumsum(labels[order] == 1)[ends]
    false = ends + 1 - true
    true, false = np.concatenate([[0], true]) / true[-1], np.concatenate([[0], false]) / false[-1]
    kept = _spread(true + false)
    return {
        "false_positive_rates": [round(float(rate), 6) for rate in false[kept]],
        "true_positive_rates": [round(float(rate), 6) for rate in true[kept]],
    }


def _spread(along):
    """Positions of points that lie evenly along a growing path from 0 to 2, both its ends among them."""
    if len(along) <= MOST_POINTS:
        return np.arange(len(along))
    places = np.linspace(0.0, 2.0, MOST_POINTS - 1)
    return np.unique(np.concatenate([np.searchsorted(along, places - 1e-12), [len(along) - 1]]))
