"""A record's numbers over time: rewards, rates, shares, the difference between the variants, and how sure it is.

Times are seconds since the first request. At each moment only what was known then counts: requests that had had time
to earn their rewards, and the rewards received by that time.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Stratum
from contender.experiments.intervals import difference
from contender.report.records import Record, Request

MOMENTS = 60
POSTERIORS = 4
GRID = 400
FEWEST_REQUESTS = 5
YES = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """Values of one variant at times."""

    times_s: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """The challenger's mean reward minus the champion's, between bounds that hold at all times at once."""

    times_s: tuple[float, ...]
    estimates: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Density:
    """Where a variant's mean reward plausibly lies, after `requests` of its requests."""

    at_s: float
    requests: int
    rewards: Floats
    density: Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """How a variant's scores tell the positive from the negative: confusion counts at 0.5, and the ROC curve.

    The curve is empty where all were of one kind.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    false_rates: Floats
    true_rates: Floats
    auc: float

    @property
    def accuracy(self) -> float:
        return (self.true_positive + self.true_negative) / self.n

    @property
    def n(self) -> int:
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative


class Series:
    """The series of one record; it must hold a request."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._first = record.requests[0].at
        received = [at for request in record.requests for at, _ in request.rewards]
        last = max([record.requests[-1].at, *received])
        self.end_s = max(self.since(last), 1.0)
        self._sent = [self.since(request.at) for request in record.requests]

    def since(self, at: datetime) -> float:
        """Seconds since the first request."""
        return (at - self._first).total_seconds()

    def moments(self) -> list[float]:
        return [self.end_s * number / MOMENTS for number in range(1, MOMENTS + 1)]

    def cumulative_rewards(self) -> dict[str, Line]:
        lines = {}
        for variant in self.record.variants:
            received = sorted(
                (self.since(at), amount)
                for request in self.record.requests
                if request.variant == variant
                for at, amount in request.rewards
            )
            times = [0.0, *[at for at, _ in received], self.end_s]
            sums = np.cumsum([amount for _, amount in received]).tolist()
            lines[variant] = Line(tuple(times), (0.0, *sums, sums[-1] if sums else 0.0))
        return lines

    def reward_rates(self) -> dict[str, Line]:
        """Reward per request so far."""
        lines: dict[str, Line] = {}
        arms = [(at, self.arms(at)) for at in self.moments()]
        for variant in self.record.variants:
            points = [(at, _mean(known[variant], self.record.goal.kind)) for at, known in arms if known[variant].n]
            lines[variant] = Line(tuple(at for at, _ in points), tuple(rate for _, rate in points))
        return lines

    def recent_rates(self) -> dict[str, Line]:
        """Reward per request of each tenth of the time; a tenth in which a variant got fewer than five is left out."""
        width_s = self.end_s / 10
        lines = {}
        for variant in self.record.variants:
            points = []
            for number in range(10):
                low, high = number * width_s, (number + 1) * width_s
                earned = [
                    sum(amount for _, amount in request.rewards)
                    for request, at in zip(self.record.requests, self._sent, strict=True)
                    if request.variant == variant and low <= at < high
                ]
                if len(earned) >= FEWEST_REQUESTS:
                    points.append((low + width_s / 2, sum(earned) / len(earned)))
            lines[variant] = Line(tuple(at for at, _ in points), tuple(rate for _, rate in points))
        return lines

    def shares(self) -> dict[str, Line]:
        """Shares by which requests were assigned, as steps: a value holds until the next time."""
        changes: list[tuple[float, Mapping[str, float]]] = []
        for at, request in zip(self._sent, self.record.requests, strict=True):
            if not changes or changes[-1][1] != request.shares:
                changes.append((at, request.shares))
        changes.append((self.end_s, changes[-1][1]))
        times = tuple(at for at, _ in changes)
        return {
            variant: Line(times, tuple(shares.get(variant, 0.0) for _, shares in changes))
            for variant in self.record.variants
        }

    def band(self) -> Band:
        """From the first moment on at which both variants had been asked."""
        goal = self.record.goal
        points = []
        for at in self.moments():
            interval = difference(
                self.strata(at), self.record.champion, self.record.challenger, goal.kind, goal.alpha, goal.n_star
            )
            if math.isfinite(interval.lower) and math.isfinite(interval.upper):
                points.append((at, interval.estimate, interval.lower, interval.upper))
        columns = list(zip(*points, strict=True)) or [(), (), (), ()]
        return Band(*columns)

    def posteriors(self) -> list[dict[str, Density]]:
        """By variant at a few moments: Beta(1 + successes, 1 + failures); of real rewards the normal of the mean."""
        looks = []
        for number in range(1, POSTERIORS + 1):
            at = self.end_s * number / POSTERIORS
            arms = self.arms(at)
            looks.append({variant: _density(at, arm, self.record.goal.kind) for variant, arm in arms.items() if arm.n})
        return looks

    def rankings(self) -> dict[str, Ranking]:
        """Of the variants of which answer and truth are known."""
        found = {}
        for variant in self.record.variants:
            outcomes = [r.outcome for r in self.record.requests if r.variant == variant and r.outcome is not None]
            if outcomes:
                found[variant] = _ranking(
                    np.array([outcome.positive for outcome in outcomes]),
                    np.array([outcome.score for outcome in outcomes]),
                )
        return found

    def totals(self) -> dict[str, Arm]:
        """All that came of each variant in the end."""
        return self.arms(self.end_s + self.record.goal.reward_window_s)

    def arms(self, at_s: float) -> dict[str, Arm]:
        """What was known of each variant at a moment."""
        arms = dict.fromkeys(self.record.variants, Arm())
        for request in self._until(at_s):
            arms[request.variant] += self._arm(request, at_s)
        return arms

    def strata(self, at_s: float) -> tuple[Stratum, ...]:
        """The same by stretch of time in which the shares stayed."""
        strata: list[tuple[Mapping[str, float], dict[str, Arm]]] = []
        for request in self._until(at_s):
            if not strata or strata[-1][0] != request.shares:
                strata.append((request.shares, dict.fromkeys(request.shares, Arm())))
            arms = strata[-1][1]
            arms[request.variant] = arms.get(request.variant, Arm()) + self._arm(request, at_s)
        return tuple(Stratum(shares, arms) for shares, arms in strata)

    def _until(self, at_s: float) -> Sequence[Request]:
        return self.record.requests[: bisect_right(self._sent, at_s - self.record.goal.reward_window_s)]

    def _arm(self, request: Request, at_s: float) -> Arm:
        total = sum(amount for at, amount in request.rewards if self.since(at) <= at_s)
        return Arm(n=1, successes=total > 0, total=total, squares=total * total, errors=request.failed)


