"""What other shares would have earned, told from requests that were answered by the shares of their time.

Every request was logged with the probability of the variant it got. Weighing it by how much likelier the other shares
would have made that variant gives an unbiased answer, whatever the shares depended on at the time:

    ips      the weighted rewards' mean                                         (Horvitz and Thompson 1952)
    snips    their sum over the sum of the weights: a little biased, steadier   (Swaminathan and Joachims 2015)
    dr       what the arms' earlier rewards predict, corrected by weighted surprises: unbiased, and the most precise
             where rewards hardly vary around the prediction                    (Dudík et al., arXiv:1103.4601)

Standard errors add up a user's requests first: a user stays on a variant, so it is users that chance has dealt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from contender.errors import DataError
from contender.experiments.arms import Arm

Estimator = Literal["ips", "snips", "dr"]
Target = Callable[[Mapping[str, Arm]], Mapping[str, float]]
"""The other shares, from what was known of the variants on offer; asked once a batch, as a tick would."""

FEWEST = 50
"""A normal interval from fewer effective requests than this is not worth its name."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that was assigned: the shares on offer, what it got with which probability, and what that earned."""

    user: str
    variant: str
    propensity: float
    shares: Mapping[str, float]
    reward: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Reward per request, its standard error over users, and a normal interval for one look."""

    estimator: Estimator
    value: float
    error: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the other shares would have earned a request, beside what was earned.

    effective: as many requests, served by the other shares themselves, would tell as much (Kish).
    mean_weight: about 1 unless the log's propensities are wrong. left_out: requests of times when a variant that the
    other shares want was not on offer. design_effect: how many times as much the variants' means vary as those of
    independent requests, because users come back and earn alike; at least 1.
    """

    logged: Estimate
    estimates: tuple[Estimate, ...]
    requests: int
    users: int
    effective: float
    mean_weight: float
    shares: Mapping[str, float]
    left_out: int
    design_effect: float

    @property
    def thin(self) -> bool:
        """Whether too little of the log resembles the other shares."""
        return self.effective < FEWEST


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A request under the other shares: its weight, and what was predicted of it and of the variants they want."""

    user: str
    variant: str
    weight: float
    reward: float
    predicted: float
    expected: float


def fixed(shares: Mapping[str, float]) -> Target:
    """The same shares at all times."""
    total = sum(shares.values())
    if not shares or total <= 0 or min(shares.values()) < 0:
        raise DataError(f"shares {dict(shares)} cannot be given: none may be below 0, and one must be above")
    scaled = {variant: share / total for variant, share in shares.items()}
    return lambda arms: scaled


def evaluate(log: Iterable[Logged], target: Target, *, batch: int, alpha: float = 0.05) -> Evaluation:
    """Value of the other shares, from a log in the order of time.

    `target` is asked anew after every `batch` requests, and whenever other variants are on offer, with all that the
    log had shown until then. So the answer for a strategy is what its advice would have earned a request, had the log
    been what it learned from; it would have gathered other counts by itself. DataError when nothing can be compared.
    """
    if batch < 1:
        raise DataError(f"a batch of {batch} requests is none: give 1 or more")
    rows: list[_Weighed] = []
    given: defaultdict[str, float] = defaultdict(float)
    known: dict[str, Arm] = {}
    left_out = 0
    for requests in _batches(log, batch):
        offered = [variant for variant, share in requests[0].shares.items() if share > 0]
        wanted = target({variant: known.get(variant, Arm()) for variant in offered})
        answerable = all(variant in offered for variant, share in wanted.items() if share > 0)
        for request in requests:
            _check(request)
            if answerable:
                rows.append(_weighed(request, wanted, known))
            earned = Arm(1, request.reward > 0, request.reward, request.reward**2)
            known[request.variant] = known.get(request.variant, Arm()) + earned
        if not answerable:
            left_out += len(requests)
            continue
        for variant, share in wanted.items():
            given[variant] += share * len(requests)
    if not rows:
        reason = (
            "a variant that the other shares want was never on offer" if left_out else "it holds no assigned request"
        )
        raise DataError(f"the log tells nothing about these shares: {reason}")
    return _evaluated(rows, given, left_out, alpha)


def _batches(log: Iterable[Logged], size: int) -> Iterable[list[Logged]]:
    """At most `size` requests each, all with the same variants on offer."""
    batch: list[Logged] = []
    for request in log:
        if batch and (len(batch) == size or _offer(batch[0]) != _offer(request)):
            yield batch
            batch = []
        batch.append(request)
    if batch:
        yield batch


def _offer(request: Logged) -> frozenset[str]:
    return frozenset(variant for variant, share in request.shares.items() if share > 0)


def _weighed(request: Logged, wanted: Mapping[str, float], known: Mapping[str, Arm]) -> _Weighed:
    """Predictions are each variant's mean so far, or that of all for a new one: only the past, so dr stays unbiased."""
    names = {request.variant, *wanted}
    everything = sum(known.values(), Arm()).mean
    means = {name: known[name].mean if name in known else everything for name in names}
    return _Weighed(
        request.user,
        request.variant,
        wanted.get(request.variant, 0.0) / request.propensity,
        request.reward,
        means[request.variant],
        sum(share * means[variant] for variant, share in wanted.items()),
    )


