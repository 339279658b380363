"""A variant's own rate with bounds: what they hold, and that looking all the time does not break them."""

from __future__ import annotations

import random

import pytest

from contender.experiments.arms import Arm
from contender.experiments.rates import rate_interval

ALPHA = 0.05


def binary(n: int, successes: int) -> Arm:
    return Arm(n, successes, successes, successes)


def test_the_rate_lies_between_its_bounds_which_close_in() -> None:
    wide, narrow = rate_interval(binary(50, 5), "binary", ALPHA), rate_interval(binary(5000, 500), "binary", ALPHA)
    assert wide is not None
    assert narrow is not None
    assert 0 <= wide[0] < narrow[0] < 0.1 < narrow[1] < wide[1] <= 1


@pytest.mark.parametrize("arm", [Arm(), binary(1, 1), Arm(5, 5, 20.0, 80.0)])
def test_nothing_is_said_of_what_nothing_is_known(arm: Arm) -> None:
    assert rate_interval(arm, "real", ALPHA) is None


def test_no_success_yet_is_not_certainty() -> None:
    interval = rate_interval(binary(30, 0), "binary", ALPHA)
    assert interval is not None
    assert interval[0] == 0
    assert interval[1] > 0.1


def test_amounts_scale_with_their_unit() -> None:
    euros, cents = Arm(4, 4, 10.0, 30.0), Arm(4, 4, 1000.0, 300_000.0)
    low, high = rate_interval(euros, "real", ALPHA) or (0, 0)
    assert rate_interval(cents, "real", ALPHA) == pytest.approx((100 * low, 100 * high))


def misses(chance: random.Random, rate: float) -> bool:
    """Whether one of the looks at a stream of requests, after each of them, leaves the true rate out."""
    successes = 0
    for n in range(1, 601):
        successes += chance.random() < rate
        low, high = rate_interval(binary(n, successes), "binary", ALPHA) or (0.0, 1.0)
        if n >= 30 and not low <= rate <= high:
            return True
    return False


def test_looking_after_every_request_misses_the_rate_no_more_often_than_alpha() -> None:
    chance, runs = random.Random(4), 400
    assert sum(misses(chance, 0.1) for _ in range(runs)) / runs <= ALPHA
