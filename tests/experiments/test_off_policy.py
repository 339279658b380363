"""What other shares would have earned: unbiased on seeded logs, and errors that cover the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from statistics import fmean, stdev

import pytest

from contender.errors import DataError
from contender.experiments.arms import Arm
from contender.experiments.assignment import assign
from contender.experiments.off_policy import Evaluation, Logged, evaluate, fixed

RATES = {"v1": 0.10, "v2": 0.20, "v3": 0.15}
OTHER = {"v1": 0.2, "v2": 0.7, "v3": 0.1}
BASE, TREND = 1.0, 1.0
"""Rates double over a log, while the shares move away from the champion."""


def drifting_log(seed: int, users: int = 400, requests_each: int = 1) -> list[Logged]:
    """Users in random order, each on the variant that the hash gives; rates and shares both move with time."""
    random = Random(seed)
    order = [str(user) for user in range(users) for _ in range(requests_each)]
    random.shuffle(order)
    moods = {str(user): random.choice((0.5, 1.5)) for user in range(users)}
    log = []
    for place, user in enumerate(order):
        progress = place / len(order)
        champion = 0.8 if progress < 0.5 else 0.4
        shares = {"v1": champion, "v2": (1 - champion) / 2, "v3": (1 - champion) / 2}
        variant, propensity = _assigned(f"experiment-{seed}", user, shares)
        rate = RATES[variant] * moods[user] * (BASE + TREND * progress)
        log.append(Logged(user, variant, propensity, shares, float(random.random() < rate)))
    return log


def _assigned(experiment: str, user: str, shares: Mapping[str, float]) -> tuple[str, float]:
    assignment = assign(experiment, user, shares)
    return assignment.variant, assignment.propensity


def truth(shares: Mapping[str, float]) -> float:
    return sum(share * RATES[variant] for variant, share in shares.items()) * (BASE + TREND / 2)


def value(evaluation: Evaluation, estimator: str) -> float:
    return next(each.value for each in evaluation.estimates if each.estimator == estimator)


def test_every_estimate_is_unbiased_though_rates_and_shares_drift() -> None:
    found = [evaluate(drifting_log(seed), fixed(OTHER), batch=50) for seed in range(200)]
    for estimator in ("ips", "snips", "dr"):
        values = [value(each, estimator) for each in found]
        assert abs(fmean(values) - truth(OTHER)) < 3 * stdev(values) / math.sqrt(len(values))


def test_comparing_plain_means_instead_would_be_biased() -> None:
    """What the weights are for: the challengers' requests came late, when every rate was higher."""
    plain = []
    for seed in range(100):
        log = drifting_log(seed)
        means = {v: fmean([each.reward for each in log if each.variant == v]) for v in RATES}
        plain.append(sum(share * means[variant] for variant, share in OTHER.items()))
    assert fmean(plain) - truth(OTHER) > 5 * stdev(plain) / math.sqrt(len(plain))


@pytest.mark.parametrize("requests_each", [1, 6])
def test_intervals_cover_the_truth_however_many_requests_a_user_makes(requests_each: int) -> None:
    seeds = range(200)
    logs = [drifting_log(seed, users=200, requests_each=requests_each) for seed in seeds]
    found = [evaluate(log, fixed(OTHER), batch=100).estimates for log in logs]
    for place in range(3):
        covered = sum(each[place].lower <= truth(OTHER) <= each[place].upper for each in found)
        assert 0.90 <= covered / len(seeds) <= 0.99


def test_the_doubly_robust_estimate_is_the_most_precise_where_rewards_hardly_vary() -> None:
    random = Random(1)
    log = []
    for user in range(2000):
        variant, propensity = _assigned("precise", str(user), {"v1": 0.5, "v2": 0.5})
        log.append(Logged(str(user), variant, propensity, {"v1": 0.5, "v2": 0.5}, random.gauss(10, 0.1)))
    ips, snips, dr = evaluate(log, fixed({"v1": 0.1, "v2": 0.9}), batch=100).estimates
    assert dr.error < ips.error / 5
    assert snips.error < ips.error


def test_the_logs_own_shares_give_the_logs_own_mean() -> None:
    log = [each for each in drifting_log(1) if each.shares["v1"] == 0.8]
    found = evaluate(log, fixed({"v1": 0.8, "v2": 0.1, "v3": 0.1}), batch=1000)
    assert [each.value for each in found.estimates[:2]] == pytest.approx([found.logged.value] * 2)
    assert found.effective == pytest.approx(len(log))
    assert found.mean_weight == pytest.approx(1)


