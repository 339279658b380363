"""What a variant earns per request by itself, with bounds that hold however often one looks.

For people to read beside each other. Verdicts compare variants within strata instead (`intervals.difference`): while
shares and base rates both move, what variants earned over all time says little about which is better.
"""

from __future__ import annotations

import math

from contender.experiments.arms import Arm, Kind
from contender.experiments.intervals import N_STAR, width


def rate_interval(arm: Arm, kind: Kind, alpha: float, n_star: float = N_STAR) -> tuple[float, float] | None:
    """Lowest and highest mean reward of a request that its requests leave likely; None while nothing can be said.

    The asymptotic confidence sequence of `intervals`, of one mean. A rate near 0 or 1 is judged as if one more request
    had succeeded and one more failed: without any success yet, the observed variance would be 0.
    """
    mean, variance = arm.of(kind)
    if kind == "binary":
        likely = (arm.converted + 1) / (arm.n + 2)
        variance = likely * (1 - likely)
    if arm.n < 2 or variance <= 0:
        return None
    half = math.sqrt(variance / arm.n) * width(arm.n, n_star, alpha)
    if kind == "binary":
        return max(mean - half, 0.0), min(mean + half, 1.0)
    return mean - half, mean + half
