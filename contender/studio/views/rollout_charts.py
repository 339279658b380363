"""The charts of a rollout: shares as decided, and of one question what its counts said, moment by moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from contender.experiments.arms import Arm
from contender.experiments.densities import densities
from contender.experiments.goal import Goal
from contender.experiments.posterior import chances
from contender.naming import variant_name
from contender.rollout.decision import Entry
from contender.rollout.state import State
from contender.studio.charts.band import MARKED, band
from contender.studio.charts.chart import Chart, Series
from contender.studio.charts.density import density_curves
from contender.studio.charts.lines import lines
from contender.studio.charts.stacked import stacked
from contender.studio.formats import percent
from contender.studio.reading.questions import Question
from contender.studio.views.evidence_over_time import Moment

UNCOUNTED = (
    "No requests were counted with their rewards yet: send requests and rewards through the API (docs/api.md), "
    "and wait until the reward window is over."
)
NO_GOAL = "No goal is set, so rewards decide nothing: set rollout.goal in contender.yaml, then run contender deploy."
DRAWN_FROM = 0.25
"""The part of the moments whose wide bounds do not set the scale."""


def variants(state: State | None, entries: Sequence[Entry]) -> tuple[str, ...]:
    """All that these decisions gave a share to, by version: their order gives each its colour."""
    states = [state] if state else []
    states += [each for entry in entries for each in (entry.before, entry.decision.state)]
    return tuple(variant_name(version) for version in sorted({version for each in states for version in each.shares}))


def shares(entries: Sequence[Entry], now: datetime, order: Sequence[str]) -> Chart:
    """What was decided, oldest first; now is floored, so that the chart is drawn again every ten seconds at most."""
    rows: list[dict[str, Any]] = []
    for entry in reversed(entries):
        if not rows and entry.before.shares:
            rows += _rows(entry.at, entry.before.shares, order)
        elif rows and entry.before.shares == entry.decision.state.shares:
            continue
        rows += _rows(entry.at, entry.decision.state.shares, order)
    if rows:
        end = max(now.replace(second=now.second // 10 * 10, microsecond=0), entries[0].at)
        rows += _rows(end, entries[0].decision.state.shares, order)
    return stacked(
        "shares",
        "Shares over time",
        Series(rows, "time", "share", "variant", order),
        about="as decided; each holds until the next decision",
        empty="No shares were decided yet.",
    )


def about_rewards(
    goal: Goal | None, found: Sequence[Moment], question: Question, order: Sequence[str]
) -> Iterator[Chart]:
    """What decides, what is believed of the variants, and what they have earned."""
    unknown = "Mean rewards can be told once requests are counted with theirs." if goal else NO_GOAL
    nothing = "No reward was counted yet." if goal else NO_GOAL
    no_rate = "No request was counted with its reward yet." if goal else NO_GOAL
    both = [variant_name(question.champion), variant_name(question.version)]
    arms = {name: found[-1].arms[name] for name in both if name in found[-1].arms} if found else {}
    yield _sequence(goal, found, question, UNCOUNTED if goal else NO_GOAL)
    if goal is not None and goal.method != "confidence_sequence":
        yield _method(goal, found, question)
    yield _posterior(goal, arms, unknown, order)
    yield lines(
        "cumulative",
        "Cumulative reward",
        Series(
            [
                {"time": moment.at, "variant": name, "reward": moment.arms[name].total}
                for moment in found
                for name in _in_order(moment.arms, order)
            ],
            "time",
            "reward",
            "variant",
            order,
        ),
        y_title="reward",
        about="of requests whose rewards have had their time to come",
        empty=nothing,
    )
    kind = goal.kind if goal else "real"
    yield lines(
        "rate",
        "Reward per request so far",
        Series(
            [
                {"time": moment.at, "variant": name, "rate": moment.arms[name].of(kind)[0]}
                for moment in found
                for name in _in_order(moment.arms, order)
                if moment.arms[name].n
            ],
            "time",
            "rate",
            "variant",
            order,
        ),
        y_title="converted" if kind == "binary" else "reward per request",
        share=kind == "binary",
        about="over all shares together; verdicts compare within stretches of the same shares",
        empty=no_rate,
    )


def _sequence(goal: Goal | None, found: Sequence[Moment], question: Question, empty: str) -> Chart:
    rows, shown = [], False
    for moment in found:
        interval = moment.standing.interval
        if not (math.isfinite(interval.lower) and math.isfinite(interval.upper)):
            continue
        first = moment.standing.shown != "unknown" and not shown
        shown |= first
        rows.append(
            {
                "at": moment.at,
                "estimate": interval.estimate,
                "lower": interval.lower,
                "upper": interval.upper,
                MARKED: moment.standing.shown if first else None,
            }
        )
    boundaries = {"no difference": 0.0}
    effect = goal.minimum_effect if goal else 0.0
    if effect:
        boundaries |= {"matters from here": effect, "matters from here, worse": -effect}
    words = "mSPRT" if goal and goal.method == "msprt" else "confidence sequence"
    return band(
        "sequence",
        f"v{question.version} minus v{question.champion}: {words}",
        rows,
        boundaries,
        domain=_domain(rows, [*boundaries.values()], goal),
        share=bool(goal and goal.kind == "binary"),
        about=_rule(goal),
        empty=empty,
    )


def _rule(goal: Goal | None) -> str:
    if goal is None:
        return ""
    if goal.method == "expected_loss":
        return "for reading; the expected loss decides"
    alike = ", no difference that matters once it lies between the outer lines" if goal.minimum_effect else ""
    return (
        f"better once the band is above 0, worse once it is below{alike}; "
        f"nothing is concluded before {goal.minimum_sample:,} requests each"
    )


def _domain(
    rows: Sequence[Mapping[str, Any]], boundaries: Sequence[float], goal: Goal | None
) -> tuple[float, float] | None:
    later = rows[int(len(rows) * DRAWN_FROM) :]
    if not later:
        return None
    low = min(min(row["lower"] for row in later), *boundaries)
    high = max(max(row["upper"] for row in later), *boundaries)
    room = 0.08 * (high - low)
    most = 1.0 if goal and goal.kind == "binary" else math.inf
    return max(low - room, -most), min(high + room, most)


def _method(goal: Goal, found: Sequence[Moment], question: Question) -> Chart:
    """What mSPRT and expected loss decide by, with the line that it must come below."""
    rows = []
    for moment in found:
        stands = moment.standing
        if not 0 < stands.interval.error < math.inf:
            continue
        figures = {"p-value": stands.p_value, "alpha": goal.alpha}
        if goal.method == "expected_loss":
            figures = {
                f"loss of promoting v{question.version}": stands.loss,
                f"loss of keeping v{question.champion}": stands.keep_loss,
                "tolerated": goal.loss * abs(stands.interval.champion),
            }
        rows += [{"time": moment.at, "figure": name, "value": value} for name, value in figures.items()]
    title = "Expected loss" if goal.method == "expected_loss" else "p-value of mSPRT"
    return lines(
        "method",
        title,
        Series(rows, "time", "value", "figure"),
        y_title="reward per request" if goal.method == "expected_loss" else "p-value",
        about="decided once it is below the line",
        empty=UNCOUNTED,
    )


def _posterior(goal: Goal | None, arms: Mapping[str, Arm], empty: str, order: Sequence[str]) -> Chart:
    found = densities(arms, goal.kind) if goal else {}
    best = chances(arms, goal.kind) if goal and arms else {}
    rows = [
        {"variant": name, "mean": mean, "density": density}
        for name in _in_order(found, order)
        for mean, density in found[name]
    ]
    words = ", ".join(f"{name} is best with {percent(chance)}" for name, chance in best.items())
    return density_curves(
        "posterior",
        "Plausible mean rewards",
        Series(rows, "mean", "density", "variant", order),
        x_title="converted" if goal and goal.kind == "binary" else "reward per request",
        share=bool(goal and goal.kind == "binary"),
        about=f"posterior; {words}" if words else "",
        empty=empty,
    )


def _rows(at: datetime, given: Mapping[int, float], order: Sequence[str]) -> list[dict[str, Any]]:
    """Every variant has a row at every time, or areas would be drawn from one to another time in which it was."""
    named = {variant_name(version): share for version, share in given.items()}
    return [{"time": at, "variant": name, "share": named.get(name, 0.0)} for name in order]


def _in_order(names: Mapping[str, Any], order: Sequence[str]) -> list[str]:
    return [*(name for name in order if name in names), *sorted(name for name in names if name not in order)]
