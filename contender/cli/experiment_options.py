"""What the commands of `contender experiment` are told alike: strategies, goals, and lists of means and shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import click

from contender.errors import SettingsError
from contender.experiments.goal import Goal, Method
from contender.experiments.strategies import STRATEGIES, Strategy, strategy

METHODS = get_args(Method)
KINDS = ("binary", "real")

Options = Mapping[str, Any]
Command = Callable[..., Any]


class Number(click.FloatRange):
    """A number within bounds. Click's own lets nan through, which is beyond no bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


def means(text: str) -> dict[str, float]:
    """`0.10,0.12` or `v3=0.10,v5=0.12`; unnamed ones are v1, v2 and so on."""
    found: dict[str, float] = {}
    parts = text.split(",")
    for place, part in enumerate(parts, 1):
        name, equals, number = part.rpartition("=")
        try:
            mean = float(number)
        except ValueError:
            mean = math.nan
        if not math.isfinite(mean):
            raise click.BadParameter(f"{part.strip()!r} is not a number, nor a name, =, and a number")
        found[name.strip() if equals else f"v{place}"] = mean
    if len(found) < len(parts):
        raise click.BadParameter(f"{text!r} names a variant twice")
    return found


@dataclass(frozen=True, slots=True)
class StrategyOptions:
    """A strategy's own settings, as in contender.yaml's `experiment.strategy`."""

    weights: Mapping[str, float]
    epsilon: float
    sharpness: float
    floor: float
    warm_up: int

    def make(self, name: str, batch: int) -> Strategy:
        """The strategy of this name, for batches of so many requests."""
        own: dict[str, dict[str, Any]] = {
            "Weighted": {"weights": self.weights},
            "EpsilonGreedy": {"epsilon": self.epsilon},
            "UCB1": {"batch": min(batch, 1000)},
            "Thompson": {"sharpness": self.sharpness},
        }
        if name == "Weighted":  # whose shares are what somebody set: nothing is left to anybody else
            return strategy(name, **own[name])
        return strategy(name, floor=self.floor, warm_up=self.warm_up, **own.get(name, {}))


def strategy_options(command: Command) -> Command:
    """`--epsilon`, `--sharpness`, `--floor`, `--warm-up`; read them with `taken_strategy`."""
    for option in (
        click.option(
            "--warm-up", type=click.IntRange(0), default=100, show_default=True, help="Requests before rewards count."
        ),
        click.option("--floor", type=Number(0, 0.5), default=0.05, show_default=True, help="Least share of a variant."),
        click.option("--sharpness", type=Number(0.1, 10), default=1.5, show_default=True, help="Thompson's exponent."),
        click.option(
            "--epsilon",
            type=Number(0, 1),
            default=0.1,
            show_default=True,
            help="EpsilonGreedy's share for trying.",
        ),
    ):
        command = option(command)
    return command


def taken_strategy(options: Options, weights: Mapping[str, float] | None) -> StrategyOptions:
    """Those options of a command's, and Weighted's shares."""
    names = ("epsilon", "sharpness", "floor", "warm_up")
    return StrategyOptions(weights=weights or {}, **{name: options[name] for name in names})


def goal_options(command: Command) -> Command:
    """A goal's own options, named as in contender.yaml's `rollout.goal`; read them with `taken_goal`."""
    usual = Goal()
    for option in (
        click.option(
            "--design-effect",
            type=Number(1),
            default=usual.design_effect,
            show_default=True,
            help="How alike a user's requests are.",
        ),
        click.option(
            "--loss",
            type=Number(0, 1, min_open=True),
            default=usual.loss,
            show_default=True,
            help="expected_loss: what a verdict may cost.",
        ),
        click.option("--tau", type=Number(0, min_open=True), help="msprt: the effects to expect."),
        click.option(
            "--n-star",
            type=Number(2),
            default=usual.n_star,
            show_default=True,
            help="confidence_sequence: tightest here.",
        ),
        click.option(
            "--minimum-sample",
            type=click.IntRange(1),
            default=usual.minimum_sample,
            show_default=True,
            help="Requests of each variant.",
        ),
        click.option(
            "--minimum-effect",
            type=Number(0),
            default=usual.minimum_effect,
            show_default=True,
            help="Difference that matters.",
        ),
        click.option(
            "--alpha",
            type=Number(0, 0.5, min_open=True),
            default=usual.alpha,
            show_default=True,
            help="Wrong verdicts to allow.",
        ),
        click.option("--kind", type=click.Choice(KINDS), default="binary", show_default=True, help="Of reward."),
    ):
        command = option(command)
    return command


def taken_goal(options: Options, method: str) -> Goal:
    """Those options of a command's as the goal of a method."""
    names = ("kind", "alpha", "minimum_effect", "minimum_sample", "n_star", "tau", "loss", "design_effect")
    return Goal(method=cast(Method, method), **{name: options[name] for name in names})


def strategy_named(name: str) -> str:
    """The strategy's name in the case it is written in; SettingsError when there is none."""
    for known in STRATEGIES:
        if known.lower() == name.replace("-", "").replace("_", "").lower():
            return known
    raise SettingsError(f"there is no strategy {name!r}: use one of {', '.join(STRATEGIES)}")
