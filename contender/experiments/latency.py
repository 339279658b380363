"""Latencies counted in buckets that grow by 4.4 %, so that a quantile needs no list of requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from operator import add
from typing import Any

PER_DOUBLING = 16
BUCKETS = 16 * PER_DOUBLING + 1
"""Bucket 0 ends at 1 ms, bucket i at 2^(i/16) ms; the last one ends at 65.5 s, beyond SageMaker's 60 s, and is open."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """How many requests fell into each bucket, `BUCKETS` of them; `Latencies()` is none."""

    counts: tuple[float, ...] = (0,) * BUCKETS

    def __post_init__(self) -> None:
        if len(self.counts) != BUCKETS:
            raise ValueError(f"latencies have {BUCKETS} buckets, not {len(self.counts)}: see Latencies.index")

    @classmethod
    def of(cls, counts: Mapping[int, float]) -> Latencies:
        """From the buckets that are not empty."""
        found: list[float] = [0] * BUCKETS
        for bucket, count in counts.items():
            if 0 <= bucket < BUCKETS:
                found[bucket] = count
        return cls(tuple(found))

    @staticmethod
    def index(ms: float) -> int:
        """The bucket that a latency falls into."""
        if not ms > 1:
            return 0
        return min(math.ceil(PER_DOUBLING * math.log2(ms) - 1e-9), BUCKETS - 1)

    @staticmethod
    def bound(bucket: int) -> float:
        """Where the bucket ends, in ms."""
        return math.pow(2, bucket / PER_DOUBLING)

    def __add__(self, other: Latencies) -> Latencies:
        return Latencies(tuple(map(add, self.counts, other.counts)))

    @property
    def n(self) -> float:
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """The end of the bucket in which the q-th of the requests lies, in ms; 0 without requests."""
        wanted, seen = q * self.n, 0.0
        if self.n <= 0:
            return 0.0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted and count:
                return self.bound(bucket)
        return self.bound(BUCKETS - 1)

    def above(self, ms: float) -> float:
        """Requests that were slower for certain: those of the buckets after the one that `ms` lies in."""
        return sum(self.counts[self.index(ms) + 1 :])

    def to_json(self) -> dict[str, float]:
        return {str(bucket): count for bucket, count in enumerate(self.counts) if count}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Latencies:
        return cls.of({int(bucket): count for bucket, count in document.items()})
