"""Bias of a model's yes and no towards one group of rows, by the metrics that SageMaker Clarify publishes.

    DPPL    difference in positive proportions in predicted labels: everyone else's share of yes minus the group's
    DI      disparate impact: the group's share of yes over everyone else's
    AD      difference of accuracy: everyone else's minus the group's
    RD      difference of recall: everyone else's minus the group's

Beside it in the container: facets.py. Needs numpy.
"""

import math

import numpy as np
from facets import facet_sides


def in_group(column, values):
    """Which rows belong to the group, as a boolean array; `column` and `values` are raw text."""
    return np.array(facet_sides(column, values))


def measure(metric, labels, yes, group):
    """The metric's value; nan where a rate has no rows to be taken over.

    `labels`, `yes` (what the model answers) and `group` are arrays of one entry a row.
    """
    rate = {
        "DPPL": lambda rows: mean(yes[rows]),
        "DI": lambda rows: mean(yes[rows]),
        "AD": lambda rows: mean(yes[rows] == labels[rows]),
        "RD": lambda rows: mean(yes[rows & (labels == 1)]),
    }[metric]
    ours, others = rate(group), rate(~group)
    if metric != "DI":
        return others - ours
    if others == 0:
        return math.nan if ours == 0 else math.inf
    return ours / others


def mean(values):
    return float(values.mean()) if len(values) else math.nan
