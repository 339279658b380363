"""Users who come back and earn alike: how alike is measured from a log, and a goal that knows it keeps its alpha."""

from __future__ import annotations

from random import Random

import pytest

from contender.experiments.arms import Arm
from contender.experiments.evidence import Stratum
from contender.experiments.goal import Goal, standing
from contender.experiments.off_policy import Logged, evaluate, fixed
from contender.experiments.planning import Question, plan
from contender.experiments.simulation import Batch, Course, Problem, Traffic, settle

SHARES = {"v1": 0.5, "v2": 0.5}
SESSION = 5


def measured(log: list[Logged]) -> float:
    return evaluate(log, fixed(SHARES), batch=1000).design_effect


def test_independent_requests_have_none() -> None:
    random = Random(1)
    log = [Logged(f"u{n}", f"v{1 + n % 2}", 0.5, SHARES, float(random.random() < 0.1)) for n in range(2000)]
    assert measured(log) == pytest.approx(1, abs=0.01)


def test_requests_that_repeat_each_other_count_once() -> None:
    random = Random(1)
    log = [Logged(f"u{n}", f"v{1 + n % 2}", 0.5, SHARES, float(random.random() < 0.1)) for n in range(2000)]
    assert measured(log * 4) == pytest.approx(4, abs=0.01)


def test_rewards_that_never_vary_have_none() -> None:
    assert measured([Logged("u", "v1", 0.5, SHARES, 1.0)] * 10) == 1


@pytest.mark.parametrize("method", ["confidence_sequence", "msprt"])
def test_a_goal_reads_its_requests_as_so_many_fewer(method: str) -> None:
    strata = [Stratum(SHARES, {"v1": Arm(90_000, 9000, 9000, 9000), "v2": Arm(90_000, 9300, 9300, 9300)})]
    fewer = [Stratum(SHARES, {name: arm.scaled(1 / 3) for name, arm in strata[0].arms.items()})]
    one = standing(Goal(method=method, design_effect=3), strata, "v1", "v2", 0.05)  # type: ignore[arg-type]
    other = standing(Goal(method=method), fewer, "v1", "v2", 0.05)  # type: ignore[arg-type]
    assert (one.interval.lower, one.interval.upper) == pytest.approx((other.interval.lower, other.interval.upper))
    assert one.p_value == pytest.approx(other.p_value)
    assert one.loss == pytest.approx(other.loss)


def test_a_test_of_alike_requests_takes_as_many_times_longer() -> None:
    question = Question(0.10, 0.03, 2400)
    plain, alike = plan(question, Goal(minimum_sample=100)), plan(question, Goal(minimum_sample=100, design_effect=2))
    assert alike.fixed_days == pytest.approx(2 * plain.fixed_days)
    assert 1.5 * plain.mean_days < alike.mean_days < 2.2 * plain.mean_days


def test_a_goal_that_knows_how_alike_requests_are_keeps_its_alpha() -> None:
    ignored = [wrong(number, Goal(minimum_sample=200)) for number in range(200)]
    known = [wrong(number, Goal(minimum_sample=200, design_effect=3.0)) for number in range(200)]
    assert sum(ignored) / 200 > 0.10
    assert sum(known) / 200 <= 0.05


def wrong(number: int, goal: Goal) -> bool:
    """Whether equal variants are told apart, where one user in five buys in most of five requests, the others never."""
    random = Random(f"alike/{number}")
    traffic, batches = Traffic(6000, 200), []
    for _ in range(30):
        arms = {"v1": Arm(), "v2": Arm()}
        for _ in range(200 // SESSION):
            variant, buys = random.choice(("v1", "v2")), random.random() < 0.2
            successes = sum(buys and random.random() < 0.6 for _ in range(SESSION))
            arms[variant] += Arm(SESSION, successes, successes, successes)
        batches.append(Batch({"v1": 0.12, "v2": 0.12}, SHARES, arms))
    course = Course(Problem({"v1": 0.12, "v2": 0.12}), traffic, tuple(batches))
    return settle(course, goal).at is not None
