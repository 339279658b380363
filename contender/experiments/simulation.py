"""Experiments that never took place: what a strategy and a verdict come to on a problem whose answer is known.

    Problem + Traffic ─► play (a strategy, a random generator) ─► Course ─► settle (a goal) ─► Settlement
                                                    many of them: run ─► Run ─► summary ─► Summary

The strategy and the verdict are the ones that serve; only the customers are made up. Everything is told batch by batch,
as a tick sees it: shares are set at the beginning of a batch from the rewards that have arrived by then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from statistics import fmean, stdev

from contender.errors import SettingsError
from contender.experiments.arms import Arm, Kind
from contender.experiments.draws import binomial, multinomial, normal_sums
from contender.experiments.evidence import Evidence, Stratum
from contender.experiments.forgetting import discounted
from contender.experiments.goal import Goal
from contender.experiments.judge import judge
from contender.experiments.strategies import Strategy
from contender.experiments.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Change:
    """From this request on, the means are these."""

    at: int
    means: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is true of the variants; the first one is the champion.

    means: reward per request. deviation: of one request's reward, real rewards only, which are normal. trend: how much
    all means have grown, relatively, by the last request (0.5: half as much again); differences grow with them.
    """

    means: Mapping[str, float]
    kind: Kind = "binary"
    deviation: float = 1.0
    trend: float = 0.0
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        for means in (self.means, *(change.means for change in self.changes)):
            if len(means) < 2 or means.keys() != self.means.keys():
                raise SettingsError(f"means {dict(means)} do not name the same two or more variants throughout")
            if not all(map(math.isfinite, (*means.values(), self.trend))):
                raise SettingsError(f"means {dict(means)} with trend {self.trend:g} are no finite numbers")
            highest = max(max(mean, mean * (1 + self.trend)) for mean in means.values())
            if self.kind == "binary" and not (min(means.values()) >= 0 and highest <= 1 and self.trend >= -1):
                raise SettingsError(f"means {dict(means)} with trend {self.trend:g} leave [0, 1]: no success rates")
        if self.kind == "real" and not 0 < self.deviation < math.inf:
            raise SettingsError(f"deviation {self.deviation:g} is not a number above 0: rewards would not vary")

    @property
    def champion(self) -> str:
        return next(iter(self.means))

    @property
    def challengers(self) -> tuple[str, ...]:
        return tuple(self.means)[1:]

    def means_at(self, request: float, requests: int) -> dict[str, float]:
        """The means when so many of all requests have been answered."""
        means = self.means
        for change in self.changes:
            if request >= change.at:
                means = change.means
        return {name: mean * (1 + self.trend * request / requests) for name, mean in means.items()}

    def draw(self, random: Random, mean: float, n: int) -> Arm:
        """What n requests of a variant with this mean come to."""
        if self.kind == "binary":
            successes = binomial(random, n, mean)
            return Arm(n, successes, successes, successes)
        total, squares = normal_sums(random, n, mean, self.deviation)
        return Arm(n, 0, total, squares)


