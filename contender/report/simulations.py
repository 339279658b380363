"""The figures of simulated experiments, as SVG: what strategies cost on average, and one experiment from the inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Stratum
from contender.experiments.goal import Goal, standing
from contender.experiments.simulation import Course, Problem, Run, Traffic, quantile
from contender.report.drawing import MARK, colour_of, drawn

GRID = 300
LOOKS = 4
"""Moments at which beliefs are drawn."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was simulated, by the strategy's name: many runs, and one whole course to look into."""

    problem: Problem
    traffic: Traffic
    goals: tuple[Goal, ...]
    runs: Mapping[str, Sequence[Run]]
    courses: Mapping[str, Course]

    @property
    def times(self) -> list[int]:
        """Requests at the end of each batch."""
        batches = len(next(iter(self.courses.values())).batches)
        return [min((place + 1) * self.traffic.batch, self.traffic.requests) for place in range(batches)]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, the name of its file without the ending, and the sentence below it."""

    name: str
    svg: str
    caption: str


def pictures(simulated: Simulated) -> Iterator[Picture]:
    """All figures, one after the other; each takes a moment."""
    count = len(next(iter(simulated.runs.values())))
    yield Picture(
        "regret", _regret(simulated), f"Cumulative regret: mean of {count:,} experiments, and where 80 % of them lie"
    )
    yield Picture("reward", _reward(simulated), "Cumulative reward above that of equal shares, on average")
    yield Picture(
        "reward-rate", _reward_rate(simulated), "Reward per request so far, on average; dotted: the best variant's"
    )
    yield Picture("verdicts", _verdicts(simulated), "Part of the experiments that were settled, by strategy and method")
    for name, course in simulated.courses.items():
        yield Picture(f"shares-{name}", _shares(simulated, name), f"{name}: shares over time, on average")
        yield Picture(
            f"beliefs-{name}", _beliefs(course), f"{name}: what one experiment believes of each variant's mean"
        )
        yield Picture(
            f"sequence-{name}",
            _sequence(course, simulated.goals[0]),
            f"{name}: challengers minus champion in one experiment, {simulated.goals[0].method} at"
            f" {1 - simulated.goals[0].alpha:.0%}",
        )


def _regret(simulated: Simulated) -> str:
    def draw(axes: Axes) -> None:
        for place, (name, runs) in enumerate(simulated.runs.items()):
            batches = [sorted(values) for values in zip(*(run.regrets for run in runs), strict=True)]
            low, high = ([quantile(values, q) for values in batches] for q in (0.1, 0.9))
            axes.fill_between(simulated.times, low, high, color=colour_of(place), alpha=0.12, lw=0)
            axes.plot(simulated.times, [fmean(values) for values in batches], color=colour_of(place), label=name)
        _over_requests(axes, simulated)

    return drawn(draw)


def _reward(simulated: Simulated) -> str:
    def draw(axes: Axes) -> None:
        course = next(iter(simulated.courses.values()))
        even, evens = 0.0, []
        for batch in course.batches:
            even += batch.requests * fmean(batch.means.values())
            evens.append(even)
        for place, (name, runs) in enumerate(simulated.runs.items()):
            gained = [mean - even for mean, even in zip(_means(runs), evens, strict=True)]
            axes.plot(simulated.times, gained, color=colour_of(place), label=name)
        axes.axhline(0, color=MARK, lw=0.8)
        _over_requests(axes, simulated)

    return drawn(draw)


def _reward_rate(simulated: Simulated) -> str:
    def draw(axes: Axes) -> None:
        times = simulated.times
        for place, (name, runs) in enumerate(simulated.runs.items()):
            rates = [mean / at for mean, at in zip(_means(runs), times, strict=True)]
            axes.plot(times, rates, color=colour_of(place), label=name)
        course = next(iter(simulated.courses.values()))
        axes.plot(times, [max(batch.means.values()) for batch in course.batches], color="black", lw=0.8, ls=":")
        _over_requests(axes, simulated)

    return drawn(draw)


def _verdicts(simulated: Simulated) -> str:
    styles = ("-", "--", ":")

    def draw(axes: Axes) -> None:
        for place, (name, runs) in enumerate(simulated.runs.items()):
            for which, goal in enumerate(simulated.goals):
                stops = sorted(at for run in runs if (at := run.settlements[which].at) is not None)
                times = [0.0, *stops, simulated.traffic.requests]
                parts = [number / len(runs) for number in range(len(stops) + 1)]
                label = name if len(simulated.goals) == 1 else f"{name}, {goal.method}"
                line = styles[which % len(styles)]
                axes.step(times, [*parts, parts[-1]], where="post", color=colour_of(place), ls=line, label=label)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        _over_requests(axes, simulated)

    return drawn(draw)


def _shares(simulated: Simulated, name: str) -> str:
    def draw(axes: Axes) -> None:
        variants = list(simulated.problem.means)
        runs = simulated.runs[name]
        bands = [
            [fmean(run.shares[batch].get(variant, 0.0) for run in runs) for batch in range(len(simulated.times))]
            for variant in variants
        ]
        colours = [colour_of(place) for place in range(len(variants))]
        bands = [[*band, band[-1]] for band in bands]
        axes.stackplot([0, *simulated.times], bands, labels=variants, colors=colours, step="post", alpha=0.85)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        _over_requests(axes, simulated)

    return drawn(draw)


def _beliefs(course: Course) -> str:
    """Beta(1 + successes, 1 + failures), of real rewards the normal of the mean; the later, the darker."""

    def draw(axes: Axes) -> None:
        looks = sorted({math.ceil(len(course.batches) * number / LOOKS) for number in range(1, LOOKS + 1)})
        for number, look in enumerate(looks, 1):
            strength = number / len(looks)
            for place, variant in enumerate(course.problem.means):
                arm = sum((batch.arms[variant] for batch in course.batches[:look]), Arm())
                if not arm.n:
                    continue
                values, density = _density(arm, course.problem.kind)
                latest = number == len(looks)
                label = f"{variant}, {arm.n:,.0f} requests" if latest else None
                axes.plot(values, density, color=colour_of(place), alpha=strength, lw=0.6 + strength, label=label)
                if latest:
                    axes.fill_between(values, density, color=colour_of(place), alpha=0.12, lw=0)
        axes.set_yticks([])
        axes.set_xlabel("reward per request")
        _legend(axes)

    return drawn(draw)


def _sequence(course: Course, goal: Goal) -> str:
    """Each challenger's difference with the bounds of its verdict, from the first look on at which there are any."""

    def draw(axes: Axes) -> None:
        axes.axhline(0, color="black", lw=0.8)
        problem = course.problem
        for place, challenger in enumerate(problem.challengers, 1):
            strata: list[Stratum] = []
            points = []
            for number, batch in enumerate(course.batches, 1):
                strata.append(Stratum(batch.shares, batch.arms))
                level = goal.alpha / len(problem.challengers)
                found = standing(goal, strata, problem.champion, challenger, level)
                if found.enough and math.isfinite(found.interval.lower):
                    at = min(number * course.traffic.batch, course.traffic.requests)
                    points.append((at, found.interval.estimate, found.interval.lower, found.interval.upper))
            if not points:
                continue
            times, estimates, lower, upper = zip(*points, strict=True)
            axes.fill_between(times, lower, upper, color=colour_of(place), alpha=0.15, lw=0)
            axes.plot(times, estimates, color=colour_of(place), label=challenger)
        axes.set_xlim(0, course.traffic.requests)
        axes.set_xlabel("requests")
        if axes.get_legend_handles_labels()[1]:
            _legend(axes)

    return drawn(draw)


