"""Plans agree with simulated tests, and with formulas where there are any."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from contender.errors import SettingsError
from contender.experiments.goal import Goal
from contender.experiments.planning import Question, Stopping, fixed_requests, plan, stopping
from contender.experiments.simulation import Problem, Traffic, run, summary
from contender.experiments.strategies import strategy

BINARY = Question(baseline=0.10, effect=0.03, requests_per_day=2400)
REAL = Question(baseline=10.0, effect=0.3, requests_per_day=2400, share=0.3, deviation=3.0)
RUNS = 200


@pytest.mark.parametrize(
    ("question", "goal"),
    [
        (BINARY, Goal(minimum_sample=100)),
        (BINARY, Goal(method="msprt", minimum_sample=100)),
        (Question(0.10, 0.05, 2400, share=0.1), Goal(minimum_sample=50)),
        (REAL, Goal("real")),
    ],
    ids=["confidence_sequence", "msprt", "uneven", "real"],
)
def test_a_plan_foretells_simulated_tests(question: Question, goal: Goal) -> None:
    found = plan(question, goal)
    assert found.p90_days is not None
    assert found.median_days is not None
    traffic = Traffic(int(2.5 * found.p90_days * question.requests_per_day), 100)
    problem = Problem(
        {"v1": question.baseline, "v2": question.baseline + question.effect}, goal.kind, question.deviation
    )
    shares = strategy("Weighted", weights={"v1": 1 - question.share, "v2": question.share})
    runs = [run(problem, traffic, shares, [goal], seed=1, number=number) for number in range(RUNS)]
    seen = summary(problem, traffic, runs, 0)
    assert seen.power is not None
    assert seen.power > 0.98
    assert found.mean_days == pytest.approx(seen.mean_stop / question.requests_per_day, rel=0.10)
    assert found.median_days == pytest.approx(seen.median_stop / question.requests_per_day, rel=0.16)
    assert found.p90_days == pytest.approx(seen.p90_stop / question.requests_per_day, rel=0.2)


def test_a_test_that_is_cut_short_has_the_power_that_simulation_finds() -> None:
    found = plan(BINARY, Goal(minimum_sample=100), days=1.5)
    problem, traffic = Problem({"v1": 0.10, "v2": 0.13}), Traffic(3600, 100)
    runs = [
        run(problem, traffic, strategy("Weighted"), [Goal(minimum_sample=100)], seed=2, number=n) for n in range(600)
    ]
    seen = summary(problem, traffic, runs, 0)
    assert found.power == pytest.approx(seen.power, abs=0.06)
    assert found.mean_days == pytest.approx(seen.mean_stop / 2400, rel=0.05)
    assert found.p90_days is None


def test_an_effect_that_is_called_detectable_is_found_with_the_power_asked_for() -> None:
    found = plan(BINARY, Goal(), days=7)
    assert found.detectable is not None
    there = plan(Question(0.10, found.detectable, 2400), Goal(), days=7)
    assert 0.8 <= there.power <= 0.87


@pytest.mark.parametrize("question", [BINARY, REAL])
def test_equal_variants_are_promoted_less_often_than_half_of_alpha(question: Question) -> None:
    kind = "binary" if question is BINARY else "real"
    assert 0 < plan(question, Goal(kind, minimum_sample=100), days=60).false_promotion <= 0.025


def test_the_fixed_test_is_the_textbooks() -> None:
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    each = z**2 * (0.10 * 0.90 + 0.13 * 0.87) / 0.03**2
    assert fixed_requests(BINARY, Goal()) == pytest.approx(2 * each)
    assert fixed_requests(REAL, Goal("real")) == pytest.approx(z**2 * 9 * (1 / 0.7 + 1 / 0.3) / 0.3**2)


def test_twice_the_traffic_takes_half_the_days() -> None:
    goal = Goal(minimum_sample=100)
    one = plan(BINARY, goal)
    two = plan(Question(0.10, 0.03, 4800, looks_per_day=48), goal)
    assert two.mean_days == pytest.approx(one.mean_days / 2)
    assert two.fixed_days == pytest.approx(one.fixed_days / 2)


def test_smaller_effects_and_smaller_shares_take_longer() -> None:
    goal = Goal()
    usual = plan(BINARY, goal).mean_days
    assert plan(Question(0.10, 0.02, 2400), goal).mean_days > 1.5 * usual
    assert plan(Question(0.10, 0.03, 2400, share=0.1), goal).mean_days > 2 * usual


def test_more_tests_stop_as_time_goes_on_and_never_more_than_all() -> None:
    found = stopping(BINARY, Goal(), 0.03, 50_000)
    assert list(found.by_then) == sorted(found.by_then)
    assert list(found.requests) == sorted(found.requests)
    assert found.by_then[-1] == pytest.approx(1, abs=0.002)


def test_nothing_stops_before_the_sample_is_large_enough() -> None:
    found = stopping(Question(0.10, 0.30, 2400, share=0.2), Goal(minimum_sample=500), 0.30, 50_000)
    assert found.requests[0] >= 2500
    assert found.by_then[0] == pytest.approx(1, abs=1e-3)


def test_quantiles_lie_between_looks_in_proportion() -> None:
    found = Stopping((100.0, 200.0, 300.0), (0.2, 0.6, 0.8))
    assert found.quantile(0.4) == pytest.approx(150)
    assert found.quantile(0.1) == 100
    assert found.quantile(0.9) is None
    assert found.mean() == pytest.approx(0.2 * 100 + 0.4 * 150 + 0.2 * 250 + 0.2 * 300)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"share": 0.0}, "share 0"),
        ({"share": 1.0}, "share 1"),
        ({"effect": 0.0}, "effect 0"),
        ({"requests_per_day": 0.0}, "requests"),
        ({"deviation": 0.0}, "deviation"),
        ({"power": 1.0}, "power"),
        ({"baseline": 0.99}, "no success rates"),
        ({"effect": math.nan}, "effect"),
    ],
)
def test_questions_without_an_answer_are_refused(changes: dict[str, float], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        plan(Question(**{"baseline": 0.1, "effect": 0.03, "requests_per_day": 2400.0, **changes}), Goal())
