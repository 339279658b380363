"""Shares by what the arms earn, beside the rules of rollouts."""

from __future__ import annotations

import pytest

from contender.errors import SettingsError
from contender.experiments.verdict import Goal
from contender.rollout.observation import Verb
from contender.rollout.spec import Spec, Step, StrategySpec
from contender.rollout.state import Phase
from tests.rollout.dimension import Dimension, a_spec, ramping

UNDECIDED = Goal(minimum_sample=10**9)
STEPS = (Step(0.1, 1e9),)


def bandit(name: str = "Thompson", **options: float) -> Spec:
    strategy = StrategySpec(name, **{"floor": 0.02, "warm_up": 100} | options)  # type: ignore[arg-type]
    return a_spec(strategy=strategy, goal=UNDECIDED, steps=STEPS, bucket_s=600.0, max_challengers=2)


@pytest.mark.parametrize("name", ["EpsilonGreedy", "UCB1", "Thompson", "TopTwoThompson"])
def test_shares_follow_what_the_arms_earn(name: str) -> None:
    dimension = ramping(bandit(name))
    dimension.conversions = {1: 0.1, 2: 0.4}
    dimension.ticks(40, requests=2_000)
    assert dimension.state.shares[2] > 0.4
    assert sum(dimension.state.shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert min(dimension.state.shares.values()) >= 0.02 - 1e-6


def test_a_new_challenger_has_the_first_steps_share_until_it_is_warm() -> None:
    dimension = ramping(bandit(warm_up=1_000))
    dimension.conversions = {1: 0.1, 2: 0.9}
    dimension.ticks(9, requests=1_000)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    dimension.ticks(20, requests=1_000)
    assert dimension.state.shares[2] > 0.9


def test_shares_move_once_a_bucket_and_only_noticeably() -> None:
    dimension = ramping(bandit())
    dimension.conversions = {1: 0.11, 2: 0.1}
    dimension.ticks(60, requests=200)
    moves = dimension.said.count("shares")
    assert 1 <= moves <= 6
    dimension.conversions = {1: 0.5, 2: 0.1}
    dimension.ticks(60, requests=20_000)
    settled = len(dimension.entries)
    dimension.ticks(60, requests=20_000)
    assert len(dimension.entries) == settled, "nothing is left to be moved"


def test_a_pause_and_a_question_keep_the_shares() -> None:
    dimension = ramping(bandit())
    dimension.ask(Verb.PAUSE)
    dimension.conversions = {1: 0.1, 2: 0.9}
    dimension.ticks(40, requests=2_000)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}


def test_a_winner_is_promoted_whatever_share_its_strategy_gave_it() -> None:
    dimension = ramping(a_spec(strategy=StrategySpec("Thompson"), goal=Goal(), steps=STEPS, bucket_s=600.0))
    dimension.conversions = {1: 0.1, 2: 0.3}
    dimension.ticks(30, requests=2_000)
    assert dimension.phase() in (Phase.BAKING, Phase.PROMOTED)


def test_the_second_challenger_starts_small_beside_the_first() -> None:
    dimension = ramping(bandit())
    dimension.conversions = {1: 0.1, 2: 0.4, 3: 0.1}
    dimension.ticks(40, requests=2_000)
    dimension.versions.append(3)
    dimension.ticks(2)
    assert dimension.state.shares[3] == pytest.approx(0.1, abs=1e-6)
    assert dimension.state.shares[2] > 0.7


@pytest.mark.parametrize(("discount", "back"), [(1.0, False), (0.8, True)])
def test_a_strategy_that_forgets_follows_when_the_better_one_becomes_the_worse(discount: float, back: bool) -> None:
    dimension = ramping(bandit(discount=discount))
    dimension.conversions = {1: 0.1, 2: 0.4}
    dimension.ticks(100, requests=500)
    assert dimension.state.shares[2] > 0.9
    dimension.conversions = {1: 0.4, 2: 0.1}
    dimension.ticks(40, requests=500)
    assert (dimension.state.shares[1] > 0.9) is back


def test_a_strategy_needs_a_goal() -> None:
    with pytest.raises(SettingsError, match="strategy Thompson needs a goal"):
        a_spec(strategy=StrategySpec("Thompson"))


@pytest.mark.parametrize("name", ["EpsilonGreedy", "Thompson"])
def test_what_two_challengers_earn_alone_decides_between_them(name: str) -> None:
    """Relabelled: the one that earns what the other did gets what the other got."""
    shares = []
    for rates in ({1: 0.1, 2: 0.3, 3: 0.1}, {1: 0.1, 2: 0.1, 3: 0.3}):
        dimension = Dimension(bandit(name), versions=[1, 2, 3], conversions=rates)
        dimension.ticks(60, requests=3_000)
        shares.append(dimension.state.shares)
    assert shares[0][2] == pytest.approx(shares[1][3], abs=0.02)
    assert shares[0][3] == pytest.approx(shares[1][2], abs=0.02)
