"""Guardrails: what is worse is caught soon, what is not hardly ever, and drift is nobody's fault."""

from __future__ import annotations

import bisect
import math
from itertools import pairwise
from random import Random

import pytest

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum, merged
from contender.experiments.guardrails import Guardrail, error_bet, latency_bet, log_bet, read
from contender.experiments.intervals import difference
from contender.experiments.latency import BUCKETS, Latencies
from tests.experiments.counting import binary, binomial, pair, real

ALPHA = 0.05
ERRORS = Guardrail("error_rate", 0.01, minimum_sample=20)
LATENCY = Guardrail("latency_p95", 1.5, minimum_sample=20)
NONE = Latencies()
BOUNDS = [Latencies.bound(bucket) for bucket in range(BUCKETS)]


def times(random: Random, n: int, factor: float = 1.0) -> Latencies:
    """n requests of about 20 ms times `factor`."""
    counts: dict[int, float] = {}
    for _ in range(n):
        bucket = bisect.bisect_left(BOUNDS, random.lognormvariate(3, 0.4) * factor)
        counts[bucket] = counts.get(bucket, 0) + 1
    return Latencies.of(counts)


def failing(champion: tuple[int, int], challenger: tuple[int, int], share: float = 0.1) -> Stratum:
    """Requests and errors of both."""
    return pair(binary(champion[0], 0, champion[1]), binary(challenger[0], 0, challenger[1]), v1=1 - share, v2=share)


def slow(random: Random, n: int, factor: float, share: float) -> Stratum:
    mine = binomial(random, n, share)
    latencies = {"v1": times(random, n - mine), "v2": times(random, mine, factor)}
    return Stratum({"v1": 1 - share, "v2": share}, {}, latencies)


def beyond(guardrail: Guardrail, strata: list[Stratum], alpha: float = ALPHA) -> bool:
    return read(guardrail, Evidence(guard=tuple(strata)), "v1", "v2", alpha).beyond


def test_a_challenger_that_always_fails_is_caught_at_the_minimum_sample() -> None:
    assert beyond(ERRORS, [failing((180, 0), (20, 20))], alpha=0.01)
    assert beyond(ERRORS, [failing((20, 0), (20, 20), 0.5)], alpha=0.01)
    assert not beyond(ERRORS, [failing((171, 0), (19, 19))])


def test_a_challenger_that_begins_to_fail_after_a_good_week_is_caught_as_soon() -> None:
    good, bad = failing((90_000, 90), (10_000, 10)), failing((270, 1), (30, 30))
    assert beyond(ERRORS, list(merged([good, good, bad], keep_last=1)))


def test_a_challenger_that_becomes_slow_after_a_good_week_is_caught_within_a_few_buckets() -> None:
    random, strata = Random(6), list[Stratum]()
    for bucket in range(60):
        strata = list(merged([*strata, slow(random, 120, 1.0 if bucket < 55 else 5.0, 0.3)], keep_last=6))
        assert bucket >= 55 or not beyond(LATENCY, strata)
    assert beyond(LATENCY, strata)


def test_a_promoted_challenger_is_held_against_what_the_champion_did_before() -> None:
    before, alone = failing((5000, 5), (5000, 5), 0.5), Stratum({"v2": 1.0}, {"v2": binary(60, 0, 30)})
    assert beyond(ERRORS, [before, alone])
    assert not beyond(ERRORS, [before, Stratum({"v2": 1.0}, {"v2": binary(6000, 0, 6)})])


def test_an_outage_of_both_while_the_share_grows_is_nobody_s_fault() -> None:
    calm, outage = failing((9500, 10), (500, 0), 0.05), failing((5000, 500), (5000, 505), 0.5)
    whole = calm + outage
    assert whole.arms["v2"].error_rate > whole.arms["v1"].error_rate + 0.04
    assert not beyond(ERRORS, [calm, outage])


@pytest.mark.parametrize(
    ("mine", "theirs"), [((0, 0), (50, 50)), ((50, 0), (0, 0)), ((50, 3), (50, 3)), ((9, 9), (50, 50))]
)
def test_nothing_is_beyond_the_limit_without_a_worse_one_to_compare(
    mine: tuple[int, int], theirs: tuple[int, int]
) -> None:
    assert not beyond(ERRORS, [failing(mine, theirs)])
    assert not beyond(ERRORS, [])


