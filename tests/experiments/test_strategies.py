"""Strategies: shares that sum to 1 whatever was counted, that follow the arms and not their names."""

from __future__ import annotations

from random import Random

import pytest

from contender.experiments.arms import Arm, Kind
from contender.experiments.forgetting import discounted
from contender.experiments.posterior import chances
from contender.experiments.strategies import STRATEGIES, TopTwoThompson, strategy
from tests.experiments.counting import binary

KINDS: tuple[Kind, ...] = ("binary", "real")
LEARNERS = sorted(STRATEGIES.keys() - {"Weighted", "TopTwoThompson"})
"""TopTwoThompson at its surest divides evenly, between the best arm and its rival."""


def odd_arms(random: Random) -> dict[str, Arm]:
    """Arms as they may come: new ones, several rewards a request, negative rewards, discounted counts."""
    arms = {}
    for name in ("v1", "v2", "v3", "v4")[: random.randint(1, 4)]:
        n = random.choice([0, 0, 1, 2, 10, 1000, 10**7, 3.7])
        total = random.choice([0.0, -2.5, 1.0, n / 10, 2.0 * n])
        arms[name] = Arm(n, random.choice([0, n, n // 7, 2 * n + 1]), total, total * total + n, 0)
    return arms


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_shares_sum_to_one_whatever_was_counted(name: str, kind: Kind) -> None:
    random = Random(1)
    for _ in range(60):
        arms = odd_arms(random)
        floor = random.choice([0.0, 0.01, 0.2, 0.9])
        shares = strategy(name, floor=floor, warm_up=random.choice([0, 5])).shares(arms, kind)
        assert shares.keys() == arms.keys()
        assert sum(shares.values()) == pytest.approx(1)
        assert all(0 <= share <= 1 + 1e-12 for share in shares.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_relabelling_arms_permutes_shares(name: str, kind: Kind) -> None:
    random = Random(2)
    for _ in range(20):
        arms = odd_arms(random)
        names = list(arms)
        random.shuffle(names)
        made = strategy(name, floor=0.02)
        renamed = made.shares({f"x{other}": arms[other] for other in names}, kind)
        assert {other.removeprefix("x"): share for other, share in renamed.items()} == pytest.approx(
            made.shares(arms, kind), abs=1e-9
        )


@pytest.mark.parametrize("name", LEARNERS)
def test_the_better_arm_gets_more(name: str) -> None:
    shares = strategy(name).shares({"v1": binary(2000, 200), "v2": binary(2000, 300)}, "binary")
    assert shares["v2"] > 0.5 > shares["v1"]


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_arm_keeps_the_floor(name: str) -> None:
    arms = {"v1": binary(2000, 20), "v2": binary(2000, 900), "v3": binary(2000, 10)}
    shares = strategy(name, floor=0.05).shares(arms, "binary")
    assert min(shares.values()) >= 0.05 - 1e-12


def test_weights_are_taken_in_proportion() -> None:
    arms = {"v1": binary(5, 1), "v2": Arm(), "v3": Arm()}
    assert strategy("Weighted", weights={"v1": 3, "v2": 1}).shares(arms, "binary") == {"v1": 0.75, "v2": 0.25, "v3": 0}
    assert strategy("Weighted").shares(arms, "binary") == pytest.approx(dict.fromkeys(arms, 1 / 3))


def test_epsilon_is_for_all_alike_and_ties_are_shared() -> None:
    arms = {"v1": binary(100, 10), "v2": binary(10, 1), "v3": binary(100, 2)}
    shares = strategy("EpsilonGreedy", epsilon=0.3).shares(arms, "binary")
    assert shares == pytest.approx({"v1": 0.45, "v2": 0.45, "v3": 0.1})


def test_ucb_asks_unknown_arms_first_and_spreads_the_batch() -> None:
    assert strategy("UCB1", batch=1).shares({"v1": binary(100, 50), "v2": Arm()}, "binary") == {"v1": 0, "v2": 1}
    shares = strategy("UCB1", batch=100).shares({"v1": binary(100, 10), "v2": binary(100, 10)}, "binary")
    assert shares == pytest.approx({"v1": 0.5, "v2": 0.5})


def test_unsharpened_thompson_matches_the_chance_to_be_best() -> None:
    arms = {"v1": binary(500, 50), "v2": binary(500, 60), "v3": binary(100, 12)}
    assert strategy("Thompson", sharpness=1.0).shares(arms, "binary") == pytest.approx(chances(arms, "binary"))


def test_top_two_gives_the_rivals_what_one_minus_leader_leaves() -> None:
    arms = {"v1": binary(500, 50), "v2": binary(500, 90)}
    best = chances(arms, "binary")
    assert TopTwoThompson(leader=1.0).shares(arms, "binary") == pytest.approx(best)
    assert TopTwoThompson(leader=0.0).shares(arms, "binary") == pytest.approx({"v1": best["v2"], "v2": best["v1"]})
    certain = {"v1": binary(10**6, 10), "v2": binary(10**6, 10**5), "v3": binary(10**6, 10)}
    assert TopTwoThompson().shares(certain, "binary") == pytest.approx({"v1": 0.25, "v2": 0.5, "v3": 0.25})


def test_arms_share_alike_until_each_is_warm() -> None:
    warming = strategy("Thompson", warm_up=100)
    cold = {"v1": binary(99, 0), "v2": binary(50, 50)}
    assert warming.shares(cold, "binary") == {"v1": 0.5, "v2": 0.5}


def test_a_late_arm_warms_up_beside_those_that_are_warm() -> None:
    arms = {"v1": binary(5000, 500), "v2": binary(5000, 900), "v3": binary(3, 3)}
    shares = strategy("Thompson", warm_up=100, warm_up_shares={"v3": 0.1}).shares(arms, "binary")
    assert shares["v3"] == pytest.approx(0.1)
    assert shares["v2"] == pytest.approx(0.9, abs=1e-3)


def test_a_first_small_share_leaves_the_cold_champion_the_rest() -> None:
    made = strategy("Thompson", warm_up=100, warm_up_shares={"v2": 0.1})
    assert made.shares({"v1": Arm(), "v2": Arm()}, "binary") == pytest.approx({"v1": 0.9, "v2": 0.1})


def test_warm_arms_keep_their_floor_beside_many_that_warm_up() -> None:
    arms = {"v1": binary(5000, 500)} | {f"v{i}": Arm() for i in range(2, 6)}
    shares = strategy("Thompson", floor=0.05, warm_up=10, warm_up_shares=dict.fromkeys(arms, 0.5)).shares(
        arms, "binary"
    )
    assert shares["v1"] >= 0.05 - 1e-12
    assert sum(shares.values()) == pytest.approx(1)


def test_an_unknown_strategy_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Thomson.*Thompson"):
        strategy("Thomson")


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_shares_of_no_arms_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no arms"):
        strategy(name).shares({}, "binary")


def test_discounting_counts_the_past_less_and_nothing_twice() -> None:
    history = [{"v1": binary(100, 10)}, {"v1": binary(100, 50), "v2": binary(10, 1)}]
    assert discounted(history, 0.5) == {"v1": binary(150, 55), "v2": binary(10, 1)}
    assert discounted(history, 1.0) == {"v1": binary(200, 60), "v2": binary(10, 1)}
    assert discounted([], 0.9) == {}


def regret_after_a_change(gamma: float) -> float:
    """Of 4,000 requests in batches of 100; the arms change places in the middle."""
    random, history, regret = Random(7), [], 0.0
    made = strategy("Thompson")
    for batch in range(40):
        rates = {"v1": 0.6, "v2": 0.3} if batch < 20 else {"v1": 0.3, "v2": 0.6}
        known = dict.fromkeys(rates, Arm()) | discounted(history, gamma)
        arms = {}
        for name, share in made.shares(known, "binary").items():
            n = round(100 * share)
            arms[name] = binary(n, sum(random.random() < rates[name] for _ in range(n)))
            regret += n * (0.6 - rates[name])
        history.append(arms)
    return regret


def test_discounting_helps_where_rewards_change() -> None:
    assert regret_after_a_change(0.8) < regret_after_a_change(1.0) / 2
