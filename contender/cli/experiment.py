"""`contender experiment`: what strategies and verdicts would come to, how long a test runs, what a log tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from contender.cli.experiment_options import (
    METHODS,
    Number,
    goal_options,
    means,
    strategy_named,
    strategy_options,
    taken_goal,
    taken_strategy,
)
from contender.cli.experiment_replay import replay
from contender.cli.experiment_runs import draw, need_figures, played, playing
from contender.cli.output import emit, emit_rows, json_option, note
from contender.errors import SettingsError
from contender.experiments.goal import Goal
from contender.experiments.planning import Plan, Question
from contender.experiments.planning import plan as planned
from contender.experiments.simulation import Change, Problem, Traffic, summary
from contender.experiments.strategies import STRATEGIES, strategy

SIMULATED = (
    "strategy", "method", "regret", "regret_deviation", "false_promotion", "power", "promoted", "rolled_back", "alike",
    "unsettled", "mean_stop", "median_stop", "p90_stop",
)  # fmt: skip
PLANNED = ("share", "mean_days", "median_days", "p90_days", "power", "false_promotion", "fixed_days", "detectable")


@click.group()
def command() -> None:
    """Experiments: simulate them, plan them, and replay logged ones under other shares."""


command.add_command(replay)


@command.command(short_help="Play strategies and verdicts on a made-up problem.")
@click.option(
    "--means",
    "true_means",
    type=means,
    default="0.10,0.12,0.15",
    show_default=True,
    help="Rewards per request, champion first.",
)
@click.option("--deviation", type=Number(0, min_open=True), default=1.0, show_default=True, help="Of a real reward.")
@click.option("--trend", type=float, default=0.0, show_default=True, help="Growth of all means by the end.")
@click.option("--change", "changes", multiple=True, metavar="REQUEST:MEANS", help="Other means from a request on.")
@click.option("--requests", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--batch", type=click.IntRange(1), default=200, show_default=True, help="Requests between two looks.")
@click.option("--delay", type=click.IntRange(0), default=0, show_default=True, help="Batches that rewards are late.")
@click.option("--strategy", "names", multiple=True, help="Play only this one; repeatable.")
@click.option("--shares", type=means, help="Weighted's, as --means; equal unless given.")
@click.option(
    "--discount",
    type=Number(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Weight of the batch before.",
)
@strategy_options
@click.option("--method", "methods", type=click.Choice(METHODS), multiple=True, default=METHODS[:1], show_default=True)
@goal_options
@click.option("--runs", type=click.IntRange(1), default=100, show_default=True, help="Experiments of each strategy.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="Write the figures into this folder.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with table and figures.")
@json_option
def simulate(
    true_means: Mapping[str, float],
    deviation: float,
    trend: float,
    changes: tuple[str, ...],
    requests: int,
    batch: int,
    delay: int,
    names: tuple[str, ...],
    shares: Mapping[str, float] | None,
    discount: float,
    methods: tuple[str, ...],
    runs: int,
    seed: int,
    plots: Path | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Play strategies and verdicts on a problem whose answer is known.

    Prints regret against the best variant, how often a verdict was wrong or right, and after how many requests. Every
    strategy and method meets the same seeds; the same seed gives the same numbers.
    """
    if plots or html:
        need_figures()
    problem = Problem(
        true_means, options["kind"], deviation, trend, tuple(_change(each, true_means) for each in changes)
    )
    traffic = Traffic(requests, batch, delay)
    methods = tuple(dict.fromkeys(methods))
    goals = [taken_goal(options, method) for method in methods]
    weights = _weights(shares, problem)
    chosen = list(dict.fromkeys(strategy_named(name) for name in names)) or list(STRATEGIES)
    made = {name: taken_strategy(options, weights).make(name, batch) for name in chosen}
    found = played({name: playing(problem, traffic, each, goals, seed, discount) for name, each in made.items()}, runs)
    rows = [
        {"strategy": name, "method": method, **asdict(summary(problem, traffic, found[name], place))}
        for name in chosen
        for place, method in enumerate(methods)
    ]
    if plots or html:
        shown = [{column: _cell(row[column]) for column in SIMULATED} for row in rows]
        for path in draw(
            problem, traffic, goals, made, found, seed=seed, discount=discount, folder=plots, page=html, rows=shown
        ):
            note(f"wrote {path}")
    emit_rows(rows, SIMULATED, as_json=as_json)