@pytest.mark.parametrize(("rate", "limit"), [(0.002, 0.0), (0.05, 0.0), (0.02, 0.01), (0.1, 0.05)])
def test_a_challenger_at_the_limit_is_seldom_called_worse_however_often_one_looks(rate: float, limit: float) -> None:
    guardrail, wrong = Guardrail("error_rate", limit, minimum_sample=10), 0
    for seed in range(60):
        random, strata = Random(seed), list[Stratum]()
        for look in range(40):
            share = (0.1, 0.25, 0.5, 0.5)[look // 10]
            n = binomial(random, 150, share)
            counts = (150 - n, binomial(random, 150 - n, rate)), (n, binomial(random, n, rate + limit))
            strata = list(merged([*strata, failing(*counts, share)], keep_last=2))
            if beyond(guardrail, strata):
                wrong += 1
                break
    assert wrong <= 60 * ALPHA


@pytest.mark.parametrize("strata", [1, 7, 40])
def test_bets_that_win_nothing_leave_no_more_than_the_stake(strata: int) -> None:
    stratum = failing((450, 0), (50, 0))
    pairs = [(stratum, stratum.arms["v1"], stratum.arms["v2"])] * strata
    assert math.log(0.5) <= log_bet(pairs, lambda *counts: 0.0, Arm()) <= 1e-12


def test_the_error_bet_is_the_mixture_over_the_likeliest_rates_within_the_limit() -> None:
    def log_mixture(n: int, k: int) -> float:
        return math.lgamma(k + 0.5) + math.lgamma(n - k + 0.5) - math.lgamma(n + 1) - math.log(math.pi)

    def log_likelihood(n: int, k: int, p: float) -> float:
        return k * math.log(p) + (n - k) * math.log(1 - p)

    grid = [step / 20_000 for step in range(1, 18_000)]
    best = max(log_likelihood(400, 3, p) + log_likelihood(100, 9, p + 0.02) for p in grid)
    found = error_bet(binary(400, 0, 3), binary(100, 0, 9), Arm(), Arm(), 0.02)
    assert found == pytest.approx(log_mixture(400, 3) + log_mixture(100, 9) - best, abs=1e-5)


def test_more_errors_never_speak_for_the_challenger() -> None:
    bets = [error_bet(binary(200, 0, 2), binary(100, 0, k), Arm(), Arm(), 0.01) for k in range(5, 101, 5)]
    assert all(one < other for one, other in pairwise(bets))


def test_five_times_the_latency_is_caught_at_the_minimum_sample() -> None:
    random = Random(1)
    assert beyond(
        LATENCY, [Stratum({"v1": 0.9, "v2": 0.1}, {}, {"v1": times(random, 450), "v2": times(random, 50, 5)})]
    )


def test_twice_the_latency_is_caught_within_some_hundred_requests() -> None:
    assert sum(beyond(LATENCY, [slow(Random(seed), 4000, 2.0, 0.2)]) for seed in range(10)) >= 9


def test_a_slowness_of_both_while_the_share_grows_is_nobody_s_fault() -> None:
    random = Random(2)
    strata = [slow(random, 2000, 1.0, 0.05)]
    busy = {"v1": times(random, 1000, 4), "v2": times(random, 1000, 4)}
    assert not beyond(LATENCY, [*strata, Stratum({"v1": 0.5, "v2": 0.5}, {}, busy)])


@pytest.mark.parametrize("limit", [1.1, 1.5])
def test_a_latency_at_the_limit_is_seldom_called_worse(limit: float) -> None:
    guardrail, wrong = Guardrail("latency_p95", limit, minimum_sample=10), 0
    for seed in range(30):
        random, strata = Random(seed), list[Stratum]()
        for look in range(15):
            strata = list(merged([*strata, slow(random, 150, limit, 0.1 if look < 7 else 0.5)], keep_last=1))
            if beyond(guardrail, strata):
                wrong += 1
                break
    assert wrong <= 30 * ALPHA


def test_a_champion_of_few_requests_leaves_its_percentile_open() -> None:
    random = Random(3)
    few = Stratum({"v1": 0.5, "v2": 0.5}, {}, {"v1": times(random, 30), "v2": times(random, 30, 5)})
    assert not beyond(LATENCY, [few])


def test_the_latency_bet_is_the_least_over_all_buckets_of_the_champion_s_percentile() -> None:
    random = Random(4)
    mine, theirs = times(random, 300), times(random, 80, 2.2)

    def tail(n: float, count: float, slowest: bool) -> float:
        p = max(count / n, 0.05) if slowest else min(count / n, 0.05)
        likely = (count * math.log(p) if count else 0) + ((n - count) * math.log(1 - p) if n > count else 0)
        return math.lgamma(count + 0.5) + math.lgamma(n - count + 0.5) - math.lgamma(n + 1) - math.log(math.pi) - likely

    bets = []
    for bucket in range(BUCKETS):
        late = theirs.above(1.5 * Latencies.bound(bucket))
        bets.append(tail(300, sum(mine.counts[bucket:]), True) * (bucket > 0) + tail(80, late, False))
    assert latency_bet(mine, theirs, NONE, NONE, 1.5) == pytest.approx(min(bets))


def test_latencies_all_in_the_last_bucket_are_compared_too() -> None:
    slowest = Latencies.of({BUCKETS - 1: 50})
    assert math.isfinite(latency_bet(slowest, slowest, NONE, NONE, 1.5))


def earning(champion: float, challenger: float, n: int = 3000) -> Evidence:
    random = Random(5)
    arms = [real(random.gauss(mean, 1) for _ in range(n)) for mean in (champion, challenger)]
    return Evidence(rewards={"basket": (pair(*arms),)})


def test_a_reward_must_not_drop_by_more_than_the_limit() -> None:
    assert read(Guardrail("reward:basket", 0.0), earning(2.0, 1.8), "v1", "v2", ALPHA).beyond
    assert not read(Guardrail("reward:basket", 0.3), earning(2.0, 1.8), "v1", "v2", ALPHA).beyond
    assert not read(Guardrail("reward:basket", 0.0), earning(2.0, 2.2), "v1", "v2", ALPHA).beyond
    assert not read(Guardrail("reward:other", 0.0), earning(2.0, 1.0), "v1", "v2", ALPHA).beyond


def test_a_reward_s_guardrail_is_one_sided_at_its_level() -> None:
    seen = earning(2.0, 1.8)
    drop = -difference(seen.rewards["basket"], "v1", "v2", "real", 2 * ALPHA).upper
    assert drop > 0
    assert read(Guardrail("reward:basket", 0.999 * drop), seen, "v1", "v2", ALPHA).beyond
    assert not read(Guardrail("reward:basket", 1.001 * drop), seen, "v1", "v2", ALPHA).beyond


def test_a_metric_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="eror_rate"):
        read(Guardrail("eror_rate", 0.1), Evidence(), "v1", "v2", ALPHA)
