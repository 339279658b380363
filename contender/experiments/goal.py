"""Whether a challenger has shown that it earns more, or less, than the champion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contender.experiments import msprt
from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Stratum, totals
from contender.experiments.intervals import N_STAR, Interval, bounded, compare, width

Method = Literal["confidence_sequence", "msprt", "expected_loss"]

FEWEST_EXPECTED = 5
"""Successes, and failures, that both arms together let expect in each before a comparison of them means anything."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The reward to maximise, and when a challenger has shown enough of it.

    alpha: probability that a challenger that is no better or worse is ever taken for one that is.
    minimum_effect: reward per request that a difference must reach to matter; where it surely does not, up or down, a
    person is asked. minimum_sample: requests of champion and challenger each before anything is concluded.
    maximum_duration_s: after it a person is asked.
    n_star: requests of both at which the confidence sequence is tightest. tau: standard deviation of the effects that
    mSPRT expects; None is 0.02 for a binary reward and a tenth of the reward's standard deviation for a real one.
    loss: part of the champion's reward that a verdict of `expected_loss` may cost on average, once the better one is so
    with probability 1 - alpha. It is what a Bayesian asks; looked at often, it is wrong more often than alpha.
    design_effect: how many times as much the means vary as those of independent requests. A user stays on a variant,
    so where users come back and earn alike, a hundred requests tell less than a hundred users.
    """

    kind: Kind = "binary"
    reward: str = "reward"
    method: Method = "confidence_sequence"
    alpha: float = 0.05
    minimum_effect: float = 0.0
    minimum_sample: int = 500
    maximum_duration_s: float = 14 * 86_400.0
    n_star: float = N_STAR
    tau: float | None = None
    loss: float = 0.01
    design_effect: float = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How champion and challenger compare: whether enough was counted, by how much they differ, and what it shows.

    shown: better, worse, alike (no difference that matters), or unknown. p_value: of mSPRT. loss: what promoting is
    expected to cost, in reward per request, and keep_loss what keeping the champion is.
    """

    champion: Arm
    challenger: Arm
    interval: Interval
    enough: bool
    shown: Literal["better", "worse", "alike", "unknown"]
    chance_to_beat: float
    p_value: float
    loss: float
    keep_loss: float


def standing(goal: Goal, strata: Sequence[Stratum], champion: str, challenger: str, alpha: float) -> Standing:
    """Compare the two on what both have seen, at level `alpha`."""
    both = [each for each in strata if champion in each.arms and challenger in each.arms]
    sums = totals(both)
    arms = sums.get(champion, Arm()), sums.get(challenger, Arm())
    found = _widened(compare(both, champion, challenger, goal.kind), goal.design_effect)
    tau = msprt.expected_effect(found, goal.kind, goal.tau)
    if goal.method == "msprt":
        interval = msprt.interval(found, tau, alpha)
    else:
        interval = bounded(found, found.error * width(found.information, goal.n_star, alpha))
    known = 0 < found.error < math.inf
    score = found.estimate / found.error if known else 0.0
    error = found.error if known else 0.0
    loss, keep_loss = error * _excess(-score), error * _excess(score)
    enough = _enough(goal, *arms)
    shown: Literal["better", "worse", "alike", "unknown"] = "unknown"
    if enough and known:
        if goal.method == "expected_loss":
            shown = _by_loss(loss, keep_loss, goal.loss * abs(found.champion), score, alpha)
        else:
            shown = _by_interval(interval, goal.minimum_effect)
    return Standing(
        *arms, interval, enough, shown, _normal(score), msprt.p_value(found, tau), loss=loss, keep_loss=keep_loss
    )


def _widened(found: Interval, design_effect: float) -> Interval:
    """What as many requests tell that are worth fewer independent ones."""
    if design_effect == 1:
        return found
    return replace(found, error=found.error * math.sqrt(design_effect), information=found.information / design_effect)


def _by_interval(interval: Interval, minimum_effect: float) -> Literal["better", "worse", "alike", "unknown"]:
    if interval.upper < 0:
        return "worse"
    if -minimum_effect < interval.lower and interval.upper < minimum_effect:
        return "alike"
    return "better" if interval.lower > 0 else "unknown"


def _by_loss(
    loss: float, keep_loss: float, tolerated: float, score: float, alpha: float
) -> Literal["better", "worse", "alike", "unknown"]:
    if loss <= tolerated and keep_loss <= tolerated:
        return "alike"
    if loss <= tolerated and _normal(-score) <= alpha:
        return "better"
    return "worse" if keep_loss <= tolerated and _normal(score) <= alpha else "unknown"


def _enough(goal: Goal, champion: Arm, challenger: Arm) -> bool:
    least = min(champion.n, challenger.n)
    if least < max(goal.minimum_sample, 2):
        return False
    both = champion + challenger
    if goal.kind == "real" and both.converted == 0:
        return True
    rate = both.rate if goal.kind == "real" else min(both.rate, 1 - both.rate)
    return least * rate >= FEWEST_EXPECTED


def _excess(score: float) -> float:
    """Expectation of the positive part of a normal variable with mean `score` and variance 1."""
    return math.exp(-0.5 * score * score) / math.sqrt(2 * math.pi) + score * _normal(score)


def _normal(score: float) -> float:
    return 0.5 * math.erfc(-score / math.sqrt(2))
