"""What is believed of each arm's mean reward, and what follows: chances to be best, expected loss, value remaining.

Binary rewards: Beta(1 + successes, 1 + failures), on the logit scale, where it has one smooth peak however rare a
success is. Real ones: the normal of the mean, with one request's worth of prior at the mean of all arms, so that an
unknown one may be the best. Integrals are Simpson sums over one grid that is fine where any of the densities is: the
same arms give the same digits, and no random numbers are drawn.
"""

from __future__ import annotations

import math
from bisect import bisect_left
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
class Beliefs:
    """All arms on one grid of mean rewards: `masses`, what an arm has at each point, and `below`, up to there."""

    names: tuple[str, ...]
    points: tuple[float, ...]
    masses: tuple[tuple[float, ...], ...]
    below: tuple[tuple[float, ...], ...]

    def chances(self) -> dict[str, float]:
        """For each arm the probability that its mean reward is the highest; they sum to 1."""
        raw = [sum(best) for best in self._best()]
        total = sum(raw)
        return {name: chance / total for name, chance in zip(self.names, raw, strict=True)}

    def losses(self) -> dict[str, float]:
        """For each arm the reward per request that choosing it is expected to cost: the best one's mean minus its."""
        best = sum(sum(map(float.__mul__, masses, self.points)) for masses in self._best())
        return {
            name: max(best - sum(map(float.__mul__, masses, self.points)), 0.0)
            for name, masses in zip(self.names, self.masses, strict=True)
        }

    def value_remaining(self, quantile: float = 0.95) -> float:
        """How much more, in parts of what the likeliest best arm earns, another one may earn, with this probability.

        Scott's rule stops an experiment when it is below 0.01. For rewards that are not negative.
        """
        chances = self.chances()
        leader = max(range(len(self.names)), key=lambda index: chances[self.names[index]])
        low, high = 0.0, 1.0
        while self._at_most(leader, high) < quantile and high < 1e6:
            low, high = high, 2 * high
        if self._at_most(leader, 0.0) >= quantile:
            return 0.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self._at_most(leader, middle) >= quantile else (middle, high)
        return high

    def _best(self) -> Iterator[tuple[float, ...]]:
        """For each arm the mass it has at each point while all others lie below."""
        others = [(1.0,) * len(self.points)]
        for below in reversed(self.below[1:]):
            others.append(tuple(map(float.__mul__, others[-1], below)))
        before = others[0]
        for masses, below in zip(self.masses, self.below, strict=True):
            after = others.pop()
            yield tuple(map(float.__mul__, map(float.__mul__, masses, before), after))
            before = tuple(map(float.__mul__, before, below))

    def _at_most(self, leader: int, part: float) -> float:
        """Probability that no other arm earns more than `part` above the leader."""
        found = 0.0
        for point, mass in zip(self.points, self.masses[leader], strict=True):
            chance = mass
            for index, below in enumerate(self.below):
                if index != leader:
                    chance *= self._distribution(below, point * (1 + part))
            found += chance
        return found

    def _distribution(self, below: tuple[float, ...], value: float) -> float:
        right = bisect_left(self.points, value)
        if right == 0 or right == len(self.points):
            return 0.0 if right == 0 else 1.0
        a, b = self.points[right - 1], self.points[right]
        part = (value - a) / (b - a) if b > a else 1.0
        return below[right - 1] + part * (below[right] - below[right - 1])


def beliefs(arms: Mapping[str, Arm], kind: Kind) -> Beliefs:
    """What is believed of these arms; ValueError when there is none."""
    if not arms:
        raise ValueError("no arms are given: beliefs are about at least one")
    return _beta(arms) if kind == "binary" else _normal(arms)


def chances(arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
    """For each arm the probability that it is the best one."""
    return beliefs(arms, kind).chances()


def chance_to_beat(champion: Arm, challenger: Arm, kind: Kind) -> float:
    """Probability that the challenger's mean reward is above the champion's."""
    return chances({"champion": champion, "challenger": challenger}, kind)["challenger"]


def expected_loss(arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
    """For each arm the reward per request that choosing it is expected to cost."""
    return beliefs(arms, kind).losses()


def _beta(arms: Mapping[str, Arm]) -> Beliefs:
    shapes = [(1 + arm.converted, 1 + arm.n - arm.converted) for arm in arms.values()]
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
    return _on_grid(arms, logits, [math.exp(yes) for yes, _ in logs], densities)


def _normal(arms: Mapping[str, Arm]) -> Beliefs:
    shapes = _normal_shapes(list(arms.values()))
    ladder: set[float] = set()
    for mean, deviation in shapes:
        ladder.update(_ladder(mean, REACH * deviation, REACH * deviation))
    points = _with_middles(ladder)
    densities = [[math.exp(-0.5 * ((x - mean) / deviation) ** 2) for x in points] for mean, deviation in shapes]
    return _on_grid(arms, points, points, densities)


def _normal_shapes(arms: list[Arm]) -> list[tuple[float, float]]:
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


def _on_grid(arms: Mapping[str, Arm], grid: list[float], points: list[float], densities: list[list[float]]) -> Beliefs:
    """Integrate densities over a grid of which every other point is the middle of its neighbours."""
    masses, below = [], []
    for density in densities:
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
        masses.append(tuple(part / total for part in mass))
        below.append(tuple(max(part / total, 0.0) for part in under))
    return Beliefs(tuple(arms), tuple(points), tuple(masses), tuple(below))
