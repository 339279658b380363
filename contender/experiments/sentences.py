"""Verdicts in words: one sentence each, with the numbers that a person asks for first."""

from __future__ import annotations

import math

from contender.experiments.arms import Kind
from contender.experiments.goal import Goal, Standing
from contender.experiments.guardrails import ERROR_RATE, LATENCY, REWARD, Reading
from contender.experiments.sample_ratio import SampleRatio


def compared(goal: Goal, standing: Standing, champion: str, challenger: str, conclusion: str) -> str:
    """`v3 converts 12.1 % against 10.0 % of v2 (+2.1 points, between +0.3 and +3.9): better`."""
    interval, kind = standing.interval, goal.kind
    figures = figure(interval.challenger, interval.champion, kind), figure(interval.champion, interval.challenger, kind)
    verb = "converts" if kind == "binary" else "earns"
    between = ""
    if math.isfinite(interval.lower) and math.isfinite(interval.upper):
        between = f", between {_change(interval.lower, kind)} and {_change(interval.upper, kind)}"
    unit = " points" if kind == "binary" else " a request"
    change = f"{_change(interval.estimate, kind)}{unit}{between}"
    return f"{challenger} {verb} {figures[0]} against {figures[1]} of {champion} ({change}): {conclusion}"


def thin(goal: Goal, standing: Standing, champion: str, challenger: str) -> str:
    mine, theirs = standing.challenger, standing.champion
    counted = f"{challenger} has {mine.n:,.0f} counted requests beside {theirs.n:,.0f} of {champion}"
    if min(mine.n, theirs.n) < goal.minimum_sample:
        return f"{counted}: nothing is concluded before {goal.minimum_sample:,} each"
    return f"{counted} and {mine.converted + theirs.converted:,.0f} of both earned something: too few to compare"


def guarded(reading: Reading, champion: str, challenger: str) -> str:
    """`v3 fails 34.0 % of its 50 requests, v2 0.2 %: more than 1.0 points above it`."""
    metric, limit = reading.guardrail.metric, reading.guardrail.limit
    if metric == ERROR_RATE:
        points = f"{limit * 100:.3g} point{'' if limit == 0.01 else 's'}"
        return (
            f"{challenger} fails {percent(reading.challenger)} of its {reading.n:,.0f} requests, "
            f"{champion} {percent(reading.champion)}: more than {points} above it"
        )
    if metric == LATENCY:
        return (
            f"the slowest 5 % of {challenger}'s {reading.n:,.0f} requests take {reading.challenger:,.0f} ms or more, "
            f"of {champion}'s {reading.champion:,.0f} ms: more than {limit:g} times as long"
        )
    drop = f"more than {limit:.4g} below it" if limit else "less"
    return (
        f"{challenger} earns {reading.challenger:.4g} of {metric.removeprefix(REWARD)} a request, "
        f"{champion} {reading.champion:.4g}: {drop}"
    )


def divided(ratio: SampleRatio, challenger: str) -> str:
    whole = sum(ratio.observed.values())
    return (
        f"{challenger} got {ratio.observed.get(challenger, 0):,} of {whole:,} new users where the shares give it "
        f"{ratio.expected.get(challenger, 0.0):,.0f} (p = {ratio.p_value:.2g}): find out why users get lost "
        "before variants are compared"
    )


def percent(rate: float) -> str:
    return f"{rate * 100:.1f} %" if rate >= 0.01 or rate == 0 else f"{rate * 100:.2g} %"


def figure(value: float, beside: float, kind: Kind) -> str:
    """A mean reward, with as many digits as tell it from the one beside it."""
    if kind == "binary":
        digits = 1 if max(value, beside) >= 0.01 else 3
        return f"{value * 100:.{digits}f} %"
    return f"{value:.4g}"


def _change(value: float, kind: Kind) -> str:
    if kind == "binary":
        return f"{value * 100:+.1f}" if abs(value) >= 0.001 else f"{value * 100:+.2g}"
    return f"{value:+.4g}"
