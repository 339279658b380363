"""How long a test will run: the distribution of its stopping time, computed and not simulated.

What a verdict rests on is, but for its scale, a Brownian motion with a drift: after n requests, n times the estimated
difference over the standard deviation that one request adds. It stops where it crosses the verdict's own bound. That
bound is found by asking the verdict itself, so every method and setting is planned for as it will be judged; how the
probability spreads below the bound is summed up look by look (Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A
132:235). Looks in between, that a tick would take, count by Siegmund's correction for the overshoot (1985).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

from contender.errors import SettingsError
from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Evidence, Stratum
from contender.experiments.goal import Goal
from contender.experiments.judge import judge
from contender.experiments.verdict import Outcome

CHAMPION, CHALLENGER = "champion", "challenger"
STANDARD = NormalDist()

GROWTH = 1.04
"""From one computed look to the next, where a tick looks more often."""
POINTS = 120
"""Of the grid between the bound and where nothing is left."""
SIMPSON = [(1 if place in (0, POINTS) else 4 if place % 2 else 2) / 3 for place in range(POINTS + 1)]
"""Weights of the grid's points in an integral."""
REACH = 6.0
"""Standard deviations beyond which a normal distribution is left out."""
OVERSHOOT = 0.5826
"""-ζ(1/2)/√(2π): by how many standard deviations of a step a random walk passes a bound."""
LEFT = 0.001
"""Probability of going on at which a test without an end counts as over."""
LONGEST = 1000
"""Times the requests of a fixed test: what takes longer is not followed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is planned for: rewards as they are, the smallest difference that matters, and the traffic.

    baseline: the champion's reward per request. effect: what the challenger earns more. deviation: of one request's
    reward, real rewards only. share: of the traffic that goes to the challenger; the champion has the rest.
    looks_per_day: how often a tick looks. power: of the fixed test that is shown beside it.
    """

    baseline: float
    effect: float
    requests_per_day: float
    share: float = 0.5
    deviation: float = 1.0
    looks_per_day: float = 24.0
    power: float = 0.8

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise SettingsError(problem)

    def _problems(self) -> Iterator[str]:
        for name in self.__dataclass_fields__:
            if not math.isfinite(getattr(self, name)):
                yield f"{name} {getattr(self, name):g} is no finite number"
        if not 0 < self.share < 1:
            yield f"share {self.share:g} must be above 0 and below 1: both variants need requests to be compared"
        if not self.effect > 0:
            yield f"effect {self.effect:g} must be above 0: it is what a better challenger earns more per request"
        if not (self.requests_per_day > 0 and self.looks_per_day > 0):
            yield f"{self.requests_per_day:g} requests and {self.looks_per_day:g} looks a day: both must be above 0"
        if not self.deviation > 0:
            yield f"deviation {self.deviation:g} must be above 0: rewards that do not vary need no test"
        if not 0 < self.power < 1:
            yield f"power {self.power:g} must be above 0 and below 1"


@dataclass(frozen=True, slots=True)
class Plan:
    """Days until a challenger with the effect is promoted; a test that is cut short stops at its last day.

    p90_days is None where less than 90 % are promoted in time. power: part that is promoted in time.
    false_promotion: the same of a challenger that equals the champion. fixed_days: of a test with one look at its end
    and the same level. detectable: effect that is found in time with the question's power; None without an end.
    """

    mean_days: float
    median_days: float | None
    p90_days: float | None
    power: float
    false_promotion: float
    fixed_days: float
    detectable: float | None
    last_day: float | None


