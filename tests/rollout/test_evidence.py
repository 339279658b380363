"""What was counted becomes evidence: by shares, nothing too young for its rewards; CloudWatch where nobody counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contender.experiments.evidence import totals
from contender.experiments.guardrails import Guardrail
from contender.experiments.verdict import Goal
from contender.measurements.counts import BucketCounts, Counts, RewardCounts
from contender.rollout.evidence import RECENT, evidence, from_metrics
from contender.rollout.metrics import requests_and_failures
from contender.rollout.spec import Instance, Spec, StrategySpec

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPEC = Spec(stage="", instance=Instance("ml.m5.large", 1), goal=Goal(), bucket_s=3600.0)


def counts(n: int, share: float, of: int = 100, **more: Any) -> BucketCounts:
    """A variant that got `n` of `of` requests, promised this share of them, each by a user of its own."""
    rewards = {"reward": RewardCounts(conversions=n // 2, positive=n // 2, total=n / 2, squares=n / 2)}
    judged = Counts(n=n, users=n, expected_n=share * of, expected_users=share * of, rewards=rewards, **more)
    return BucketCounts(judged, Counts(n=1000, errors=1000))


def hours(*shares: float) -> dict[tuple[str, datetime], BucketCounts]:
    """An hour for each share of the challenger."""
    found = {}
    for number, share in enumerate(shares):
        found["v1", START + number * HOUR] = counts(round(100 * (1 - share)), 1 - share)
        found["v2", START + number * HOUR] = counts(round(100 * share), share)
    return found


def test_hours_with_the_same_shares_are_one_stratum() -> None:
    found = evidence(SPEC, hours(0.1, 0.1, 0.5, 0.5, 0.1), START + 5 * HOUR)
    assert [dict(stratum.shares) for stratum in found.strata] == [
        {"v1": 0.9, "v2": 0.1},
        {"v1": 0.5, "v2": 0.5},
        {"v1": 0.9, "v2": 0.1},
    ]
    assert [stratum.arms["v2"].n for stratum in found.strata] == [20, 100, 10]
    assert found.strata[0].arms["v1"].successes == 90
    assert [dict(users.counts) for users in found.users] == [
        {"v1": 180, "v2": 20},
        {"v1": 100, "v2": 100},
        {"v1": 90, "v2": 10},
    ]


def test_what_nobody_assigned_is_no_evidence() -> None:
    found = evidence(SPEC, hours(0.5), START + HOUR)
    assert totals(found.guard)["v1"].n == 50
    assert totals(found.guard)["v1"].errors == 0


def test_requests_whose_rewards_may_still_come_are_left_out_of_rewards_only() -> None:
    spec = replace(SPEC, reward_window_s=3600.0, guardrails=(Guardrail("reward:basket", 0.1),))
    now = START + 3 * HOUR
    found = evidence(spec, hours(0.5, 0.5, 0.5), now)
    assert sum(stratum.arms["v1"].n for stratum in found.strata) == 100, "the first two hours"
    assert sum(stratum.arms["v1"].n for stratum in found.rewards["basket"]) == 100
    assert totals(found.guard)["v1"].n == 150
    assert sum(users.counts["v1"] for users in found.users) == 150
    later = evidence(spec, hours(0.5, 0.5, 0.5), now + HOUR)
    assert sum(stratum.arms["v1"].n for stratum in later.strata) == 150


def test_the_last_hours_stay_apart_for_guardrails() -> None:
    found = evidence(SPEC, hours(*[0.5] * 20), START + 20 * HOUR)
    assert [stratum.arms["v1"].n for stratum in found.guard] == [50 * (20 - RECENT), *[50] * RECENT]


def test_latencies_and_errors_are_the_guardrails() -> None:
    buckets = {("v1", START): counts(10, 0.5, errors=3, latencies={4: 7}), ("v2", START): counts(10, 0.5)}
    (stratum,) = evidence(SPEC, buckets, START + HOUR).guard
    assert (stratum.arms["v1"].errors, stratum.latencies["v1"].n, stratum.latencies["v2"].n) == (3, 7, 0)


def test_without_a_goal_there_are_no_strata_of_rewards() -> None:
    found = evidence(replace(SPEC, goal=None), hours(0.5), START + HOUR)
    assert found.strata == ()
    assert len(found.guard) == 1


def test_nothing_counted_is_no_evidence_of_anything() -> None:
    found = evidence(SPEC, {}, START)
    assert (found.strata, found.guard, found.users) == ((), (), ())


def test_evidence_comes_back_from_json_as_it_was() -> None:
    found = evidence(SPEC, hours(0.1, 0.5), START + 2 * HOUR)
    assert type(found).from_json(found.to_json()) == found


class CloudWatch:
    """Answers in two pages, each value once."""

    def __init__(self, sums: Mapping[tuple[str, str], float]) -> None:
        self.sums = sums
        self.request: dict[str, Any] = {}

    def get_paginator(self, name: str) -> CloudWatch:
        assert name == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.request = request
        pages: list[dict[str, Any]] = [{"MetricDataResults": []}, {"MetricDataResults": []}]
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            variant = {each["Name"]: each["Value"] for each in metric["Dimensions"]}["VariantName"]
            value = self.sums.get((variant, metric["MetricName"]), 0.0)
            for page in pages:
                page["MetricDataResults"].append({"Id": query["Id"], "Values": [value / 2] if value else []})
        return pages


def test_cloudwatch_tells_requests_and_failures_of_each_variant() -> None:
    cloudwatch = CloudWatch({("v1", "Invocations"): 90, ("v2", "Invocations"): 10, ("v2", "Invocation5XXErrors"): 4})
    found = requests_and_failures(cloudwatch, "contender-A", ["v2", "v1"], START + timedelta(seconds=30), START + HOUR)
    assert found == {"v1": (90, 0), "v2": (10, 4)}
    assert cloudwatch.request["StartTime"] == START
    assert cloudwatch.request["MetricDataQueries"][0]["MetricStat"]["Period"] == 60
    (stratum,) = from_metrics(found, {"v1": 0.9, "v2": 0.1}).guard
    assert (stratum.arms["v2"].n, stratum.arms["v2"].errors) == (10, 4)


def test_a_long_rollout_is_read_by_the_hour() -> None:
    cloudwatch = CloudWatch({})
    requests_and_failures(cloudwatch, "contender-A", ["v1"], START + timedelta(minutes=10), START + 48 * HOUR)
    assert cloudwatch.request["StartTime"] == START
    assert cloudwatch.request["MetricDataQueries"][0]["MetricStat"]["Period"] == 3600


def test_a_strategy_that_forgets_knows_how_old_each_hour_is() -> None:
    spec = replace(SPEC, goal=Goal(), reward_window_s=0.0, strategy=StrategySpec("Thompson", discount=0.5))
    found = evidence(spec, hours(*[0.1] * 20), START + timedelta(days=2)).strata
    assert len(found) == 8, "0.5 to the seventh is less than a hundredth: the hours before are one"
    assert totals(found) == totals(evidence(replace(spec, strategy=StrategySpec()), hours(*[0.1] * 20), START).strata)