def _check(request: Logged) -> None:
    if not 0 < request.propensity <= 1 or request.variant not in request.shares:
        raise DataError(
            f"a request of user {request.user!r} got {request.variant!r} with propensity {request.propensity:g} out of"
            f" shares {dict(request.shares)}: such a log cannot be weighed"
        )


def _evaluated(rows: Sequence[_Weighed], given: Mapping[str, float], left_out: int, alpha: float) -> Evaluation:
    n = len(rows)
    users = [row.user for row in rows]
    weights = [row.weight for row in rows]
    total = sum(weights)
    plain = [row.reward for row in rows]
    weighted = [row.weight * row.reward for row in rows]
    doubly = [row.expected + row.weight * (row.reward - row.predicted) for row in rows]
    ones = [1.0] * n
    estimates = [_estimate("ips", users, weighted, ones, alpha)]
    if total > 0:
        estimates.append(_estimate("snips", users, weighted, weights, alpha))
    estimates.append(_estimate("dr", users, doubly, ones, alpha))
    return Evaluation(
        logged=_estimate("ips", users, plain, ones, alpha),
        estimates=tuple(estimates),
        requests=n,
        users=len(set(users)),
        effective=total**2 / sum(weight**2 for weight in weights) if total > 0 else 0.0,
        mean_weight=total / n,
        shares={variant: share / n for variant, share in given.items()},
        left_out=left_out,
        design_effect=_design_effect(rows),
    )


def _design_effect(rows: Sequence[_Weighed]) -> float:
    """Squares of the users' summed distances from their variants' means, over those of the single requests."""
    arms: dict[str, Arm] = {}
    for row in rows:
        arms[row.variant] = arms.get(row.variant, Arm()) + Arm(1, 0, row.reward)
    users: defaultdict[tuple[str, str], float] = defaultdict(float)
    single = 0.0
    for row in rows:
        distance = row.reward - arms[row.variant].mean
        users[row.user, row.variant] += distance
        single += distance**2
    return max(sum(distance**2 for distance in users.values()) / single, 1.0) if single > 0 else 1.0


def _estimate(
    estimator: Estimator, users: Sequence[str], terms: Sequence[float], weights: Sequence[float], alpha: float
) -> Estimate:
    """Σ terms / Σ weights; its error by linearisation, each user's residuals added up before they are squared."""
    value = sum(terms) / sum(weights)
    residuals: defaultdict[str, float] = defaultdict(float)
    for user, term, weight in zip(users, terms, weights, strict=True):
        residuals[user] += term - weight * value
    count = len(residuals)
    squares = sum(residual**2 for residual in residuals.values())
    error = math.sqrt(squares * count / (count - 1)) / sum(weights) if count > 1 else math.inf
    half = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Estimate(estimator, value, error, value - half, value + half)
