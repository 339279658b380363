"""Counts that bias metrics are made of, in AWS's letters: facet *d* is the sensitive group, facet *a* the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from contender.local.containers.clarify.columns import Rows


class Undefined(Exception):
    """A metric that has no value for these counts; the message says why."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Rows of one facet: `positive` and `negative` by a label, observed or predicted."""

    positive: int
    negative: int

    @classmethod
    def count(cls, rows: Rows, label: Rows) -> Labels:
        positive = int(np.count_nonzero(rows & label))
        return cls(positive, int(np.count_nonzero(rows)) - positive)

    @property
    def n(self) -> int:
        return self.positive + self.negative

    @property
    def distribution(self) -> tuple[float, float]:
        return self.positive / self.n, self.negative / self.n


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows of one facet by observed and predicted label."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def count(cls, rows: Rows, label: Rows, predicted: Rows) -> Confusion:
        hits, misses = Labels.count(rows & predicted, label), Labels.count(rows & ~predicted, label)
        return cls(tp=hits.positive, fp=hits.negative, fn=misses.positive, tn=misses.negative)

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def observed(self) -> Labels:
        return Labels(self.tp + self.fn, self.fp + self.tn)

    @property
    def predicted(self) -> Labels:
        return Labels(self.tp + self.fp, self.fn + self.tn)


def divide(a: float, b: float) -> float:
    """As AWS's library divides counts: nothing of nothing is 0, something of nothing infinite."""
    if b == 0:
        return 0.0 if a == 0 else math.copysign(math.inf, a)
    return a / b


def subtract(a: float, b: float) -> float:
    """Two ratios that are both infinite do not differ."""
    return 0.0 if a == b else a - b


def both(a: Labels | Confusion, d: Labels | Confusion) -> None:
    """Raises Undefined if one of the facets is empty."""
    if d.n == 0:
        raise Undefined("Facet set is empty: no row belongs to the sensitive group")
    if a.n == 0:
        raise Undefined("Negated facet set is empty: every row belongs to the sensitive group")
