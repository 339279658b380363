"""Made-up experiments: what must be true of every one, and error rates that a few hundred of them already tell."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean

import pytest

from contender.errors import SettingsError
from contender.experiments.arms import Arm
from contender.experiments.evidence import Stratum, totals
from contender.experiments.goal import Goal
from contender.experiments.simulation import (
    Batch,
    Change,
    Course,
    Problem,
    Run,
    Settlement,
    Traffic,
    play,
    quantile,
    run,
    seeded,
    settle,
    summary,
)
from contender.experiments.strategies import STRATEGIES, strategy

THREE = Problem({"v1": 0.10, "v2": 0.12, "v3": 0.15})
EVEN = strategy("Weighted")


class Recorded:
    """Equal shares, and what it was shown."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def shares(self, arms: dict[str, Arm], kind: str) -> dict[str, float]:
        self.seen.append(sum(arm.n for arm in arms.values()))
        return dict.fromkeys(arms, 1 / len(arms))


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_seed_gives_the_same_experiment_again(name: str) -> None:
    first, second, other = (play(THREE, Traffic(1000, 100), strategy(name), seeded(seed, 3)) for seed in (1, 1, 2))
    assert first == second
    assert first != other


@pytest.mark.parametrize("kind", ["binary", "real"])
def test_every_request_is_answered_once_by_a_variant_with_a_share(kind: str) -> None:
    problem = Problem({"v1": 0.5, "v2": 0.5, "v3": 0.5}, kind)  # type: ignore[arg-type]
    course = play(problem, Traffic(1050, 100), strategy("Weighted", weights={"v1": 0.9, "v2": 0.1}), Random(1))
    assert [batch.requests for batch in course.batches] == [100] * 10 + [50]
    assert all(batch.arms["v3"] == Arm() for batch in course.batches)


def test_rewards_have_the_means_of_the_problem() -> None:
    traffic = Traffic(60_000, 10_000)
    binary = play(THREE, traffic, EVEN, Random(1))
    real = play(Problem({"v1": -3.0, "v2": 5.0}, "real", deviation=2.0), traffic, EVEN, Random(1))
    arms = _sums(binary)
    assert [arm.rate for arm in arms.values()] == pytest.approx([0.10, 0.12, 0.15], abs=0.01)
    first, second = _sums(real).values()
    assert (first.mean, second.mean) == pytest.approx((-3.0, 5.0), abs=0.05)
    assert math.sqrt(first.variance) == pytest.approx(2.0, rel=0.02)


def test_a_strategy_sees_only_rewards_that_have_arrived() -> None:
    prompt, late, forgetful = Recorded(), Recorded(), Recorded()
    play(THREE, Traffic(500, 100), prompt, Random(1))
    play(THREE, Traffic(500, 100, delay=2), late, Random(1))
    play(THREE, Traffic(500, 100), forgetful, Random(1), gamma=0.5)
    assert prompt.seen == [0, 100, 200, 300, 400]
    assert late.seen == [0, 0, 0, 100, 200]
    assert forgetful.seen == pytest.approx([0, 100, 150, 175, 187.5])


def test_regret_is_what_the_best_variant_would_have_earned_more() -> None:
    course = play(THREE, Traffic(1000, 100), EVEN, Random(1))
    arms = _sums(course)
    regret = sum(batch.regret for batch in course.batches)
    assert regret == pytest.approx(arms["v1"].n * 0.05 + arms["v2"].n * 0.03)


def test_means_change_and_grow_when_the_problem_says_so() -> None:
    problem = Problem({"a": 0.1, "b": 0.2}, trend=0.5, changes=(Change(100, {"a": 0.4, "b": 0.2}),))
    assert problem.means_at(0, 200) == {"a": 0.1, "b": 0.2}
    assert problem.means_at(99, 200)["a"] == pytest.approx(0.1 * (1 + 0.5 * 99 / 200))
    assert problem.means_at(100, 200) == pytest.approx({"a": 0.5, "b": 0.25})


def test_a_better_challenger_is_promoted_and_a_worse_one_rolled_back() -> None:
    traffic, goal = Traffic(20_000, 200), Goal()
    better = run(Problem({"v1": 0.1, "v2": 0.2}), traffic, EVEN, [goal], seed=1, number=0).settlements[0]
    worse = run(Problem({"v1": 0.2, "v2": 0.1}), traffic, EVEN, [goal], seed=1, number=0).settlements[0]
    assert (better.promoted, better.rolled_back) == ("v2", ())
    assert (worse.promoted, worse.rolled_back) == (None, ("v2",))
    assert better.at is not None
    assert 1000 <= better.at < 20_000


def test_late_rewards_make_the_same_verdict_later() -> None:
    problem, goal = Problem({"v1": 0.1, "v2": 0.2}), Goal()
    course = play(problem, Traffic(20_000, 200), EVEN, seeded(1, 1))
    late = Course(problem, Traffic(20_000, 200, delay=7), course.batches)
    one, other = settle(course, goal), settle(late, goal)
    assert one.at is not None
    assert (other.promoted, other.at) == (one.promoted, one.at + 7 * 200)