@command.command("plan", short_help="Say how long a test will run.")
@click.option("--baseline", type=float, required=True, help="The champion's reward per request.")
@click.option("--effect", type=float, required=True, help="The smallest difference that matters, in the same unit.")
@click.option("--requests-per-day", type=float, required=True, help="Of champion and challenger together.")
@click.option(
    "--share",
    "shares",
    type=float,
    multiple=True,
    default=(0.5,),
    show_default=True,
    help="The challenger's; repeatable.",
)
@click.option("--deviation", type=float, default=1.0, show_default=True, help="Of one request's real reward.")
@click.option("--days", type=Number(0, min_open=True), help="When the test ends at the latest.")
@click.option("--power", type=float, default=0.8, show_default=True, help="Of the fixed test beside it.")
@click.option("--looks-per-day", type=float, default=24.0, show_default=True)
@click.option("--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True)
@goal_options
@click.option("--check", type=click.IntRange(0), default=0, metavar="RUNS", help="Simulate so many tests too.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of --check.")
@json_option
def plan_test(
    baseline: float,
    effect: float,
    requests_per_day: float,
    shares: tuple[float, ...],
    deviation: float,
    days: float | None,
    power: float,
    looks_per_day: float,
    method: str,
    check: int,
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Say how long a test will run until a challenger with this effect is promoted.

    The verdict is looked at all the time, and still keeps its error rate; the days of a fixed test, which may be
    looked at once, stand beside.
    """
    goal = taken_goal(options, method)
    rows = []
    for share in shares:
        question = Question(baseline, effect, requests_per_day, share, deviation, looks_per_day, power)
        found = planned(question, goal, days)
        row = {"share": share, **asdict(found), "sentence": sentence(question, found)}
        if check:
            row |= _checked(question, goal, found, check, seed)
        rows.append(row)
    if as_json:
        emit(rows)
        return
    emit_rows(rows, (*PLANNED, "simulated_mean_days", "simulated_p90_days") if check else PLANNED, as_json=False)
    for row in rows:
        click.echo(row["sentence"])


def sentence(question: Question, found: Plan) -> str:
    """What a plan says, for somebody who asks for a date."""
    gain = f"{question.baseline:g} to {question.baseline + question.effect:g}"
    start = (
        f"With {question.requests_per_day:,g} requests a day, {question.share:.0%} of them for the challenger, a gain"
        f" from {gain} a request is seen"
    )
    fixed_test = f"a fixed test takes {_days(found.fixed_days)} and may be looked at once"
    if found.p90_days is not None:
        return (
            f"{start} after {_days(found.mean_days)} on average and within {_days(found.p90_days)} in nine tests of"
            f" ten; {fixed_test}."
        )
    last = f"within {_days(found.last_day)}" if found.last_day is not None else "at all"
    return f"{start} {last} in {found.power:.0%} of the tests; {fixed_test}."


def _days(days: float) -> str:
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"


def _checked(question: Question, goal: Goal, found: Plan, runs: int, seed: int) -> dict[str, float]:
    """The same figures from simulated tests."""
    batch = max(round(question.requests_per_day / question.looks_per_day), 1)
    days = found.last_day or 3 * (found.p90_days or found.mean_days)
    traffic = Traffic(max(round(days * question.requests_per_day), batch), batch)
    problem = Problem(
        {"v1": question.baseline, "v2": question.baseline + question.effect}, goal.kind, question.deviation
    )
    shares = strategy("Weighted", weights={"v1": 1 - question.share, "v2": question.share})
    tests = played({f"share {question.share:g}": playing(problem, traffic, shares, [goal], seed)}, runs)
    seen = summary(problem, traffic, next(iter(tests.values())), 0)
    return {
        "simulated_mean_days": seen.mean_stop / question.requests_per_day,
        "simulated_p90_days": seen.p90_stop / question.requests_per_day,
        "simulated_power": seen.power or 0.0,
    }


def _change(text: str, usual: Mapping[str, float]) -> Change:
    """`5000:0.15,0.10`; means without names are those of --means, in its order."""
    at, colon, rest = text.partition(":")
    if not (at.strip().isdigit() and colon):
        raise click.BadParameter(
            f"{text!r} is no change: give REQUEST:MEANS, such as 5000:0.15,0.10", param_hint="--change"
        )
    changed = means(rest)
    if "=" not in rest and len(changed) == len(usual):
        changed = dict(zip(usual, changed.values(), strict=True))
    return Change(int(at), changed)


def _weights(shares: Mapping[str, float] | None, problem: Problem) -> Mapping[str, float]:
    """Weighted's shares by variant; without names in the order of --means."""
    if shares is None:
        return {}
    if min(shares.values()) < 0 or max(shares.values()) <= 0:
        raise SettingsError(f"--shares {shares} cannot be given: none may be below 0, and one must be above")
    if shares.keys() <= problem.means.keys():
        return shares
    if len(shares) == len(problem.means) and list(shares) == [f"v{place}" for place in range(1, len(shares) + 1)]:
        return dict(zip(problem.means, shares.values(), strict=True))
    raise SettingsError(f"--shares names {', '.join(shares)}, and the variants are {', '.join(problem.means)}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