def test_a_strategy_is_asked_with_what_the_log_had_shown_until_then() -> None:
    seen: list[float] = []

    def target(arms: Mapping[str, Arm]) -> dict[str, float]:
        seen.append(sum(arm.n for arm in arms.values()))
        return dict.fromkeys(arms, 1 / len(arms))

    evaluate(drifting_log(1), target, batch=100)
    assert seen == [0, 100, 200, 300]


def test_times_without_a_wanted_variant_are_left_out_and_counted() -> None:
    before = [Logged(f"early-{user}", "v1", 1.0, {"v1": 1.0}, 1.0) for user in range(30)]
    found = evaluate([*before, *drifting_log(1)], fixed(OTHER), batch=100)
    assert found.left_out == 30
    assert found.requests == 400


def test_only_users_count_towards_the_standard_error() -> None:
    once = [Logged(str(user), "v1", 0.5, {"v1": 0.5, "v2": 0.5}, user % 2) for user in range(100)]
    one, ten = (evaluate(log, fixed({"v1": 1}), batch=10).estimates[1] for log in (once, once * 10))
    assert ten.error == pytest.approx(one.error)


def test_a_log_that_hardly_resembles_the_other_shares_is_called_thin() -> None:
    assert evaluate(drifting_log(1)[:60], fixed({"v2": 1}), batch=10).thin
    assert not evaluate(drifting_log(1), fixed(OTHER), batch=10).thin


@pytest.mark.parametrize(
    ("log", "shares", "words"),
    [
        ([], {"v1": 1.0}, "no assigned request"),
        ([Logged("u", "v1", 1.0, {"v1": 1.0}, 1.0)], {"v2": 1.0}, "never on offer"),
        ([Logged("u", "v1", 0.0, {"v1": 1.0}, 1.0)], {"v1": 1.0}, "propensity 0"),
        ([Logged("u", "v9", 0.5, {"v1": 1.0}, 1.0)], {"v1": 1.0}, "'v9'"),
    ],
)
def test_what_cannot_be_compared_is_said(log: list[Logged], shares: dict[str, float], words: str) -> None:
    with pytest.raises(DataError, match=words):
        evaluate(log, fixed(shares), batch=10)


@pytest.mark.parametrize("shares", [{}, {"v1": 0.0}, {"v1": -0.1, "v2": 1.1}])
def test_shares_that_cannot_be_given_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(DataError, match="cannot be given"):
        fixed(shares)


def test_one_request_gives_a_value_and_no_interval() -> None:
    found = evaluate([Logged("u", "v1", 0.5, {"v1": 0.5, "v2": 0.5}, 1.0)], fixed({"v1": 1}), batch=1)
    assert found.estimates[0].value == 2.0
    assert found.estimates[0].error == math.inf


EVEN = {"v1": 0.5, "v2": 0.5}


def test_under_the_logs_own_shares_the_error_is_that_of_a_mean() -> None:
    rewards = [0.0, 3.0, 1.0, 4.0, 1.5, 9.0]
    log = [Logged(f"u{place}", f"v{1 + place % 2}", 0.5, EVEN, reward) for place, reward in enumerate(rewards)]
    found = evaluate(log, fixed(EVEN), batch=10)
    assert found.logged.error == pytest.approx(stdev(rewards) / math.sqrt(len(rewards)))


def test_rewards_that_never_vary_leave_a_ratio_no_error() -> None:
    log = [Logged(f"u{place}", f"v{1 + place % 2}", 0.5, EVEN, 7.0) for place in range(30)]
    snips = next(
        each for each in evaluate(log, fixed({"v1": 0.9, "v2": 0.1}), batch=10).estimates if each.estimator == "snips"
    )
    assert (snips.value, snips.error) == pytest.approx((7.0, 0.0), abs=1e-12)


def test_users_are_alike_whose_own_requests_are() -> None:
    def design_effect(*rewards: tuple[float, float]) -> float:
        log = [
            Logged(f"u{user}", variant, 0.5, EVEN, reward)
            for variant in EVEN
            for user, pair in enumerate(rewards)
            for reward in pair
        ]
        return evaluate(log, fixed(EVEN), batch=10).design_effect

    assert design_effect((0, 0), (1, 1)) == pytest.approx(2)
    assert design_effect((0, 1), (1, 0)) == 1
