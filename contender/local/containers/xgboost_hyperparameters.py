"""Hyperparameters of the built-in XGBoost algorithm: which there are, of what type and in which range, as on AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

Kind = Literal["integer", "number", "choice", "list", "json"]

OBJECTIVES = (
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:absoluteerror",
    "reg:gamma",
    "reg:linear",
    "reg:logistic",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
)


class HyperparameterError(Exception):
    """A hyperparameter the algorithm refuses; the message names it and what it may be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`low` and `high` are inclusive unless `open_low`, `open_high`; None is unbounded."""

    kind: Kind
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()


def _integer(low: float | None = None, high: float | None = None) -> Rule:
    return Rule("integer", low, high)


def _number(
    low: float | None = None, high: float | None = None, *, open_low: bool = False, open_high: bool = False
) -> Rule:
    return Rule("number", low, high, open_low, open_high)


def _choice(*choices: str) -> Rule:
    return Rule("choice", choices=choices)


RULES: dict[str, Rule] = {
    "num_round": _integer(1),
    "csv_weights": _integer(0, 1),
    "early_stopping_rounds": _integer(1),
    "booster": _choice("gbtree", "gblinear", "dart"),
    "verbosity": _integer(0, 3),
    "nthread": _integer(1),
    "eta": _number(0, 1),
    "gamma": _number(0),
    "max_depth": _integer(0),
    "min_child_weight": _number(0),
    "max_delta_step": _number(0),
    "subsample": _number(0, 1, open_low=True),
    "colsample_bytree": _number(0, 1, open_low=True),
    "colsample_bylevel": _number(0, 1, open_low=True),
    "colsample_bynode": _number(0, 1, open_low=True),
    "lambda": _number(0),
    "alpha": _number(0),
    "tree_method": _choice("auto", "exact", "approx", "hist"),
    "sketch_eps": _number(0, 1, open_low=True, open_high=True),
    "scale_pos_weight": _number(0, open_low=True),
    "updater": Rule("list"),
    "dsplit": _choice("row", "col"),
    "refresh_leaf": _integer(0, 1),
    "process_type": _choice("default", "update"),
    "grow_policy": _choice("depthwise", "lossguide"),
    "max_leaves": _integer(0),
    "max_bin": _integer(2),
    "predictor": _choice("auto", "cpu_predictor", "gpu_predictor"),
    "sampling_method": _choice("uniform", "gradient_based"),
    "monotone_constraints": Rule("json"),
    "interaction_constraints": Rule("json"),
    "sample_type": _choice("uniform", "weighted"),
    "normalize_type": _choice("tree", "forest"),
    "rate_drop": _number(0, 1),
    "one_drop": _integer(0, 1),
    "skip_drop": _number(0, 1),
    "lambda_bias": _number(0, 1),
    "tweedie_variance_power": _number(1, 2, open_low=True, open_high=True),
    "huber_slope": _number(0),
    "quantile_alpha": _number(0, 1),
    "objective": _choice(*OBJECTIVES),
    "num_class": _integer(2),
    "base_score": _number(0),
    "eval_metric": Rule("list"),
    "seed": _integer(-(2**31) + 1, 2**31 - 2),
    "num_parallel_tree": _integer(1),
    "save_model_on_termination": _choice("true", "false"),
    "aft_loss_distribution": _choice("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": _number(0, open_low=True),
    "deterministic_histogram": _choice("true", "false"),
    "_tuning_objective_metric": Rule("list"),
}
UNTIL_1_0: dict[str, Rule] = {"silent": _integer(0, 1)}
"""What only the images up to 1.0-1 know."""

ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}


def parse(texts: Mapping[str, str], version: str = "") -> dict[str, Any]:
    """The hyperparameters as values, checked; `version` is the image's, such as 1.0-1.

    Raises:
        HyperparameterError: one that does not exist, cannot be read or is out of range, or a missing one.
    """
    rules = RULES | UNTIL_1_0 if version.startswith(("0.", "1.0-")) else RULES
    known = {ALIASES.get(name, name): text for name, text in texts.items() if not name.startswith("sagemaker_")}
    values = {name: _value(rules, name, text) for name, text in known.items()}
    if "num_round" not in values:
        raise HyperparameterError("Missing hyperparameter: num_round (the number of boosting rounds)")
    if str(values.get("objective", "")).startswith("multi:") and "num_class" not in values:
        raise HyperparameterError(f"Hyperparameter objective: {values['objective']} needs num_class")
    return values


def _value(rules: Mapping[str, Rule], name: str, text: str) -> Any:
    rule = rules.get(name)
    if rule is None:
        near = get_close_matches(name, rules, 1)
        raise HyperparameterError(
            f"Extraneous hyperparameter found: {name}" + (f" (is {near[0]} meant?)" if near else "")
        )
    text = text.strip().strip('"')
    if rule.kind == "choice":
        if text not in rule.choices:
            raise HyperparameterError(f"Hyperparameter {name}: {text!r} is none of {', '.join(rule.choices)}")
        return text
    if rule.kind == "list":
        return [part.strip().strip("'\"") for part in text.strip("[]").split(",") if part.strip()]
    if rule.kind == "json":
        return _json(name, text)
    return _in_range(name, rule, text)


def _json(name: str, text: str) -> Any:
    try:
        return tuple(json.loads(text.replace("(", "[").replace(")", "]")))
    except (ValueError, TypeError) as error:
        raise HyperparameterError(f"Hyperparameter {name}: {text!r} is not a list") from error


def _in_range(name: str, rule: Rule, text: str) -> float:
    wanted = "an integer" if rule.kind == "integer" else "a number"
    try:
        value = float(text)
    except ValueError as error:
        raise HyperparameterError(f"Hyperparameter {name}: {text!r} is not {wanted}") from error
    below = rule.low is not None and (value <= rule.low if rule.open_low else value < rule.low)
    above = rule.high is not None and (value >= rule.high if rule.open_high else value > rule.high)
    if below or above or value != value:
        raise HyperparameterError(f"Hyperparameter {name}: {text} is not in {_interval(rule)}")
    if rule.kind == "number":
        return value
    if value != int(value):
        raise HyperparameterError(f"Hyperparameter {name}: {text!r} is not an integer")
    return int(value)


def _interval(rule: Rule) -> str:
    low = "(" if rule.open_low or rule.low is None else "["
    high = ")" if rule.open_high or rule.high is None else "]"
    bounds = ("-inf" if rule.low is None else f"{rule.low:g}", "inf" if rule.high is None else f"{rule.high:g}")
    return f"{low}{', '.join(bounds)}{high}"
