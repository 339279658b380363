"""The sample-ratio test: exact where the shares stay, true to shares that move, and quick to see a loss of users."""

from __future__ import annotations

import math
from random import Random

import pytest

from contender.experiments.evidence import Users
from contender.experiments.sample_ratio import CONCENTRATION, sample_ratio
from tests.experiments.counting import binomial

ALPHA = 0.05


def two(share: float, random: Random, n: int, lost: float = 0.0) -> Users:
    """n users, of whom the challenger loses a part."""
    mine = binomial(random, n, share)
    return Users({"v1": 1 - share, "v2": share}, {"v1": n - mine, "v2": mine - binomial(random, mine, lost)})


def test_with_shares_that_stay_it_is_the_papers_bayes_factor() -> None:
    shares, counts = {"v1": 0.9, "v2": 0.1}, {"v1": 870, "v2": 150}
    alphas = {name: CONCENTRATION * share for name, share in shares.items()}
    log_factor = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + 1020)
    for name, count in counts.items():
        log_factor += math.lgamma(alphas[name] + count) - math.lgamma(alphas[name]) - count * math.log(shares[name])
    assert sample_ratio([Users(shares, counts)]).p_value == pytest.approx(math.exp(-log_factor))
    parts = [
        Users(shares, {"v1": 500, "v2": 60}),
        Users(shares, {"v1": 300, "v2": 80}),
        Users(shares, {"v1": 70, "v2": 10}),
    ]
    assert sample_ratio(parts).p_value == pytest.approx(math.exp(-log_factor))


def test_relabelling_and_rescaling_change_nothing() -> None:
    batches = [Users({"v1": 0.7, "v2": 0.3}, {"v1": 60, "v2": 40}), Users({"v1": 0.5, "v2": 0.5}, {"v1": 40, "v2": 60})]
    turned = [Users({"v2": 30.0, "v1": 70.0}, {"v2": 40, "v1": 60}), Users({"v2": 5, "v1": 5}, {"v2": 60, "v1": 40})]
    one, other = sample_ratio(batches), sample_ratio(turned)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.expected == pytest.approx({"v1": 120, "v2": 80})
    assert one.observed == {"v1": 100, "v2": 100}


def test_no_users_are_no_alarm() -> None:
    for batches in ([], [Users({}, {})], [Users({"v1": 1.0}, {"v1": 0})], [Users({"v1": 1.0}, {"v1": 5000})]):
        assert sample_ratio(batches).p_value == 1


def test_users_of_a_variant_without_a_share_are_an_alarm() -> None:
    assert sample_ratio([Users({"v1": 1.0, "v2": 0.0}, {"v1": 100, "v2": 1})]).alarm(1e-9)


def moving(seed: int, lost: float) -> int | None:
    """The look at which the alarm is raised, of 60, while shares follow chance as a strategy's would."""
    random, share, batches = Random(seed), 0.1, list[Users]()
    for look in range(60):
        batches.append(two(share, random, 80, lost))
        if sample_ratio(batches).alarm(ALPHA):
            return look
        share = min(max(share + random.uniform(-0.1, 0.12), 0.02), 0.98)
    return None


def test_shares_that_move_raise_no_more_false_alarms_than_asked_for() -> None:
    assert sum(moving(seed, 0.0) is not None for seed in range(200)) <= 200 * ALPHA


def test_a_variant_that_loses_a_fifth_of_its_users_is_seen() -> None:
    looks = [moving(seed, 0.2) for seed in range(20)]
    assert sum(look is not None for look in looks) >= 18