@dataclass(frozen=True, slots=True)
class Stopping:
    """Probability of stopping by each number of requests, at the looks that were computed."""

    requests: tuple[float, ...]
    by_then: tuple[float, ...]

    def mean(self) -> float:
        """A test that goes on stops at the last look."""
        total, before, last = 0.0, 0.0, 0.0
        for requests, chance in zip(self.requests, self.by_then, strict=True):
            total += (chance - before) * ((last + requests) / 2 if last else requests)
            before, last = chance, requests
        return total + (1 - before) * last

    def quantile(self, q: float) -> float | None:
        """Requests by which the q-th part has stopped, between looks in proportion; None when it never has."""
        before, last = 0.0, 0.0
        for requests, chance in zip(self.requests, self.by_then, strict=True):
            if chance >= q:
                return last + (requests - last) * (q - before) / (chance - before) if last else requests
            before, last = chance, requests
        return None


def plan(question: Question, goal: Goal, days: float | None = None) -> Plan:
    """How long the test will run, and at most `days`; SettingsError for rates that cannot be."""
    _check_rates(question, goal.kind)
    fixed = fixed_requests(question, goal)
    last = None if days is None else days * question.requests_per_day
    better = stopping(question, goal, question.effect, last or LONGEST * fixed)
    equal = stopping(question, goal, 0.0, last or better.requests[-1])

    def in_days(requests: float | None) -> float | None:
        return None if requests is None else requests / question.requests_per_day

    return Plan(
        mean_days=better.mean() / question.requests_per_day,
        median_days=in_days(better.quantile(0.5)),
        p90_days=in_days(better.quantile(0.9)),
        power=better.by_then[-1],
        false_promotion=equal.by_then[-1],
        fixed_days=fixed / question.requests_per_day,
        detectable=None if last is None else _detectable(question, goal, last),
        last_day=days,
    )


def fixed_requests(question: Question, goal: Goal) -> float:
    """Requests of both that a two-sided test with one look needs for the question's power."""
    z = STANDARD.inv_cdf(1 - goal.alpha / 2) + STANDARD.inv_cdf(question.power)
    return (z * _deviation(question, goal, question.effect) / question.effect) ** 2


def stopping(question: Question, goal: Goal, effect: float, most: float) -> Stopping:
    """When a challenger that earns `effect` more than the champion is promoted, of at most `most` requests."""
    deviation = _deviation(question, goal, effect)
    drift = effect / deviation
    tick = question.requests_per_day / question.looks_per_day
    requests, by_then = [], []
    promoted, left, last = 0.0, 1.0, 0.0
    grid = [0.0, 0.0]
    density = [0.0, 0.0]
    for n in _looks(question, goal, tick, most):
        step, mean, spread = n - last, drift * n, math.sqrt(n)
        nearer = OVERSHOOT * (math.sqrt(step) - math.sqrt(min(tick, step))) if last else 0.0
        upper = n * _bound(question, goal, n, Outcome.PROMOTE) / deviation - nearer
        lower = n * _bound(question, goal, n, Outcome.ROLL_BACK) / deviation + nearer
        points = _grid(max(lower, mean - REACH * spread), min(upper, mean + REACH * spread))
        if last:
            promoted += _beyond(grid, density, upper - drift * step, step)
            density = _spread(grid, density, points, drift * step, step)
        else:
            promoted = 1 - STANDARD.cdf((upper - mean) / spread)
            density = [STANDARD.pdf((point - mean) / spread) / spread for point in points]
        grid, last = points, n
        left = _integral(grid, density)
        requests.append(n)
        by_then.append(min(promoted, 1.0))
        if left < LEFT:
            break
    return Stopping(tuple(requests), tuple(by_then))


def _looks(question: Question, goal: Goal, tick: float, most: float) -> Iterator[float]:
    """Numbers of requests, from the first at which the sample is large enough; at least one tick apart."""
    smallest = min(question.share, 1 - question.share)
    n = max(math.ceil(goal.minimum_sample / smallest / tick - 1e-9) * tick, tick)
    while n < most:
        yield n
        n = max(n * GROWTH, n + tick)
    yield most