def _means(runs: Sequence[Run]) -> list[float]:
    """The mean cumulative reward after each batch."""
    return [fmean(values) for values in zip(*(run.rewards for run in runs), strict=True)]


def _density(arm: Arm, kind: Kind) -> tuple[list[float], list[float]]:
    """Five standard deviations to both sides of the mean."""
    mean, variance = arm.of(kind)
    if kind == "real":
        normal = NormalDist(mean, math.sqrt(max(variance, 1e-12) / arm.n))
        values = _around(mean, normal.stdev, -math.inf, math.inf)
        return values, [normal.pdf(value) for value in values]
    a, b = 1 + arm.converted, 1 + arm.n - arm.converted
    mean = a / (a + b)
    values = _around(mean, math.sqrt(mean * (1 - mean) / (a + b + 1)), 1e-9, 1 - 1e-9)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return values, [math.exp(scale + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x)) for x in values]


def _around(mean: float, deviation: float, least: float, most: float) -> list[float]:
    low, high = max(mean - 5 * deviation, least), min(mean + 5 * deviation, most)
    return [low + (high - low) * place / GRID for place in range(GRID + 1)]


def _over_requests(axes: Axes, simulated: Simulated) -> None:
    axes.set_xlim(0, simulated.traffic.requests)
    axes.set_xlabel("requests")
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Where it covers least, and what it covers shines through."""
    axes.legend(loc="best", fontsize=8, frameon=True, framealpha=0.7, edgecolor="none")
