"""The chances that each arm is the best one, from what is believed of its mean reward.

Binary rewards: Beta(1 + successes, 1 + failures), on the logit scale, where it has one smooth peak however rare a
success is. Real ones: the normal of the mean, with one request's worth of prior at the mean of all arms, so that an
unknown one may be the best. Integrals are Simpson sums over one grid that is fine where any of the densities is: the
same arms give the same digits, and no random numbers are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from contender.experiments.arms import Arm, Kind

STEPS = 32
"""Steps of the grid on either side of each peak, narrow near it."""
REACH = 8.0
"""Standard deviations that a density is followed on either side, and further where its tail is longer (`TAIL`)."""
TAIL = 24.0
"""Beyond e^-24 of its height the tail of a Beta density is left out."""
PRIOR_VARIANCE = 10
"""Requests that the variance over all arms counts as, beside a real-valued arm's own."""


@dataclass(frozen=True, slots=True)
class _Belief:
    """What is believed of an arm: the mass it has at each point of the grid, and that up to there."""

    masses: tuple[float, ...]
    below: tuple[float, ...]


def chances(arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
    """For each arm the probability that its mean reward is the highest; they sum to 1. ValueError without arms."""
    if not arms:
        raise ValueError("no arms are given: beliefs are about at least one")
    grid, densities = _beta(list(arms.values())) if kind == "binary" else _normal(list(arms.values()))
    raw = [sum(best) for best in _best([_on_grid(grid, density) for density in densities])]
    return {name: chance / sum(raw) for name, chance in zip(arms, raw, strict=True)}


def _best(beliefs: list[_Belief]) -> Iterator[tuple[float, ...]]:
    """For each arm the mass it has at each point while all others lie below."""
    others = [(1.0,) * len(beliefs[0].masses)]
    for belief in reversed(beliefs[1:]):
        others.append(tuple(map(float.__mul__, others[-1], belief.below)))
    before = others[0]
    for belief in beliefs:
        after = others.pop()
        yield tuple(map(float.__mul__, map(float.__mul__, belief.masses, before), after))
        before = tuple(map(float.__mul__, before, belief.below))


def _beta(arms: list[Arm]) -> tuple[list[float], list[list[float]]]:
    """A grid of logits, and the arms' densities there."""
    shapes = [(1 + arm.converted, 1 + arm.n - arm.converted) for arm in arms]
    ladder: set[float] = set()
    for a, b in shapes:
        deviation = math.sqrt(1 / a + 1 / b)
        ladder.update(_ladder(math.log(a / b), max(REACH * deviation, TAIL / a), max(REACH * deviation, TAIL / b)))
    logits = _with_middles(ladder)
    logs = [(-math.log1p(math.exp(-y)), -math.log1p(math.exp(y))) for y in logits]
    densities = []
    for a, b in shapes:
        peak = a * math.log(a / (a + b)) + b * math.log(b / (a + b))
        densities.append([math.exp(a * yes + b * no - peak) for yes, no in logs])
    return logits, densities


def _normal(arms: list[Arm]) -> tuple[list[float], list[list[float]]]:
    """A grid of mean rewards, and the arms' densities there."""
    shapes = normal_shapes(arms)
    ladder: set[float] = set()
    for mean, deviation in shapes:
        ladder.update(_ladder(mean, REACH * deviation, REACH * deviation))
    points = _with_middles(ladder)
    return points, [[math.exp(-0.5 * ((x - mean) / deviation) ** 2) for x in points] for mean, deviation in shapes]


def normal_shapes(arms: list[Arm]) -> list[tuple[float, float]]:
    """What is believed of real rewards: the mean and the deviation of each arm's normal."""
    every = sum(arms, Arm())
    freedom = sum(max(arm.n - 1, 0) for arm in arms)
    variance = sum(arm.spread for arm in arms) / freedom if freedom > 0 else 0.0
    known = [arm.mean for arm in arms if arm.n > 0]
    if variance <= 0:  # nothing varied yet, so the means' distance is all that is known of the rewards' scale
        variance = (max(known) - min(known)) ** 2 if known and max(known) > min(known) else 1.0
    shapes = []
    for arm in arms:
        own = (PRIOR_VARIANCE * variance + arm.spread) / (PRIOR_VARIANCE + max(arm.n - 1, 0))
        shapes.append(((arm.total + every.mean) / (arm.n + 1), math.sqrt(own / (arm.n + 1))))
    return shapes


def _ladder(peak: float, left: float, right: float) -> Iterator[float]:
    """Points from `peak - left` to `peak + right`, ten times as close at the peak as at the ends."""
    for step in range(-STEPS, STEPS + 1):
        yield peak + (left if step < 0 else right) * math.sinh(3 * step / STEPS) / math.sinh(3)


def _with_middles(ladder: set[float]) -> list[float]:
    ends = sorted(ladder)
    points = [ends[0]]
    for a, b in pairwise(ends):
        points += [(a + b) / 2, b]
    return points


def _on_grid(grid: list[float], density: list[float]) -> _Belief:
    """Integrate a density over a grid of which every other point is the middle of its neighbours."""
    mass, under, total = [0.0] * len(grid), [0.0] * len(grid), 0.0
    for left in range(0, len(grid) - 2, 2):
        width = grid[left + 2] - grid[left]
        start, middle, end = density[left : left + 3]
        mass[left] += width * start / 6
        mass[left + 1] = width * middle * 4 / 6
        mass[left + 2] = width * end / 6
        under[left + 1] = total + width * (5 * start + 8 * middle - end) / 24
        total += width * (start + 4 * middle + end) / 6
        under[left + 2] = total
    return _Belief(tuple(part / total for part in mass), tuple(max(part / total, 0.0) for part in under))
