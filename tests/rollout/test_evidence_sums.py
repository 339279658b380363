"""Evidence is what its buckets are, made strata one by one and added up: to the last digit, whatever was counted."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add

import pytest

from contender.experiments.arms import Arm
from contender.experiments.evidence import SHARE_DIGITS, Evidence, Stratum, Users
from contender.experiments.guardrails import Guardrail
from contender.experiments.latency import Latencies
from contender.experiments.verdict import Goal
from contender.measurements.counts import BucketCounts, Counts, RewardCounts
from contender.rollout.evidence import RECENT, earned, evidence
from contender.rollout.spec import Instance, Spec, StrategySpec

START = datetime(2026, 3, 1, tzinfo=UTC)
BUCKET_S = 60.0
NOW = START + timedelta(hours=2)
SPEC = Spec(
    stage="",
    instance=Instance("ml.m5.large", 1),
    goal=Goal(),
    bucket_s=BUCKET_S,
    guardrails=(Guardrail("latency_p95", 1.2), Guardrail("reward:basket", 0.1)),
)
SPECS = {
    "goal": SPEC,
    "no goal": replace(SPEC, goal=None),
    "rewards come late": replace(SPEC, reward_window_s=1800.0),
    "what is old is forgotten": replace(SPEC, strategy=StrategySpec("Thompson", discount=0.9)),
}

Buckets = dict[tuple[str, datetime], BucketCounts]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("seed", range(12))
def test_evidence_is_the_sum_of_its_buckets(seed: int, spec: Spec) -> None:
    buckets = counted(random.Random(seed), 120)
    assert evidence(spec, buckets, NOW) == slowly(spec, buckets)
    assert repr(evidence(spec, buckets, NOW).to_json()) == repr(slowly(spec, buckets).to_json())


@pytest.mark.parametrize("seed", range(12))
def test_what_was_earned_is_so_too(seed: int) -> None:
    buckets = counted(random.Random(seed), 120)
    assert earned(SPEC, buckets, NOW) == slowly(SPEC, buckets).strata


def counted(draw: random.Random, times: int) -> Buckets:
    """Shares that stay for a while, variants that come and go, times at which nobody or only a few asked."""
    shares = {"v1": 1.0}
    found: Buckets = {}
    for number in range(times):
        if draw.random() < 0.15:
            names = draw.sample(["v1", "v2", "v10"], draw.randint(1, 3))
            rest = [draw.choice([0.0, 0.1, 1 / 3]) for _ in names[1:]]
            shares = dict(zip(names, [1.0 - sum(rest), *rest], strict=True))
        of = draw.choice([0, 1, 100, 333])
        for variant, share in shares.items():
            if draw.random() < 0.9:
                counts = bucket(draw, share, of)
                found[variant, START + number * timedelta(seconds=BUCKET_S)] = BucketCounts(counts, Counts(n=9))
    keys = draw.sample(list(found), len(found))
    return {key: found[key] for key in keys}


def bucket(draw: random.Random, share: float, of: int) -> Counts:
    names = draw.sample(["reward", "basket", "other"], draw.randint(0, 3))
    n = round(share * of)
    return Counts(
        n=n,
        errors=draw.randint(0, n),
        users=draw.randint(0, n),
        expected_n=share * of,
        expected_users=share * draw.choice([0, of]),
        latencies={draw.randrange(260): draw.randint(1, 9) for _ in range(draw.randint(0, 8))},
        rewards={
            name: RewardCounts(draw.randint(0, 9), draw.randint(0, n), draw.gauss(3, 9), draw.random() * 99)
            for name in names
        },
    )


def slowly(spec: Spec, buckets: Buckets) -> Evidence:
    """A stratum of each bucket, and neighbours added to one another: what evidence is by its definition."""
    starts = sorted({start for _, start in buckets})
    at = {
        start: {name: buckets[name, when].judged for name, when in sorted(buckets) if when == start} for start in starts
    }
    shares = {start: proportions({name: counts.expected_n for name, counts in at[start].items()}) for start in starts}
    late = timedelta(seconds=BUCKET_S + spec.reward_window_s)
    rewarded = [start for start in starts if not spec.reward_window_s or start + late <= NOW]

    def of(reward: str) -> list[Stratum]:
        return [
            Stratum(shares[start], {name: arm(counts, reward) for name, counts in at[start].items()})
            for start in rewarded
        ]

    guard = [
        Stratum(
            shares[start],
            {name: Arm(n=counts.n, errors=counts.errors) for name, counts in at[start].items()},
            {name: Latencies.of(counts.latencies) for name, counts in at[start].items()},
        )
        for start in starts
    ]
    remembered = 44 if spec.adaptive and spec.strategy.discount == 0.9 else 0
    return Evidence(
        strata=together(of(spec.goal.reward), remembered) if spec.goal else (),
        guard=together(guard, RECENT),
        users=users([at[start] for start in starts]),
        rewards={"basket": together(of("basket"), 0)},
    )


def together(strata: list[Stratum], keep_last: int) -> tuple[Stratum, ...]:
    split = max(len(strata) - keep_last, 0)
    runs: list[list[Stratum]] = []
    for stratum in strata[:split]:
        if runs and runs[-1][0].same_shares(stratum):
            runs[-1].append(stratum)
        else:
            runs.append([stratum])
    return (*(reduce(add, run) for run in runs), *strata[split:])


def users(times: list[dict[str, Counts]]) -> tuple[Users, ...]:
    found: list[tuple[dict[str, float], Users]] = []
    for variants in times:
        shares = proportions({name: counts.expected_users for name, counts in variants.items()})
        here = Users(
            {name: counts.expected_users for name, counts in variants.items()},
            {name: counts.users for name, counts in variants.items()},
        )
        if found and found[-1][0] == shares and any(shares.values()):
            found[-1] = shares, both(found[-1][1], here)
        elif any(shares.values()):
            found.append((shares, here))
    return tuple(each for _, each in found)


def both(one: Users, other: Users) -> Users:
    names = {**one.counts, **other.counts}
    return Users(
        {name: one.expected.get(name, 0.0) + other.expected.get(name, 0.0) for name in names},
        {name: one.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
    )


def proportions(expected: dict[str, float]) -> dict[str, float]:
    total = sum(expected.values()) or 1.0
    return {name: round(each / total, SHARE_DIGITS) for name, each in expected.items()}


def arm(counts: Counts, reward: str) -> Arm:
    of = counts.reward(reward)
    return Arm(counts.n, of.positive, of.total, of.squares, counts.errors)
