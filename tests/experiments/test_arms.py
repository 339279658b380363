"""Arms, latencies and evidence: they add up, read back, and survive counts that cannot be."""

from __future__ import annotations

import json
import statistics
from random import Random

import numpy as np
import pytest

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum, Users, merged, totals
from contender.experiments.latency import BUCKETS, Latencies
from tests.experiments.counting import binary, real


def test_arms_of_parts_add_up_to_the_arm_of_all() -> None:
    rewards = [Random(1).lognormvariate(0, 1) for _ in range(50)]
    whole, parts = real(rewards), real(rewards[:20]) + real(rewards[20:])
    assert parts.to_json() == pytest.approx(whole.to_json())
    assert Arm() + whole == whole


def test_mean_and_variance_are_those_of_the_rewards() -> None:
    rewards = [1.5, -2.0, 0.0, 7.25]
    arm = real(rewards)
    assert arm.mean == pytest.approx(statistics.mean(rewards))
    assert arm.variance == pytest.approx(statistics.variance(rewards))


def test_nothing_is_divided_by_no_requests() -> None:
    arm = Arm()
    assert (arm.mean, arm.rate, arm.variance, arm.error_rate) == (0, 0, 0, 0)
    assert arm.of("binary") == arm.of("real") == (0, 0)


@pytest.mark.parametrize("arm", [Arm(5, 9, 9, 9, 7), Arm(0, 3, 3, 3, 1), Arm(5, -2, -2, 2)])
def test_more_successes_or_errors_than_requests_are_clamped(arm: Arm) -> None:
    assert 0 <= arm.rate <= 1
    assert 0 <= arm.error_rate <= 1


def test_rounding_leaves_no_negative_variance() -> None:
    assert Arm(3, 3, 0.3, 0.03 - 1e-17).variance >= 0


def test_latencies_answer_to_within_a_bucket() -> None:
    times = [Random(2).lognormvariate(3, 0.7) for _ in range(4000)]
    latencies = sum(
        (Latencies.of({Latencies.index(ms): 1}) for ms in times[1:]), Latencies.of({Latencies.index(times[0]): 1})
    )
    for q in (0.5, 0.95, 0.99):
        exact = float(np.quantile(times, q))
        assert exact / 1.05 <= latencies.quantile(q) <= exact * 1.05
    assert latencies.n == len(times)
    assert latencies.above(20) <= sum(ms > 20 for ms in times) <= latencies.above(20 / 1.05)


def test_a_latency_lies_in_the_bucket_that_ends_at_it_or_after() -> None:
    for ms in (0, 0.2, 1, 1.01, 17.3, 500, 65_000):
        bucket = Latencies.index(ms)
        assert ms <= Latencies.bound(bucket) * (1 + 1e-9)
        assert bucket == 0 or ms > Latencies.bound(bucket - 1)
    assert Latencies.index(1e9) == BUCKETS - 1
    assert all(Latencies.index(Latencies.bound(bucket)) == bucket for bucket in range(BUCKETS))


def test_no_requests_have_no_latency() -> None:
    assert Latencies().quantile(0.95) == 0
    assert Latencies().above(0) == 0


def test_latencies_of_another_number_of_buckets_are_refused() -> None:
    with pytest.raises(ValueError, match="buckets"):
        Latencies((1, 2))


def test_evidence_reads_back_from_its_json() -> None:
    stratum = Stratum(
        {"v1": 0.9, "v2": 0.1}, {"v1": binary(90, 9), "v2": real([0.1, 2.5])}, {"v1": Latencies.of({40: 3})}
    )
    evidence = Evidence((stratum,), (stratum,), (Users({"v1": 9.5, "v2": 0.5}, {"v1": 10}),), {"basket": (stratum,)})
    assert Evidence.from_json(json.loads(json.dumps(evidence.to_json()))) == evidence
    assert Evidence.from_json(Evidence().to_json()) == Evidence()


def test_neighbours_with_the_same_shares_become_one_stratum() -> None:
    small, large = {"v1": 0.9, "v2": 0.1}, {"v1": 0.5, "v2": 0.5}
    strata = [Stratum(shares, {"v1": binary(10, 1)}) for shares in (small, small, large, small, small)]
    assert [stratum.arms["v1"].n for stratum in merged(strata)] == [20, 10, 20]
    assert [stratum.arms["v1"].n for stratum in merged(strata, keep_last=1)] == [20, 10, 10, 10]
    assert totals(merged(strata)) == totals(strata) == {"v1": binary(50, 5)}


def test_an_arm_that_joins_later_is_added_too() -> None:
    one, other = Stratum({"v1": 1.0}, {"v1": binary(5, 1)}), Stratum({"v1": 1.0, "v2": 0.0}, {"v2": binary(2, 1)})
    assert one.same_shares(other)
    assert (one + other).arms == {"v1": binary(5, 1), "v2": binary(2, 1)}
