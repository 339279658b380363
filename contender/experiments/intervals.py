"""How much more a challenger earns than the champion, with bounds that hold however often one looks.

Asymptotic confidence sequence (Waudby-Smith et al., arXiv:2103.06476): estimate ± standard error × `width`, where the
width of Robbins' normal mixture is at its tightest at `n_star` requests.

Variants are compared within each stratum, and the differences averaged with weights n_a·n_b / (n_a + n_b), which is how
precisely a stratum tells them. So neither a base rate that drifts while shares change, nor a stratum that one of the
two had no part in, makes one look better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Stratum

N_STAR = 5_000
"""Requests of both arms at which the bounds are tightest, unless somebody plans for another number."""
SHRINKAGE = 100
"""Requests that the variance over all strata counts as, beside a stratum's own, which few requests tell badly."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Challenger minus champion, in reward per request; bounds are infinite where nothing can be said.

    n: requests of both that were compared. champion, challenger: what each earned on them, weighted alike.
    error: standard error of the estimate. information: as many requests, split evenly, would tell as much.
    """

    estimate: float
    lower: float
    upper: float
    n: float
    champion: float = 0.0
    challenger: float = 0.0
    error: float = math.inf
    information: float = 0.0


def difference(
    strata: Iterable[Stratum], champion: str, challenger: str, kind: Kind, alpha: float, n_star: float = N_STAR
) -> Interval:
    """Anytime-valid interval: it misses the true difference at any look at all with probability at most `alpha`."""
    found = compare(strata, champion, challenger, kind)
    return bounded(found, found.error * width(found.information, n_star, alpha))


def compare(strata: Iterable[Stratum], champion: str, challenger: str, kind: Kind) -> Interval:
    """Estimate and standard error, without bounds."""
    pairs = [
        (stratum.arms[champion], stratum.arms[challenger])
        for stratum in strata
        if _asked(stratum, champion) and _asked(stratum, challenger)
    ]
    if not pairs:
        return Interval(0.0, -math.inf, math.inf, 0)
    weights = [a.n * b.n / (a.n + b.n) for a, b in pairs]
    weight = sum(weights)
    means = [
        sum(part * pair[side].of(kind)[0] for part, pair in zip(weights, pairs, strict=True)) / weight
        for side in (0, 1)
    ]
    return Interval(
        estimate=means[1] - means[0],
        lower=-math.inf,
        upper=math.inf,
        n=sum(a.n + b.n for a, b in pairs),
        champion=means[0],
        challenger=means[1],
        error=_standard_error(pairs, weights, kind),
        information=4 * weight,
    )


def bounded(found: Interval, half: float) -> Interval:
    """The same with bounds `half` away from the estimate."""
    if not 0 < half < math.inf:
        return found
    return Interval(
        found.estimate,
        found.estimate - half,
        found.estimate + half,
        found.n,
        found.champion,
        found.challenger,
        found.error,
        found.information,
    )


def width(n: float, n_star: float, alpha: float) -> float:
    """Half width of the confidence sequence in standard errors, after n requests."""
    if n <= 0:
        return math.inf
    rho_squared = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / n_star
    return mixture_width(n * rho_squared, alpha)


def mixture_width(ratio: float, alpha: float) -> float:
    """Half width, in standard errors, of a normal mixture whose variance is `ratio` times that of the estimate."""
    return math.sqrt(2 * (ratio + 1) / ratio * (0.5 * math.log1p(ratio) - math.log(alpha)))


def _asked(stratum: Stratum, variant: str) -> bool:
    return variant in stratum.arms and stratum.arms[variant].n > 0


def _standard_error(pairs: list[tuple[Arm, Arm]], weights: list[float], kind: Kind) -> float:
    """The larger of two answers: with each arm's own variance, and with one variance for both.

    An arm of few requests does not know its own variance: a rare reward that it has not seen yet would make it 0.
    """
    own = [_pooled([pair[side] for pair in pairs], kind) for side in (0, 1)]
    both = _pooled([arm for pair in pairs for arm in pair], kind)
    if both <= 0:
        return math.inf
    apart, together = 0.0, 0.0
    for weight, (a, b) in zip(weights, pairs, strict=True):
        apart += weight**2 * (_variance([a], own[0], kind) / a.n + _variance([b], own[1], kind) / b.n)
        together += weight**2 * _variance([a, b], both, kind) * (1 / a.n + 1 / b.n)
    return math.sqrt(max(apart, together)) / sum(weights)


def _pooled(arms: list[Arm], kind: Kind) -> float:
    """One variance for all, around each one's own mean, of which each has lost a degree; 0 when nothing varied."""
    freedom = sum(max(arm.n - 1, 0) for arm in arms)
    spread = sum(arm.spread if kind == "real" else arm.n * arm.of(kind)[1] for arm in arms)
    return spread / freedom if freedom > 0 else 0.0


def _variance(arms: list[Arm], pooled: float, kind: Kind) -> float:
    """The arms' variance in one stratum, as far as its requests tell it."""
    known = sum(arm.n * arm.of(kind)[1] for arm in arms)
    return (SHRINKAGE * pooled + known) / (SHRINKAGE + sum(arm.n for arm in arms))
