"""Mixture sequential probability ratio test of the difference of two means (Johari et al., arXiv:1512.04922).

With estimate Δ, its variance V/n, and effects expected around 0 with standard deviation τ,
Λ = √(V/(V + nτ²)) · exp(n²τ²Δ² / (2V(V + nτ²))), and 1/Λ is a p-value that may be looked at at any time. The same
comparison by strata as `intervals`; turned into an interval it is a confidence sequence that is tightest for effects of
the size τ.
"""

from __future__ import annotations

import math

from contender.experiments.arms import Kind
from contender.experiments.intervals import Interval, bounded, mixture_width

TAU = 0.02
"""Expected effects of a binary reward, in successes per request."""
TAU_OF_REAL = 0.1
"""Expected effects of a real reward, in its standard deviations."""


def expected_effect(found: Interval, kind: Kind, tau: float | None = None) -> float:
    """τ: the one that somebody set, or the usual one for this kind of reward."""
    if tau is not None:
        return tau
    return TAU if kind == "binary" else TAU_OF_REAL * found.error * math.sqrt(found.information) / 2


def p_value(found: Interval, tau: float) -> float:
    """Probability of ever seeing this much between two variants that are equal; 1 where nothing can be said."""
    if not 0 < found.error < math.inf or tau <= 0:
        return 1.0
    ratio = (tau / found.error) ** 2
    log_likelihood = -0.5 * math.log1p(ratio) + 0.5 * (found.estimate / found.error) ** 2 * ratio / (1 + ratio)
    return min(math.exp(-log_likelihood), 1.0) if log_likelihood > 0 else 1.0


def interval(found: Interval, tau: float, alpha: float) -> Interval:
    """The differences that the test at level `alpha` does not exclude."""
    if not 0 < found.error < math.inf or tau <= 0:
        return found
    return bounded(found, found.error * mixture_width((tau / found.error) ** 2, alpha))