def test_a_challenger_whose_difference_does_not_matter_is_settled_as_alike() -> None:
    settlement = run(
        Problem({"v1": 0.1, "v2": 0.1}), Traffic(60_000, 2000), EVEN, [Goal(minimum_effect=0.05)], seed=1, number=0
    ).settlements[0]
    assert settlement.alike == ("v2",)


def test_methods_are_asked_of_the_same_customers() -> None:
    goals = [Goal(), Goal(method="msprt"), Goal(method="expected_loss")]
    together = run(THREE, Traffic(5000, 100), EVEN, goals, seed=1, number=0)
    alone = [run(THREE, Traffic(5000, 100), EVEN, [goal], seed=1, number=0).settlements[0] for goal in goals]
    assert list(together.settlements) == alone


@pytest.mark.parametrize("method", ["confidence_sequence", "msprt"])
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_equal_variants_are_seldom_decided_however_often_one_looks(kind: str, method: str) -> None:
    problem = Problem({"v1": 0.3, "v2": 0.3}, kind)  # type: ignore[arg-type]
    goal = Goal(kind=kind, method=method, minimum_sample=100)  # type: ignore[arg-type]
    runs = [run(problem, Traffic(4000, 100), EVEN, [goal], seed=1, number=number) for number in range(300)]
    assert fmean(each.settlements[0].at is not None for each in runs) <= 0.05


def test_moving_shares_and_drifting_rates_decide_nothing_by_themselves() -> None:
    problem, traffic = Problem({"v1": 0.2, "v2": 0.2}, trend=1.5), Traffic(6000, 300)
    tides = Tides()
    runs = [run(problem, traffic, tides, [Goal(minimum_sample=100)], seed=1, number=n) for n in range(150)]
    assert fmean(each.settlements[0].at is not None for each in runs) <= 0.05


class Tides:
    """Shares that move to the challenger while rates grow: over all time it looks better."""

    def shares(self, arms: dict[str, Arm], kind: str) -> dict[str, float]:
        part = 0.1 + 0.8 * min(sum(arm.n for arm in arms.values()) / 6000, 1)
        return {"v1": 1 - part, "v2": part}


def test_a_summary_counts_what_was_settled() -> None:
    def of(settlement: Settlement, regret: float) -> Run:
        return Run((regret,), (10.0,), (), (settlement,))

    runs = [
        of(Settlement("v3", (), (), 400), 1.0),
        of(Settlement("v2", ("v3",), (), 600), 2.0),
        of(Settlement(None, ("v2", "v3"), (), 800), 3.0),
        of(Settlement(None, ("v2",), (), None), 6.0),
    ]
    found = summary(Problem({"v1": 0.1, "v2": 0.1, "v3": 0.2}), Traffic(1000, 100), runs, 0)
    assert (found.regret, found.reward, found.runs) == (3.0, 10.0, 4)
    assert (found.promoted, found.rolled_back, found.unsettled) == (0.5, 0.25, 0.25)
    assert (found.false_promotion, found.power) == (0.25, 0.25)
    assert (found.mean_stop, found.median_stop, found.p90_stop) == (700, 600, 1000)


def test_there_is_no_power_where_no_challenger_is_better() -> None:
    runs = [Run((0.0,), (0.0,), (), (Settlement(None, (), (), None),))]
    assert summary(Problem({"v1": 0.2, "v2": 0.1}), Traffic(100, 100), runs, 0).power is None


def test_quantiles_are_values_that_were_seen() -> None:
    assert [quantile([1.0, 2.0, 3.0, 4.0], q) for q in (0.0, 0.25, 0.5, 0.51, 1.0)] == [1.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (lambda: Problem({"v1": 0.1}), "two or more"),
        (lambda: Problem({"v1": 0.1, "v2": 1.2}), "no success rates"),
        (lambda: Problem({"v1": 0.6, "v2": 0.5}, trend=1.0), "no success rates"),
        (lambda: Problem({"v1": 0.1, "v2": 0.1}, changes=(Change(5, {"v1": 0.1}),)), "two or more"),
        (lambda: Problem({"v1": 0.1, "v2": 0.1}, "real", deviation=0.0), "would not vary"),
        (lambda: Traffic(10, 20), "cannot be"),
        (lambda: Traffic(10, 0), "cannot be"),
        (lambda: Traffic(10, 5, -1), "cannot be"),
    ],
)
def test_what_cannot_be_is_said(problem: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        problem()  # type: ignore[operator]


def test_a_course_shows_what_was_true() -> None:
    batch = Batch({"a": 0.1, "b": 0.3}, {"a": 0.5, "b": 0.5}, {"a": Arm(10, 1, 1.0, 1.0), "b": Arm(20, 6, 6.0, 6.0)})
    assert (batch.requests, batch.reward, batch.regret) == (30, 7.0, pytest.approx(2.0))


def _sums(course: Course) -> dict[str, Arm]:
    return totals(Stratum(batch.shares, batch.arms) for batch in course.batches)
