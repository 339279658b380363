"""Chooses a tuning job's next hyperparameters: Optuna in a process of its own, so that the server stays small.

One JSON line in, one out, over the socket that came with the launch:

    {"open": {…study…}}                              {}
    {"ask": study}                                   {"trial": n, "parameters": {name: text}}, or {"exhausted": true}
    {"report": study, "trial": n, "values": [[step, value], …]}      {"prune": bool}
    {"tell": study, "trial": n, "value": v or null, "pruned": bool}  {}
"""

from __future__ import annotations

import json
import math
import os
import random
import socket
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import optuna

from contender.local.containers.xgboost_hyperparameters import RULES, Rule
from contender.local.warm.launch import CHANNEL_VARIABLE

WIDE = 1000.0
"""A range that spans this factor is searched by orders of magnitude when its scaling is Auto."""

HINT_FACTOR = 5.0
HYPERBAND_FACTOR = 3
MIN_STARTUP, MAX_STARTUP = 3, 10


@dataclass(frozen=True, slots=True)
class Range:
    """One hyperparameter: `mirrored` samples 1 - x, on a logarithmic scale (ReverseLogarithmic)."""

    name: str
    distribution: optuna.distributions.BaseDistribution
    mirrored: bool = False

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a categorical range; a grid has no others."""
        found = self.distribution
        return found.choices if isinstance(found, optuna.distributions.CategoricalDistribution) else ()

    def text(self, value: Any) -> str:
        """The hyperparameter as SageMaker passes it on, always text."""
        return str(1.0 - value if self.mirrored else value)

    def value(self, text: str) -> Any:
        """The inverse of `text`."""
        if isinstance(self.distribution, optuna.distributions.CategoricalDistribution):
            return text
        if isinstance(self.distribution, optuna.distributions.IntDistribution):
            return int(float(text))
        return 1.0 - float(text) if self.mirrored else float(text)


class Study:
    """One search: a training job definition's ranges and objective."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._ranges = ranges_of(asked["ranges"])
        self._strategy = asked["strategy"]
        self._study = optuna.create_study(
            study_name="search",  # Hyperband chooses brackets by it
            direction="maximize" if asked["maximize"] else "minimize",
            sampler=self._sampler(asked),
            pruner=_pruner(asked),
        )
        self._trials: dict[int, optuna.trial.Trial] = {}
        self._grid = _combinations(self._ranges, asked.get("seed")) if self._strategy == "Grid" else None
        for known in asked.get("known", ()):
            self._remember(known["parameters"], known["value"])

    def ask(self) -> dict[str, Any]:
        if self._grid is not None:
            if not self._grid:
                return {"exhausted": True}
            self._study.enqueue_trial(self._grid.pop())
        trial = self._study.ask({each.name: each.distribution for each in self._ranges})
        self._trials[trial.number] = trial
        texts = {each.name: each.text(trial.params[each.name]) for each in self._ranges}
        return {"trial": trial.number, "parameters": texts}

    def report(self, number: int, values: list[tuple[int, float]]) -> bool:
        """Whether the trial is worth stopping after these values of its objective.

        Asked after each: a log is read many lines at a time, and trials are to be compared at the same step.
        """
        trial = self._trials[number]
        for step, value in values:
            trial.report(value, step)
            if trial.should_prune():
                return True
        return False

    def tell(self, number: int, value: float | None, pruned: bool) -> None:
        trial = self._trials.pop(number)
        if pruned:
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif value is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def _sampler(self, asked: Mapping[str, Any]) -> optuna.samplers.BaseSampler:
        seed = asked.get("seed")
        if self._strategy in ("Random", "Grid"):
            return optuna.samplers.RandomSampler(seed=seed)
        startup = min(MAX_STARTUP, max(MIN_STARTUP, asked["trials"] // 4))
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=startup)

    def _remember(self, texts: Mapping[str, str], value: float) -> None:
        """A trial of an earlier tuning job, if it lies within the ranges."""
        try:
            parameters = {each.name: each.value(texts[each.name]) for each in self._ranges}
            distributions = {each.name: each.distribution for each in self._ranges}
            self._study.add_trial(
                optuna.trial.create_trial(params=parameters, distributions=distributions, value=value)
            )
        except (KeyError, ValueError):
            return


def ranges_of(asked: Mapping[str, Any]) -> list[Range]:
    """ParameterRanges of the API as Optuna's distributions."""
    return [
        *(_integer(each) for each in asked.get("IntegerParameterRanges", ())),
        *(_continuous(each) for each in asked.get("ContinuousParameterRanges", ())),
        *(
            Range(each["Name"], optuna.distributions.CategoricalDistribution(tuple(each["Values"])))
            for each in asked.get("CategoricalParameterRanges", ())
        ),
        *(_around(each["Name"], each["ValueHint"]) for each in asked.get("AutoParameters", ())),
    ]


def _integer(asked: Mapping[str, str]) -> Range:
    low, high = int(float(asked["MinValue"])), int(float(asked["MaxValue"]))
    log = low >= 1 and _is_logarithmic(asked, low, high)
    return Range(asked["Name"], optuna.distributions.IntDistribution(low, high, log=log))


def _continuous(asked: Mapping[str, str]) -> Range:
    low, high = float(asked["MinValue"]), float(asked["MaxValue"])
    if asked.get("ScalingType") == "ReverseLogarithmic" and high < 1:
        return Range(asked["Name"], optuna.distributions.FloatDistribution(1 - high, 1 - low, log=True), mirrored=True)
    log = low > 0 and _is_logarithmic(asked, low, high)
    return Range(asked["Name"], optuna.distributions.FloatDistribution(low, high, log=log))


def _is_logarithmic(asked: Mapping[str, str], low: float, high: float) -> bool:
    scaling = asked.get("ScalingType", "Auto")
    return scaling == "Logarithmic" or (scaling == "Auto" and high / low >= WIDE)


def _around(name: str, hint: str) -> Range:
    """A range about the hint of an AutoParameter, within what the built-in algorithm allows."""
    try:
        value = float(hint)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        return Range(name, optuna.distributions.CategoricalDistribution((hint,)))
    rule = RULES.get(name)
    low, high = sorted((value / HINT_FACTOR, value * HINT_FACTOR)) if value else (0.0, 1.0)
    if rule is not None:
        low, high = _within(rule, low), _within(rule, high)
    if rule.kind == "integer" if rule is not None else hint.lstrip("+-").isdigit():
        return Range(name, optuna.distributions.IntDistribution(round(low), max(round(low), round(high))))
    return Range(name, optuna.distributions.FloatDistribution(low, high))


def _within(rule: Rule, value: float) -> float:
    value = value if rule.low is None else max(value, rule.low)
    return value if rule.high is None else min(value, rule.high)


def _combinations(ranges: list[Range], seed: int | None) -> list[dict[str, Any]]:
    """All of a grid, in random order: a search that is cut short has then seen some of everything."""
    names = [each.name for each in ranges]
    found = [dict(zip(names, values, strict=True)) for values in product(*(each.choices for each in ranges))]
    random.Random(seed).shuffle(found)
    return found


def _pruner(asked: Mapping[str, Any]) -> optuna.pruners.BasePruner:
    if asked["strategy"] == "Hyperband":
        limits = asked.get("hyperband", {})
        return optuna.pruners.HyperbandPruner(
            min_resource=limits.get("MinResource", 1),
            max_resource=limits.get("MaxResource", "auto"),
            reduction_factor=HYPERBAND_FACTOR,
        )
    if asked["early_stopping"]:
        return optuna.pruners.MedianPruner(n_startup_trials=MIN_STARTUP)
    return optuna.pruners.NopPruner()


def answer(studies: dict[int, Study], message: Mapping[str, Any]) -> dict[str, Any]:
    if "open" in message:
        studies[message["open"]["study"]] = Study(message["open"])
        return {}
    if "ask" in message:
        return studies[message["ask"]].ask()
    if "report" in message:
        return {"prune": studies[message["report"]].report(message["trial"], message["values"])}
    studies[message["tell"]].tell(message["trial"], message["value"], message["pruned"])
    return {}


def main() -> int:
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies: dict[int, Study] = {}
    with socket.socket(fileno=int(os.environ[CHANNEL_VARIABLE])) as channel, channel.makefile("rw") as lines:
        for line in lines:
            lines.write(json.dumps(answer(studies, json.loads(line))) + "\n")
            lines.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
