"""What was counted of an experiment, as the evidence that decisions are made from.

Buckets in which the shares were the same become one stratum, so that a ledger entry stays small however long a rollout
takes. What the shares were, the requests tell: each was counted with the shares it was assigned by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.experiments.arms import Arm
from contender.experiments.evidence import SHARE_DIGITS, Evidence, Stratum, Users, stretches
from contender.experiments.latency import Latencies
from contender.measurements.counts import BucketCounts, Counts, RewardCounts
from contender.rollout.spec import Spec

REWARD = "reward:"
RECENT = 6
"""The last buckets stay apart for the guardrails: who begins to fail after a good week is seen there first."""

FORGOTTEN = 0.01
"""What is left of a bucket's weight when it need not be told from older ones any more."""

NOTHING = RewardCounts()

Buckets = Mapping[tuple[str, datetime], BucketCounts]


@dataclass(frozen=True, slots=True)
class _Time:
    """All variants of one bucket of time, and the shares that its requests were assigned by."""

    start: datetime
    variants: Mapping[str, Counts]
    shares: Mapping[str, float]


def evidence(spec: Spec, buckets: Buckets, now: datetime) -> Evidence:
    """The evidence at a time; the strata of rewards leave out requests whose rewards may still arrive."""
    times = _times(buckets)
    rewarded = [time for time in times if complete(spec, time.start, now)]
    guarded = [guardrail.metric.removeprefix(REWARD) for guardrail in spec.guardrails if REWARD in guardrail.metric]
    whole = stretches([time.shares for time in rewarded])
    return Evidence(
        strata=_goal(spec, rewarded),
        guard=tuple(
            Stratum(times[each[0]].shares, _arms(times, each), _latencies(times, each))
            for each in stretches([time.shares for time in times], keep_last=RECENT)
        ),
        users=_users(times),
        rewards={reward: _earned(rewarded, whole, reward) for reward in guarded},
    )


def earned(spec: Spec, buckets: Buckets, now: datetime) -> tuple[Stratum, ...]:
    """The strata of the goal's reward alone, as a verdict compares them."""
    return _goal(spec, [time for time in _times(buckets) if complete(spec, time.start, now)], keep_last=0)


def from_metrics(counts: Mapping[str, tuple[int, int]], shares: Mapping[str, float]) -> Evidence:
    """Evidence of requests that did not come through the API: by variant how many there were, and how many failed."""
    arms = {variant: Arm(n=requests, errors=failed) for variant, (requests, failed) in sorted(counts.items())}
    return Evidence(guard=(Stratum(dict(shares), arms),))


def _times(buckets: Buckets) -> list[_Time]:
    by_start: dict[datetime, dict[str, Counts]] = {}
    for (variant, start), counts in sorted(buckets.items(), key=lambda item: (item[0][1], item[0][0])):
        by_start.setdefault(start, {})[variant] = counts.judged
    return [
        _Time(start, variants, _proportions({variant: counts.expected_n for variant, counts in variants.items()}))
        for start, variants in by_start.items()
    ]


def _goal(spec: Spec, rewarded: Sequence[_Time], keep_last: int | None = None) -> tuple[Stratum, ...]:
    if spec.goal is None:
        return ()
    last = _remembered(spec) if keep_last is None else keep_last
    return _earned(rewarded, stretches([time.shares for time in rewarded], last), spec.goal.reward)


def _earned(times: Sequence[_Time], by_shares: Sequence[range], reward: str) -> tuple[Stratum, ...]:
    return tuple(Stratum(times[each[0]].shares, _arms(times, each, reward)) for each in by_shares)


def _arms(times: Sequence[_Time], stretch: range, reward: str | None = None) -> dict[str, Arm]:
    """The arms of a stretch; each number is added up one bucket after the other, as strata are."""
    sums: dict[str, list[float]] = {}
    for index in stretch:
        for variant, counts in times[index].variants.items():
            of = NOTHING if reward is None else counts.rewards.get(reward, NOTHING)
            if (found := sums.get(variant)) is None:
                sums[variant] = [counts.n, of.positive, of.total, of.squares, counts.errors]
            else:
                found[0] += counts.n
                found[1] += of.positive
                found[2] += of.total
                found[3] += of.squares
                found[4] += counts.errors
    return {variant: Arm(*found) for variant, found in sums.items()}


def _latencies(times: Sequence[_Time], stretch: range) -> dict[str, Latencies]:
    sums: dict[str, dict[int, float]] = {}
    for index in stretch:
        for variant, counts in times[index].variants.items():
            found = sums.setdefault(variant, {})
            for bucket, count in counts.latencies.items():
                found[bucket] = found.get(bucket, 0) + count
    return {variant: Latencies.of(found) for variant, found in sums.items()}


def _remembered(spec: Spec) -> int:
    """Buckets that a strategy which forgets still counts by more than `FORGOTTEN`: it weighs each by its age."""
    discount = spec.strategy.discount
    return math.ceil(math.log(FORGOTTEN) / math.log(discount)) if spec.adaptive and discount < 1 else 0


def complete(spec: Spec, start: datetime, now: datetime) -> bool:
    """Whether all rewards of a bucket's requests have come; without a window they come with the requests."""
    return not spec.reward_window_s or start + timedelta(seconds=spec.bucket_s + spec.reward_window_s) <= now


def _users(times: Sequence[_Time]) -> tuple[Users, ...]:
    """New users by stretches of the same shares."""
    found: list[tuple[dict[str, float], dict[str, float], dict[str, int]]] = []
    for time in times:
        shares = _proportions({variant: counts.expected_users for variant, counts in time.variants.items()})
        if not any(shares.values()):
            continue
        if not (found and found[-1][0] == shares):
            found.append((shares, {}, {}))
        _, sums, counted = found[-1]
        for variant, counts in time.variants.items():
            sums[variant] = sums.get(variant, 0.0) + counts.expected_users
            counted[variant] = counted.get(variant, 0) + counts.users
    return tuple(Users(sums, counted) for _, sums, counted in found)


def _proportions(expected: Mapping[str, float]) -> dict[str, float]:
    total = sum(expected.values()) or 1.0
    return {variant: round(each / total, SHARE_DIGITS) for variant, each in expected.items()}
