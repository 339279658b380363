"""What was counted for one variant in one bucket of time, and its form in DynamoDB.

Every number is a counter of its own, so that many writers add to it without reading:

    n, errors                                    requests, and those that failed
    users                                        users whose first request of the experiment this variant got
    expected_n, expected_users                   what the shares promised this variant of all variants' n and users
    lat_<i>                                      requests answered, by bucket of `experiments.latency`
    conversions:<name>  positive:<name>          rewards; requests whose rewards of that name add up to more than zero
    sum:<name>          squares:<name>           of the requests' totals

Requests that no experiment may judge (strategy Manual or Fallback) have the same counters with `other_` in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contender.measurements.events import REWARD_DIGITS

OTHER = "other_"
LATENCY = "lat_"

_DIGITS = {
    "sum": REWARD_DIGITS,
    "squares": 2 * REWARD_DIGITS,
    "expected_n": REWARD_DIGITS,
    "expected_users": REWARD_DIGITS,
}


@dataclass(frozen=True, slots=True)
class RewardCounts:
    """Rewards of one name: how many came, and the requests' totals. `positive` is the successes of a binary goal."""

    conversions: int = 0
    positive: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: RewardCounts) -> RewardCounts:
        return RewardCounts(
            self.conversions + other.conversions,
            self.positive + other.positive,
            self.total + other.total,
            self.squares + other.squares,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, users and rewards; `latencies` is the number of answered requests by `Latencies.index`."""

    n: int = 0
    errors: int = 0
    users: int = 0
    expected_n: float = 0.0
    expected_users: float = 0.0
    latencies: Mapping[int, int] = field(default_factory=dict)
    rewards: Mapping[str, RewardCounts] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.n + other.n,
            self.errors + other.errors,
            self.users + other.users,
            self.expected_n + other.expected_n,
            self.expected_users + other.expected_users,
            {
                index: self.latencies.get(index, 0) + other.latencies.get(index, 0)
                for index in sorted(self.latencies.keys() | other.latencies.keys())
            },
            {
                name: self.reward(name) + other.reward(name)
                for name in sorted(self.rewards.keys() | other.rewards.keys())
            },
        )

    def reward(self, name: str = "reward") -> RewardCounts:
        return self.rewards.get(name, RewardCounts())


@dataclass(frozen=True, slots=True)
class BucketCounts:
    """`judged` is what verdicts are made of; `other` what was chosen by hand or by the endpoint's weights."""

    judged: Counts = Counts()
    other: Counts = Counts()

    def __add__(self, other: BucketCounts) -> BucketCounts:
        return BucketCounts(self.judged + other.judged, self.other + other.other)

    @classmethod
    def from_item(cls, item: Mapping[str, Mapping[str, Any]]) -> BucketCounts:
        """Read a bucket's item, its keys among the attributes or not."""
        judged: dict[str, str] = {}
        other: dict[str, str] = {}
        for name, value in item.items():
            if (number := value.get("N")) is not None:
                if name.startswith(OTHER):
                    other[name.removeprefix(OTHER)] = number
                else:
                    judged[name] = number
        return cls(_counts(judged), _counts(other))


def summed(buckets: Mapping[tuple[str, datetime], BucketCounts]) -> dict[str, BucketCounts]:
    """All of a variant's buckets in one, by variant."""
    totals: dict[str, BucketCounts] = {}
    for (variant, _), counts in sorted(buckets.items()):
        totals[variant] = totals.get(variant, BucketCounts()) + counts
    return totals


def bucket_start(at: datetime, bucket_s: int) -> datetime:
    """The start of the bucket a time lies in; buckets are counted from 1970, so every writer agrees."""
    return datetime.fromtimestamp(at.timestamp() // bucket_s * bucket_s, UTC)


def bucket_key(variant: str, start: datetime) -> str:
    return f"{variant}#{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_bucket_key(key: str) -> tuple[str, datetime]:
    variant, _, start = key.partition("#")
    return variant, datetime.fromisoformat(start)


def to_number(name: str, value: int) -> str:
    """A counter's change as DynamoDB takes it; shares and rewards come in millionths, squares in their squares."""
    digits = _DIGITS.get(name.removeprefix(OTHER).partition(":")[0], 0)
    if not digits:
        return str(value)
    text = str(abs(value)).rjust(digits + 1, "0")
    return f"{'-' if value < 0 else ''}{text[:-digits]}.{text[-digits:]}".rstrip("0").rstrip(".")


def _counts(numbers: Mapping[str, str]) -> Counts:
    if not numbers:
        return Counts()
    rewards: dict[str, dict[str, str]] = {}
    latencies: dict[int, int] = {}
    for name, value in numbers.items():
        if name.startswith(LATENCY):
            latencies[int(name[len(LATENCY) :])] = int(value)
        elif ":" in name:
            kind, _, reward = name.partition(":")
            rewards.setdefault(reward, {})[kind] = value
    return Counts(
        n=int(numbers.get("n", 0)),
        errors=int(numbers.get("errors", 0)),
        users=int(numbers.get("users", 0)),
        expected_n=float(numbers.get("expected_n", 0)),
        expected_users=float(numbers.get("expected_users", 0)),
        latencies=dict(sorted(latencies.items())),
        rewards={
            reward: RewardCounts(
                conversions=int(values.get("conversions", 0)),
                positive=int(values.get("positive", 0)),
                total=float(values.get("sum", 0)),
                squares=float(values.get("squares", 0)),
            )
            for reward, values in sorted(rewards.items())
        },
    )
