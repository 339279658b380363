"""How far two distributions lie apart: the L-infinity distance and the chi-squared test, as deequ defines them.

awslabs/deequ, `analyzers/Distance.scala`. The simple distance is the largest gap between the two distribution
functions (for categories: between their shares). The robust one leaves out of it what two samples of their sizes may
differ by chance, in the two-sample Kolmogorov-Smirnov test at a level of about 0.003.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from scipy import stats

from contender.local.containers.monitor.numbers import Sketch

C_ALPHA = 1.8
"""Knuth, The Art of Computer Programming, volume 2, 3.3.1, equation 15."""
LEAST_EXPECTED = 5
"""Per category of more than two: Yates, Moore and McCabe, The Practice of Statistics, 1999, page 734 …"""
MOST_BELOW = 0.2
"""… of which a fifth may expect fewer."""
LEAST_EXPECTED_OF_TWO = 10
"""Per category of two: Cochran, The chi-squared test of goodness of fit, 1952."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest difference between two distributions: where it is, and both sides there."""

    distance: float
    at: float | str
    baseline: float
    current: float


def numerical(baseline: Sketch, current: Sketch) -> tuple[Gap, int, int]:
    """Between distribution functions; beside the gap, how many values either sketch stands for."""
    first, first_ranks = baseline.ranked()
    second, second_ranks = current.ranked()
    keys = numpy.union1d(first, second)
    expected = _distribution(first, first_ranks, keys)
    observed = _distribution(second, second_ranks, keys)
    place = int(numpy.argmax(numpy.abs(observed - expected)))
    gap = Gap(
        distance=abs(float(observed[place] - expected[place])),
        at=float(keys[place]),
        baseline=float(expected[place]),
        current=float(observed[place]),
    )
    return gap, int(first_ranks[-1]), int(second_ranks[-1])


def categorical(baseline: Mapping[str, int], current: Mapping[str, int], rows: int) -> Gap:
    """Between the shares of categories; `rows` are all the current values, also those in no category."""
    total = sum(baseline.values())
    gaps = [
        Gap(
            abs(current.get(value, 0) / rows - baseline.get(value, 0) / total),
            value,
            baseline.get(value, 0) / total,
            current.get(value, 0) / rows,
        )
        for value in {**baseline, **current}
    ]
    return max(gaps, key=lambda gap: gap.distance)


def robust(distance: float, n: int, m: int) -> float:
    """What of `distance` between samples of `n` and `m` is more than chance."""
    return max(0.0, distance - C_ALPHA * math.sqrt((n + m) / (n * m)))


def chi_squared(baseline: Mapping[str, int], current: Mapping[str, int]) -> float:
    """The p-value of `current` under the shares of `baseline`; not a number where fewer than two categories are left.

    Categories that expect too few values are joined, the rarest with the next; values of no category count for none.
    """
    known = sum(current.get(value, 0) for value in baseline)
    total = sum(baseline.values())
    cells = sorted((count / total * known, current.get(value, 0)) for value, count in baseline.items())
    while len(cells) >= 2:
        least = LEAST_EXPECTED if len(cells) > 2 else LEAST_EXPECTED_OF_TWO
        allowed = int(MOST_BELOW * len(cells)) if len(cells) > 2 else 0
        if sum(expected < least for expected, _ in cells) <= allowed:
            break
        (expected, observed), (next_expected, next_observed), *rest = cells
        cells = sorted([(expected + next_expected, observed + next_observed), *rest])
    if len(cells) < 2:
        return math.nan
    return float(stats.chisquare([observed for _, observed in cells], [expected for expected, _ in cells]).pvalue)


def _distribution(values: Any, ranks: Any, keys: Any) -> Any:
    """The share of values that are at most as large as each key."""
    places = numpy.searchsorted(values, keys, "right")
    return numpy.concatenate([[0], ranks])[places] / ranks[-1]