def _bound(question: Question, goal: Goal, n: float, outcome: Outcome) -> float:
    """The difference nearest to none at which the verdict after n requests has this outcome; infinite where none has.

    Above zero for a promotion, below it for a rollback.
    """
    sign = 1 if outcome is Outcome.PROMOTE else -1
    near, far = 0.0, _room(question, goal.kind, outcome)
    if _outcome(question, goal, n, sign * far) is not outcome:
        return sign * math.inf
    while far - near > 1e-4 * far:
        middle = (near + far) / 2
        near, far = (near, middle) if _outcome(question, goal, n, sign * middle) is outcome else (middle, far)
    return sign * far


def _outcome(question: Question, goal: Goal, n: float, effect: float) -> Outcome:
    arms = {
        CHAMPION: _arm(question, goal.kind, n * (1 - question.share), question.baseline),
        CHALLENGER: _arm(question, goal.kind, n * question.share, question.baseline + effect),
    }
    shares = {CHAMPION: 1 - question.share, CHALLENGER: question.share}
    evidence = Evidence(strata=(Stratum(shares, arms),))
    return judge(goal, (), evidence, CHAMPION, CHALLENGER, 0.0).outcome


def _arm(question: Question, kind: Kind, n: float, mean: float) -> Arm:
    if kind == "binary":
        return Arm(n, n * mean, n * mean, n * mean)
    return Arm(n, 0, n * mean, n * mean**2 + max(n - 1, 0) * question.deviation**2)


def _room(question: Question, kind: Kind, outcome: Outcome) -> float:
    """The largest difference that can be."""
    if kind == "real":
        return 100 * question.deviation
    return 1 - question.baseline if outcome is Outcome.PROMOTE else question.baseline


def _deviation(question: Question, goal: Goal, effect: float) -> float:
    """Standard deviation of the difference, times the root of the requests of both."""
    variances = [question.deviation**2] * 2
    if goal.kind == "binary":
        rates = (question.baseline, question.baseline + effect)
        variances = [rate * (1 - rate) for rate in rates]
    return math.sqrt(goal.design_effect * (variances[0] / (1 - question.share) + variances[1] / question.share))


def _detectable(question: Question, goal: Goal, n: float) -> float | None:
    bound = _bound(question, goal, n, Outcome.PROMOTE)
    if not math.isfinite(bound):
        return None
    return bound + STANDARD.inv_cdf(question.power) * _deviation(question, goal, bound) / math.sqrt(n)


def _grid(below: float, above: float) -> list[float]:
    return [below + (above - below) * place / POINTS for place in range(POINTS + 1)]


def _beyond(grid: list[float], density: list[float], bound: float, step: float) -> float:
    """Probability that somebody who was on the grid moves past the bound, the drift left out of both."""
    scale = math.sqrt(2 * step)
    tails = [value * 0.5 * math.erfc((bound - point) / scale) for point, value in zip(grid, density, strict=True)]
    return _integral(grid, tails)


def _spread(grid: list[float], density: list[float], points: list[float], drift: float, step: float) -> list[float]:
    """The density a step later, where it is still below the bound."""
    deviation, width = math.sqrt(step), grid[1] - grid[0]
    weights = list(map(float.__mul__, density, SIMPSON))
    scale = 1 / (deviation * math.sqrt(2 * math.pi))
    found = []
    for point in points:
        centre = (point - drift - grid[0]) / width
        reach = REACH * deviation / width
        first, last = max(math.ceil(centre - reach), 0), min(math.floor(centre + reach), len(grid) - 1)
        found.append(
            width
            * scale
            * sum(
                weights[place] * math.exp(-0.5 * ((centre - place) * width / deviation) ** 2)
                for place in range(first, last + 1)
            )
        )
    return found


def _integral(grid: list[float], values: list[float]) -> float:
    return (grid[1] - grid[0]) * sum(map(float.__mul__, values, SIMPSON))


def _check_rates(question: Question, kind: Kind) -> None:
    if kind == "binary" and not (question.baseline > 0 and question.baseline + question.effect < 1):
        raise SettingsError(
            f"baseline {question.baseline:g} and effect {question.effect:g} are no success rates:"
            " the baseline and their sum must lie between 0 and 1"
        )
