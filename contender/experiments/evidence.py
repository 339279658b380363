"""What an experiment has seen, by stretch of time: the input of a verdict, small enough for a ledger entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any, TypeVar

from contender.experiments.arms import Arm
from contender.experiments.latency import Latencies

SHARE_DIGITS = 6
"""Shares that agree to this many digits are the same shares."""

_Counts = TypeVar("_Counts", Arm, Latencies)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Requests of a stretch of time in which the shares stayed.

    Rewards drift with the hour and shares drift with the verdicts, so counts of one variant over all time are not to
    be compared with those of another; within a stratum they are.
    """

    shares: Mapping[str, float]
    arms: Mapping[str, Arm]
    latencies: Mapping[str, Latencies] = field(default_factory=dict)

    def __add__(self, other: Stratum) -> Stratum:
        """Both stretches as one; sensible when their shares are the same."""
        return Stratum(self.shares, _added(self.arms, other.arms), _added(self.latencies, other.latencies))

    def same_shares(self, other: Stratum) -> bool:
        return _same(self.shares, other.shares)

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "shares": dict(self.shares),
            "arms": {name: arm.to_json() for name, arm in self.arms.items()},
        }
        if self.latencies:
            document["latencies"] = {name: counts.to_json() for name, counts in self.latencies.items()}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Stratum:
        return cls(
            document["shares"],
            {name: Arm.from_json(arm) for name, arm in document["arms"].items()},
            {name: Latencies.from_json(counts) for name, counts in document.get("latencies", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class Users:
    """New users of a stretch of time: how many each variant was to get, and got.

    `expected` are shares, or sums of logged shares: only their proportions count.
    """

    expected: Mapping[str, float]
    counts: Mapping[str, int]

    def to_json(self) -> list[Any]:
        return [dict(self.expected), dict(self.counts)]

    @classmethod
    def from_json(cls, document: list[Any]) -> Users:
        return cls(document[0], document[1])


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verdict is made from, oldest first in every tuple.

    strata      what the goal's reward came to, without the time whose rewards may still arrive
    guard       requests, errors and latencies of all time, the youngest too (`arms[…].n`, `.errors`, `latencies`)
    users       new users, for the sample ratio
    rewards     as `strata`, for each reward that a guardrail names
    """

    strata: tuple[Stratum, ...] = ()
    guard: tuple[Stratum, ...] = ()
    users: tuple[Users, ...] = ()
    rewards: Mapping[str, tuple[Stratum, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "strata": [stratum.to_json() for stratum in self.strata],
            "guard": [stratum.to_json() for stratum in self.guard],
            "users": [users.to_json() for users in self.users],
            "rewards": {name: [stratum.to_json() for stratum in strata] for name, strata in self.rewards.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Evidence:
        return cls(
            tuple(Stratum.from_json(stratum) for stratum in document.get("strata", ())),
            tuple(Stratum.from_json(stratum) for stratum in document.get("guard", ())),
            tuple(Users.from_json(users) for users in document.get("users", ())),
            {
                name: tuple(Stratum.from_json(stratum) for stratum in strata)
                for name, strata in document.get("rewards", {}).items()
            },
        )


def merged(strata: Iterable[Stratum], keep_last: int = 0) -> tuple[Stratum, ...]:
    """Neighbours with the same shares as one stratum, except the last `keep_last`, which stay as they came."""
    strata = tuple(strata)
    return tuple(
        reduce(add, (strata[index] for index in stretch))
        for stretch in stretches([stratum.shares for stratum in strata], keep_last)
    )


def stretches(shares: Sequence[Mapping[str, float]], keep_last: int = 0) -> list[range]:
    """Which neighbours have the same shares; each of the last `keep_last` stands for itself.

    Guardrails want the last ones apart: a variant that begins to fail after a good week is seen there first.
    """
    split = max(len(shares) - keep_last, 0)
    starts = [
        index for index, here in enumerate(shares) if index == 0 or index >= split or not _same(shares[index - 1], here)
    ]
    return [range(start, end) for start, end in pairwise([*starts, len(shares)])]


def totals(strata: Iterable[Stratum]) -> dict[str, Arm]:
    """The arms over all time: for people and for strategies, not for comparing variants (see `Stratum`)."""
    sums: dict[str, Arm] = {}
    for stratum in strata:
        sums = _added(sums, stratum.arms)
    return sums


def _added(one: Mapping[str, _Counts], other: Mapping[str, _Counts]) -> dict[str, _Counts]:
    result = dict(one)
    for name, counts in other.items():
        result[name] = result[name] + counts if name in result else counts
    return result


def _same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one == other or all(
        round(one.get(name, 0.0), SHARE_DIGITS) == round(other.get(name, 0.0), SHARE_DIGITS) for name in {*one, *other}
    )