@dataclass(frozen=True, slots=True)
class Traffic:
    """All requests, after how many of them shares are set anew, and how many batches rewards are late."""

    requests: int
    batch: int = 100
    delay: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.batch <= self.requests and self.delay >= 0):
            raise SettingsError(
                f"{self.requests} requests in batches of {self.batch}, rewards {self.delay} batches late, cannot be:"
                " a batch has 1 request or more and at most all of them, and nothing arrives early"
            )


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it went: what was true of the variants, the shares, and what each one was asked and earned."""

    means: Mapping[str, float]
    shares: Mapping[str, float]
    arms: Mapping[str, Arm]

    @property
    def requests(self) -> int:
        return int(sum(arm.n for arm in self.arms.values()))

    @property
    def regret(self) -> float:
        """What the best variant would have earned more, on average; chance is left out of it."""
        best = max(self.means.values())
        return sum(arm.n * (best - self.means[name]) for name, arm in self.arms.items())

    @property
    def reward(self) -> float:
        return sum(arm.total for arm in self.arms.values())


@dataclass(frozen=True, slots=True)
class Course:
    """One experiment from the first batch to the last."""

    problem: Problem
    traffic: Traffic
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a goal made of a course: who was promoted if anyone, who was rolled back, and who was found no different.

    `at` is the number of requests after which nothing was left to decide; None when something was until the end.
    """

    promoted: str | None
    rolled_back: tuple[str, ...]
    alike: tuple[str, ...]
    at: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """What is kept of a course: totals after each batch, shares in each batch, and what each goal made of it."""

    regrets: tuple[float, ...]
    rewards: tuple[float, ...]
    shares: tuple[Mapping[str, float], ...]
    settlements: tuple[Settlement, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Many runs in a few numbers.

    false_promotion: part of the runs that promoted a variant that is no better than the champion. power: part that
    promoted the best one; None when the champion is. Stops are numbers of requests; an unsettled run stops at its end.
    """

    runs: int
    regret: float
    regret_deviation: float
    reward: float
    promoted: float
    rolled_back: float
    alike: float
    unsettled: float
    false_promotion: float
    power: float | None
    mean_stop: float
    median_stop: float
    p90_stop: float


def play(problem: Problem, traffic: Traffic, strategy: Strategy, random: Random, *, gamma: float = 1.0) -> Course:
    """One experiment; the strategy sees what has arrived, discounted by `gamma` a batch. No verdict changes it."""
    known = dict.fromkeys(problem.means, Arm())
    batches: list[Batch] = []
    for start in range(0, traffic.requests, traffic.batch):
        size = min(traffic.batch, traffic.requests - start)
        if len(batches) > traffic.delay:
            known = discounted([known, batches[-1 - traffic.delay].arms], gamma)
        shares = strategy.shares(known, problem.kind)
        means = problem.means_at(start, traffic.requests)
        counts = multinomial(random, size, shares)
        arms = {name: problem.draw(random, means[name], count) for name, count in counts.items()}
        batches.append(Batch(means, shares, arms))
    return Course(problem, traffic, tuple(batches))


def settle(course: Course, goal: Goal) -> Settlement:
    """What the goal makes of a course, asked after every batch, once its rewards have arrived.

    The first promotion ends it, as does the verdict on the last challenger.
    """
    problem, delay = course.problem, course.traffic.delay
    waiting = list(problem.challengers)
    ended: dict[Outcome, list[str]] = {Outcome.ROLL_BACK: [], Outcome.INCONCLUSIVE: []}
    strata: list[Stratum] = []

    def settled(promoted: str | None, at: int | None) -> Settlement:
        return Settlement(promoted, tuple(ended[Outcome.ROLL_BACK]), tuple(ended[Outcome.INCONCLUSIVE]), at)

    for place in range(len(course.batches) - delay):
        _append(strata, course.batches[place])
        at = min((place + delay + 1) * course.traffic.batch, course.traffic.requests)
        evidence = Evidence(strata=tuple(strata))
        for challenger in tuple(waiting):
            outcome = judge(
                goal, (), evidence, problem.champion, challenger, 0.0, challengers=len(problem.challengers)
            ).outcome
            if outcome is Outcome.PROMOTE:
                return settled(challenger, at)
            if outcome in ended:
                ended[outcome].append(challenger)
                waiting.remove(challenger)
        if not waiting:
            return settled(None, at)
    return settled(None, None)


def run(
    problem: Problem,
    traffic: Traffic,
    strategy: Strategy,
    goals: Sequence[Goal],
    *,
    seed: int,
    number: int,
    gamma: float = 1.0,
) -> Run:
    """The experiment of this number among those of a seed; every strategy and goal meets the same numbers."""
    course = play(problem, traffic, strategy, seeded(seed, number), gamma=gamma)
    return Run(
        tuple(accumulate(batch.regret for batch in course.batches)),
        tuple(accumulate(batch.reward for batch in course.batches)),
        tuple(batch.shares for batch in course.batches),
        tuple(settle(course, goal) for goal in goals),
    )


def _append(strata: list[Stratum], batch: Batch) -> None:
    """Neighbours with the same shares are one stratum, as a tick reads them (`evidence.merged`)."""
    stratum = Stratum(batch.shares, batch.arms)
    if strata and strata[-1].same_shares(stratum):
        strata[-1] += stratum
    else:
        strata.append(stratum)


def seeded(seed: int, number: int) -> Random:
    """The generator of one experiment: its draws depend on no other one's, nor on who plays them in which order."""
    return Random(f"{seed}/{number}")


def summary(problem: Problem, traffic: Traffic, runs: Sequence[Run], goal: int) -> Summary:
    """What the goal with this place among the goals made of the runs."""
    settlements = [run.settlements[goal] for run in runs]
    promoted = [each.promoted for each in settlements if each.promoted is not None]
    start = problem.means
    best = max(start, key=lambda name: start[name])
    no_better = {name for name in problem.challengers if start[name] <= start[problem.champion]}
    stops = sorted(traffic.requests if each.at is None else each.at for each in settlements)
    count = len(runs)
    return Summary(
        runs=count,
        regret=fmean(run.regrets[-1] for run in runs),
        regret_deviation=stdev(run.regrets[-1] for run in runs) if count > 1 else 0.0,
        reward=fmean(run.rewards[-1] for run in runs),
        promoted=len(promoted) / count,
        rolled_back=sum(len(each.rolled_back) == len(problem.challengers) for each in settlements) / count,
        alike=sum(each.promoted is None and bool(each.alike) for each in settlements) / count,
        unsettled=sum(each.at is None for each in settlements) / count,
        false_promotion=sum(name in no_better for name in promoted) / count,
        power=promoted.count(best) / count if start[best] > start[problem.champion] else None,
        mean_stop=fmean(stops),
        median_stop=quantile(stops, 0.5),
        p90_stop=quantile(stops, 0.9),
    )


def quantile(ordered: Sequence[float], q: float) -> float:
    """The smallest value that at least the q-th part of the values does not exceed."""
    return ordered[max(math.ceil(q * len(ordered)) - 1, 0)]