def _mean(arm: Arm, kind: Kind) -> float:
    return arm.of(kind)[0]


def _density(at_s: float, arm: Arm, kind: Kind) -> Density:
    if kind == "binary":
        rewards = np.linspace(0, 1, GRID)
        density = stats.beta.pdf(rewards, 1 + arm.converted, 1 + arm.n - arm.converted)
    else:
        error = math.sqrt(max(arm.variance, 1e-12) / max(arm.n, 1))
        rewards = np.linspace(arm.mean - 5 * error, arm.mean + 5 * error, GRID)
        density = stats.norm.pdf(rewards, arm.mean, error)
    return Density(at_s, int(arm.n), rewards, density)


def _ranking(positive: Any, scores: Any) -> Ranking:
    said = scores >= YES
    both = 0 < positive.sum() < len(positive)
    false_rates, true_rates, _ = metrics.roc_curve(positive, scores) if both else ([], [], [])
    return Ranking(
        true_positive=int((said & positive).sum()),
        false_positive=int((said & ~positive).sum()),
        false_negative=int((~said & positive).sum()),
        true_negative=int((~said & ~positive).sum()),
        false_rates=np.asarray(false_rates),
        true_rates=np.asarray(true_rates),
        auc=float(metrics.roc_auc_score(positive, scores)) if both else math.nan,
    )
