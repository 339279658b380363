"""What was counted of an experiment, as the evidence that decisions are made from.

Buckets in which the shares were the same become one stratum, so that a ledger entry stays small however long a rollout
takes. What the shares were, the requests tell: each was counted with the shares it was assigned by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from contender.experiments.arms import Arm
from contender.experiments.evidence import SHARE_DIGITS, Evidence, Stratum, Users, merged
from contender.experiments.latency import Latencies
from contender.measurements.counts import BucketCounts, Counts
from contender.rollout.spec import Spec

REWARD = "reward:"
RECENT = 6
"""The last buckets stay apart for the guardrails: who begins to fail after a good week is seen there first."""

FORGOTTEN = 0.01
"""What is left of a bucket's weight when it need not be told from older ones any more."""

Buckets = Mapping[tuple[str, datetime], BucketCounts]


def evidence(spec: Spec, buckets: Buckets, now: datetime) -> Evidence:
    """The evidence at a time; the strata of rewards leave out requests whose rewards may still arrive."""
    by_time = _by_time(buckets)
    shares = {start: _proportions(variants, _expected_requests) for start, variants in by_time.items()}
    rewarded = {start: variants for start, variants in by_time.items() if complete(spec, start, now)}
    guarded = [guardrail.metric.removeprefix(REWARD) for guardrail in spec.guardrails if REWARD in guardrail.metric]
    goal = spec.goal.reward if spec.goal is not None else ""
    return Evidence(
        strata=merged(_earned(rewarded, goal), _remembered(spec)) if spec.goal is not None else (),
        guard=merged(
            (
                Stratum(
                    shares[start],
                    {variant: Arm(n=counts.n, errors=counts.errors) for variant, counts in by_time[start].items()},
                    {variant: Latencies.of(counts.latencies) for variant, counts in by_time[start].items()},
                )
                for start in by_time
            ),
            keep_last=RECENT,
        ),
        users=_users(by_time),
        rewards={reward: merged(_earned(rewarded, reward)) for reward in guarded},
    )


def earned(spec: Spec, buckets: Buckets, now: datetime) -> tuple[Stratum, ...]:
    """The strata of the goal's reward alone, as a verdict compares them."""
    rewarded = {start: variants for start, variants in _by_time(buckets).items() if complete(spec, start, now)}
    return merged(_earned(rewarded, spec.goal.reward)) if spec.goal is not None else ()


def from_metrics(counts: Mapping[str, tuple[int, int]], shares: Mapping[str, float]) -> Evidence:
    """Evidence of requests that did not come through the API: by variant how many there were, and how many failed."""
    arms = {variant: Arm(n=requests, errors=failed) for variant, (requests, failed) in sorted(counts.items())}
    return Evidence(guard=(Stratum(dict(shares), arms),))


def _by_time(buckets: Buckets) -> dict[datetime, dict[str, Counts]]:
    by_time: dict[datetime, dict[str, Counts]] = {}
    for (variant, start), counts in sorted(buckets.items(), key=lambda item: (item[0][1], item[0][0])):
        by_time.setdefault(start, {})[variant] = counts.judged
    return by_time


def _earned(by_time: Mapping[datetime, Mapping[str, Counts]], reward: str) -> Iterator[Stratum]:
    for variants in by_time.values():
        arms = {variant: _arm(counts, reward) for variant, counts in variants.items()}
        yield Stratum(_proportions(variants, _expected_requests), arms)


def _remembered(spec: Spec) -> int:
    """Buckets that a strategy which forgets still counts by more than `FORGOTTEN`: it weighs each by its age."""
    discount = spec.strategy.discount
    return math.ceil(math.log(FORGOTTEN) / math.log(discount)) if spec.adaptive and discount < 1 else 0


def complete(spec: Spec, start: datetime, now: datetime) -> bool:
    """Whether all rewards of a bucket's requests have come; without a window they come with the requests."""
    return not spec.reward_window_s or start + timedelta(seconds=spec.bucket_s + spec.reward_window_s) <= now


def _users(by_time: Mapping[datetime, Mapping[str, Counts]]) -> tuple[Users, ...]:
    """New users by stretches of the same shares."""
    found: list[tuple[dict[str, float], dict[str, float], dict[str, int]]] = []
    for variants in by_time.values():
        shares = _proportions(variants, _expected_users)
        if not any(shares.values()):
            continue
        if not (found and found[-1][0] == shares):
            found.append((shares, {}, {}))
        _, sums, counted = found[-1]
        for variant, counts in variants.items():
            sums[variant] = sums.get(variant, 0.0) + counts.expected_users
            counted[variant] = counted.get(variant, 0) + counts.users
    return tuple(Users(sums, counted) for _, sums, counted in found)


def _proportions(variants: Mapping[str, Counts], expected: Callable[[Counts], float]) -> dict[str, float]:
    total = sum(expected(counts) for counts in variants.values()) or 1.0
    return {variant: round(expected(counts) / total, SHARE_DIGITS) for variant, counts in variants.items()}


def _expected_requests(counts: Counts) -> float:
    return counts.expected_n


def _expected_users(counts: Counts) -> float:
    return counts.expected_users


def _arm(counts: Counts, reward: str) -> Arm:
    earned = counts.reward(reward)
    return Arm(counts.n, earned.positive, earned.total, earned.squares, counts.errors)
