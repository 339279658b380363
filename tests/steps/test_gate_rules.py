"""The gate's rules: each figure against its limit, in words, and the bias figures behind one of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contender.local.containers.clarify.columns import select, typed
from tests.steps.chain import load

rules = load("evaluate/rules.py")
bias = load("evaluate/bias.py")


def difference(auc: float, lower: float) -> dict[str, float]:
    return {"auc": auc, "lower": lower, "confidence": 0.95}


def loss(auc: float, lower: float, rows: int = 750) -> dict[str, Any]:
    rule: dict[str, Any] = rules.possible_loss(difference(auc, lower), 0.02, "champion v3", 0.97, rows)
    return rule


def test_a_challenger_that_can_only_have_lost_little_passes() -> None:
    rule = loss(-0.001, -0.006)
    assert (rule["verdict"], rule["figure"], rule["limit"]) == ("passed", 0.006, 0.02)
    assert rule["sentence"] == (
        "AUC 0.9690, 0.0010 below champion v3's 0.9700, and 95 % sure to be at most 0.0060 below, "
        "within the 0.02 allowed (gates.margin)"
    )


def test_a_challenger_that_is_surely_better_is_told_so() -> None:
    assert "95 % sure to be not below (gates.margin)" in loss(0.02, 0.001)["sentence"]


def test_a_challenger_that_may_have_lost_exactly_the_margin_does_not_pass() -> None:
    assert loss(-0.01, -0.02)["verdict"] == "not shown"


def test_a_challenger_that_lost_more_than_the_margin_fails() -> None:
    rule = loss(-0.03, -0.04)
    assert rule["verdict"] == "failed"
    assert "0.0300 below champion v3's 0.9700, 0.0100 more than the 0.02 allowed" in rule["sentence"]


def test_holds_when_the_sample_is_thin_and_says_how_many_rows_would_do() -> None:
    rule = loss(0.0, -0.04, rows=100)
    assert rule["verdict"] == "not shown"
    needed = math.ceil(100 * (0.04 / 0.02 * (1 + 1.2816 / 1.6449)) ** 2)
    assert f"100 held-out rows are too few: of an equally good challenger about {needed} would" in rule["sentence"]


def test_does_not_blame_the_sample_where_it_would_show_an_equal_challenger() -> None:
    rule = loss(-0.018, -0.022)
    assert rule["verdict"] == "not shown"
    assert "this one is probably worse" in rule["sentence"]


def test_a_refusal_names_every_broken_rule_and_only_those() -> None:
    judged = {"auc": rules.floor(0.7, 0.75), "possible_loss": loss(0.0, 0.0), "size_mb": rules.size(12.0, 10.0)}
    verdict = rules.verdict(judged)
    assert verdict["passed"] is False
    assert verdict["reason"] == (
        "Refused: AUC 0.7000 is 0.0500 below the floor of 0.75 (gates.min_auc); "
        "the artifact has 12 MB, 2 MB more than the 10 allowed (gates.max_size_mb)"
    )


@pytest.mark.parametrize(
    ("metric", "value", "figure", "verdict"),
    [
        ("DPPL", -0.15, 0.15, "passed"),
        ("DPPL", 0.25, 0.25, "failed"),
        ("DI", 0.8, 0.2, "passed"),
        ("DI", 1.6, 0.375, "failed"),
        ("DI", 0.0, 1.0, "failed"),
        ("DI", math.inf, 1.0, "failed"),
        ("RD", math.nan, 1.0, "not shown"),
    ],
)
def test_bias_is_judged_by_its_distance_from_none_either_way(
    metric: str, value: float, figure: float, verdict: str
) -> None:
    rule = rules.bias(metric, value, 0.2, "Plan = yes")
    assert rule["figure"] == pytest.approx(figure)
    assert rule["verdict"] == verdict


LABELS = np.array([1, 1, 0, 0, 1, 1, 0, 0], dtype=float)
YES = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
GROUP = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=bool)


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [("DPPL", 3 / 4 - 1 / 4), ("DI", (1 / 4) / (3 / 4)), ("AD", 3 / 4 - 3 / 4), ("RD", 2 / 2 - 1 / 2)],
)
def test_bias_metrics_agree_with_figures_worked_by_hand(metric: str, by_hand: float) -> None:
    assert bias.measure(metric, LABELS, YES, GROUP) == pytest.approx(by_hand)


def test_a_rate_over_no_rows_is_no_number() -> None:
    nobody = np.zeros(8, dtype=bool)
    assert math.isnan(bias.measure("DPPL", LABELS, YES, nobody))
    assert math.isnan(bias.measure("DI", LABELS, nobody, GROUP))
    assert bias.measure("DI", LABELS, YES & GROUP, GROUP) == math.inf


@pytest.mark.parametrize(
    ("column", "values", "inside"),
    [
        (["yes", "no", "yes"], ["yes"], [True, False, True]),
        (["a", "b", "c"], ["a", "c"], [True, False, True]),
        (["1", "0", "01"], ["1"], [True, False, True]),
        (["1", "0", "1.0"], ["1", "2"], [True, False, True]),
        (["20", "40.5", "60"], ["40"], [False, True, True]),
        (["20", "40", "60"], ["40"], [False, False, True]),
        (["20", "NA", "60", "70"], ["40"], [False, False, True, True]),
        (["1", "", "0", "1"], ["1"], [True, False, False, True]),
        (["low", "", "60"], ["60"], [False, False, True]),
    ],
)
def test_the_gate_takes_the_group_that_clarify_takes(column: list[str], values: list[str], inside: list[bool]) -> None:
    assert bias.in_group(column, values).tolist() == inside


def test_the_gate_and_clarify_agree_on_any_column_of_numbers() -> None:
    random = Random(1)
    kinds: list[Callable[[], str]] = [
        lambda: str(random.randrange(60)),
        lambda: str(random.randrange(50) / 2),
        lambda: str(random.randrange(2)),
        lambda: random.choice(["", "1", "2", "3"]),
        lambda: random.choice(["", "0.5", str(random.randrange(60))]),
    ]
    for kind in kinds * 60:
        column = [kind() for _ in range(random.choice([3, 30, 90]))] + ["1"]
        values = [str(random.randrange(40)) for _ in range(random.choice([1, 1, 2]))]
        clarify = select(typed(pd.Series(column)), values).rows
        assert bias.in_group(column, values).tolist() == clarify.tolist(), (column, values)
