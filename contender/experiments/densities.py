"""What is believed of each arm's mean reward, as a curve: the densities that `posterior.chances` integrates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

from contender.experiments.arms import Arm, Kind
from contender.experiments.posterior import normal_shapes

REACH = 8.0
"""Standard deviations that a curve is followed on either side of its mean."""
POINTS = 121

Curve = tuple[tuple[float, float], ...]
"""Mean rewards in ascending order, each with its density."""


def densities(arms: Mapping[str, Arm], kind: Kind) -> dict[str, Curve]:
    """A curve for each arm: Beta(1 + successes, 1 + failures), or of real rewards the normal of the mean."""
    if kind == "binary":
        return {name: _beta(1 + arm.converted, 1 + arm.n - arm.converted) for name, arm in arms.items()}
    shapes = normal_shapes(list(arms.values())) if arms else []
    return {name: _normal(mean, deviation) for name, (mean, deviation) in zip(arms, shapes, strict=True)}


def area(curve: Curve) -> float:
    """Under the curve, by trapezoids."""
    return sum((x - before) * (y + was) / 2 for (before, was), (x, y) in pairwise(curve))


def _beta(a: float, b: float) -> Curve:
    """The density of Beta(a, b), a and b at least 1."""
    mean, constant = a / (a + b), math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    deviation = math.sqrt(mean * (1 - mean) / (a + b + 1))

    def density(x: float) -> float:
        yes = (a - 1) * math.log(x) if x > 0 else 0.0 if a == 1 else -math.inf
        no = (b - 1) * math.log1p(-x) if x < 1 else 0.0 if b == 1 else -math.inf
        return math.exp(constant + yes + no)

    return _curve(density, max(mean - REACH * deviation, 0.0), min(mean + REACH * deviation, 1.0))


def _normal(mean: float, deviation: float) -> Curve:
    def density(x: float) -> float:
        return math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))

    return _curve(density, mean - REACH * deviation, mean + REACH * deviation)


def _curve(density: Callable[[float], float], low: float, high: float) -> Curve:
    points = (low + (high - low) * index / (POINTS - 1) for index in range(POINTS))
    return tuple((x, density(x)) for x in points)
