"""Experiments: error rates of verdicts under continuous looking, regret beside MABWiser's, and assignment.

All customers come from one seed, so the figures are the same each time; only the microseconds differ. The naive peers,
tests for one look that are asked again at every look, judge the very same customers.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist, fmean, stdev

import numpy as np
from mabwiser.mab import MAB, LearningPolicy
from numpy.typing import NDArray
from scipy import stats

from bench.figure import Figure
from contender.experiments.arms import Arm, Kind
from contender.experiments.assignment import assign
from contender.experiments.draws import binomial, multinomial
from contender.experiments.evidence import Evidence, Stratum, Users
from contender.experiments.goal import Goal, Method
from contender.experiments.guardrails import Guardrail
from contender.experiments.judge import judge
from contender.experiments.sample_ratio import sample_ratio
from contender.experiments.simulation import Batch, Change, Course, Problem, Traffic, play, seeded, settle
from contender.experiments.strategies import Strategy, strategy
from contender.experiments.verdict import Outcome

SEED = 2026
ALPHA = 0.05
METHODS: tuple[Method, ...] = ("confidence_sequence", "msprt")
RUNS = 1000
POWER_RUNS = 2000
ADAPTIVE_RUNS = 400
GUARD_RUNS = 400
RATIO_RUNS = 500
RATIO_ALPHA = 0.01
BANDIT_RUNS = 30
NAMES = ("v1", "v2", "v3")

EVEN = strategy("Weighted")
LOOKS = Traffic(requests=10_000, batch=100)
"""A look after every 100 requests of two variants: 50 an arm, as the figures to beat were measured."""
SLOW = Traffic(requests=10_000, batch=500)
GUARD = Guardrail("error_rate", limit=0.01)
RATES = (0.10, 0.12, 0.15)
SEGMENTS = ((0.3, 0.5, 0.9), (0.3, 0.2, 0.9), (0.3, 0.2, 0.1), (0.7, 0.2, 0.1), (0.7, 0.5, 0.1))
"""Means that change after every 1,000 of 5,000 requests: the first such problem of SMPyBandits."""
DISCOUNT = 0.8
SESSION = 5
AMOUNT = (1.0, 1.2)
"""Of those who buy, one in ten, the amount is e^(1 + 1.2·z): as heavy a tail as sums of money have."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of a run, by goal: whether anyone was promoted, whether anything was decided, and after how many requests.

    naive: whether a test for one look ever says that the first two differ.
    """

    promoted: tuple[bool, ...]
    decided: tuple[bool, ...]
    at: tuple[int, ...]
    naive: bool


@dataclass(frozen=True, slots=True)
class Rates:
    """The same of many runs, in parts of them; stops in requests of one arm."""

    promoted: tuple[float, ...]
    decided: tuple[float, ...]
    stop: tuple[float, ...]
    naive: float


def run() -> Iterator[Figure]:
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        yield from _wrong_verdicts(pool)
        yield from _repeated(pool)
        yield from _power(pool)
        yield from _adaptive(pool)
        yield from _guardrails(pool)
        yield from _ratios(pool)
        yield from _regrets(pool)
        yield from _changing(pool)
    yield Figure("assignment of a user among 3 variants", _assignment_us(), "µs", bound=10)


def _wrong_verdicts(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    binary = partial(_even, Problem({"v1": 0.10, "v2": 0.10}), "binary")
    normal = partial(_even, Problem({"v1": 1.0, "v2": 1.0}, "real"), "real")
    for name, one in (("binary", binary), ("normal", normal), ("heavy-tailed", _heavy)):
        rates = _rates(pool, one, RUNS)
        for method, decided in zip(METHODS, rates.decided, strict=True):
            yield _part(f"equal, {name}: {method} decides", decided, ALPHA)
        yield _part("  the same customers, a test for one look at each look", rates.naive)


def _repeated(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    """What alpha does not cover: users who come back, and whose requests end alike (see docs/statistics.md)."""
    rates = _rates(pool, _sessions, RUNS)
    yield _part("equal, 5 alike requests a user (design effect 1.8): decides", rates.decided[0])
    yield _part("  the same customers, with that design effect in the goal", rates.decided[1], ALPHA)


def _power(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    rates = _rates(pool, partial(_even, Problem({"v1": 0.10, "v2": 0.13}), "binary"), POWER_RUNS)
    to_beat = ((0.970, 2188), (0.953, 2725))
    for method, promoted, stop, (power, most) in zip(METHODS, rates.promoted, rates.stop, to_beat, strict=True):
        yield _part(f".10 against .13: {method} promotes", promoted, power, at_least=True)
        yield Figure("  requests an arm until then, on average", stop, "", bound=most)


def _even(problem: Problem, kind: Kind, number: int) -> Told:
    return _told(play(problem, LOOKS, EVEN, seeded(SEED, number)), [Goal(kind, method=method) for method in METHODS])


def _heavy(number: int) -> Told:
    """Equal variants whose rewards are amounts of money, drawn request by request."""
    random = np.random.default_rng((SEED, number))
    batches = []
    for _ in range(LOOKS.requests // LOOKS.batch):
        first = random.random(LOOKS.batch) < 0.5
        buys = random.random(LOOKS.batch) < 0.1
        rewards = np.where(buys, np.exp(random.normal(*AMOUNT, LOOKS.batch)), 0.0)
        arms = {name: _arm(rewards[mine]) for name, mine in (("v1", first), ("v2", ~first))}
        batches.append(Batch({"v1": 0.0, "v2": 0.0}, {"v1": 0.5, "v2": 0.5}, arms))
    course = Course(Problem({"v1": 0.0, "v2": 0.0}, "real"), LOOKS, tuple(batches))
    return _told(course, [Goal("real", method=method) for method in METHODS])


def _sessions(number: int) -> Told:
    """Equal variants; each user has a success rate of their own, Beta(0.4, 3.6), and makes five requests in a row."""
    random = np.random.default_rng((SEED, number))
    batches = []
    for _ in range(LOOKS.requests // LOOKS.batch):
        users = LOOKS.batch // SESSION
        successes = random.binomial(SESSION, random.beta(0.4, 3.6, users))
        first = random.random(users) < 0.5
        arms = {}
        for name, mine in (("v1", first), ("v2", ~first)):
            total = int(successes[mine].sum())
            arms[name] = Arm(SESSION * int(mine.sum()), total, total, total)
        batches.append(Batch({"v1": 0.1, "v2": 0.1}, {"v1": 0.5, "v2": 0.5}, arms))
    course = Course(Problem({"v1": 0.1, "v2": 0.1}), LOOKS, tuple(batches))
    return _told(course, [Goal(), Goal(design_effect=1.8)])


def _arm(rewards: NDArray[np.float64]) -> Arm:
    return Arm(len(rewards), int((rewards > 0).sum()), float(rewards.sum()), float((rewards**2).sum()))


def _told(course: Course, goals: Sequence[Goal]) -> Told:
    settlements = [settle(course, goal) for goal in goals]
    return Told(
        promoted=tuple(each.promoted is not None for each in settlements),
        decided=tuple(bool(each.promoted or each.rolled_back) for each in settlements),
        at=tuple(each.at or course.traffic.requests for each in settlements),
        naive=_naive(course, goals[0]),
    )


def _naive(course: Course, goal: Goal) -> bool:
    """Whether a test for one look finds the first two variants different at any look, once the sample is as large."""
    a = b = Arm()
    threshold = NormalDist().inv_cdf(1 - ALPHA / 2)
    for batch in course.batches:
        a, b = a + batch.arms["v1"], b + batch.arms["v2"]
        if min(a.n, b.n) < goal.minimum_sample:
            continue
        (mine, variance), (theirs, other) = a.of(goal.kind), b.of(goal.kind)
        if (mine - theirs) ** 2 > threshold**2 * (variance / a.n + other / b.n):
            return True
    return False


def _rates(pool: ProcessPoolExecutor, one: Callable[[int], Told], runs: int) -> Rates:
    told = list(pool.map(one, range(runs), chunksize=20))
    return Rates(
        promoted=tuple(fmean(column) for column in zip(*(each.promoted for each in told), strict=True)),
        decided=tuple(fmean(column) for column in zip(*(each.decided for each in told), strict=True)),
        stop=tuple(fmean(column) / 2 for column in zip(*(each.at for each in told), strict=True)),
        naive=fmean(each.naive for each in told),
    )


def _adaptive(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    """Where shares follow the rewards while all rates double, time itself tells variants apart."""
    rates = _rates(pool, _moving, ADAPTIVE_RUNS)
    yield _part("equal, Thompson's shares, rates that double: decides", rates.decided[0], ALPHA)
    yield _part("  the same customers, a test of all time at each look", rates.naive)
    yield _part("three challengers, all equal: decides on any", _rates(pool, _three, ADAPTIVE_RUNS).decided[0], ALPHA)


def _moving(number: int) -> Told:
    problem = Problem({"v1": 0.10, "v2": 0.10}, trend=1.0)
    course = play(problem, SLOW, strategy("Thompson", floor=0.05), seeded(SEED, number))
    return _told(course, [Goal(minimum_sample=200)])


def _three(number: int) -> Told:
    problem = Problem(dict.fromkeys(("v1", "v2", "v3", "v4"), 0.10))
    return _told(play(problem, SLOW, EVEN, seeded(SEED, number)), [Goal(minimum_sample=200)])


def _guardrails(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    """A challenger that fails just as much more often as the limit allows, and one that fails for certain."""
    allowed, broken = (
        list(pool.map(partial(_guarded, extra), range(GUARD_RUNS), chunksize=20)) for extra in (GUARD.limit, 0.5)
    )
    yield _part("errors at the guardrail's limit: rolled back", fmean(at is not None for at in allowed), ALPHA)
    yield _part(
        "errors in half of the requests: rolled back", fmean(at is not None for at in broken), 1.0, at_least=True
    )
    yield Figure("  the challenger's requests until then, at most", max(at or 0 for at in broken), "")


def _guarded(extra: float, number: int) -> int | None:
    """After how many of the challenger's requests it is rolled back; a look after every 100 requests of both."""
    random = seeded(SEED, number)
    stratum = Stratum({"v1": 0.9, "v2": 0.1}, {"v1": Arm(), "v2": Arm()})
    for _ in range(100):
        counts = multinomial(random, 100, stratum.shares)
        errors = {"v1": binomial(random, counts["v1"], 0.01), "v2": binomial(random, counts["v2"], 0.01 + extra)}
        arms = {name: arm + Arm(n=counts[name], errors=errors[name]) for name, arm in stratum.arms.items()}
        stratum = Stratum(stratum.shares, arms)
        verdict = judge(None, [GUARD], Evidence(guard=(stratum,)), "v1", "v2", 0.0)
        if verdict.outcome is Outcome.ROLL_BACK:
            return int(arms["v2"].n)
    return None


def _ratios(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    alarms = list(pool.map(_ratio_alarms, range(RATIO_RUNS), chunksize=25))
    sequential = fmean(ours for ours, _ in alarms)
    yield _part("sample ratio, adaptive shares: false alarms in 100 looks", sequential, RATIO_ALPHA)
    yield _part("  the same users, a χ² test at each look", fmean(naive for _, naive in alarms))


def _ratio_alarms(number: int) -> tuple[bool, bool]:
    """Whether users who all went where they should ever raise an alarm: by the sequential test, by a repeated χ²."""
    random = seeded(SEED, number)
    course = play(Problem(dict(zip(NAMES, RATES, strict=True))), LOOKS, strategy("EpsilonGreedy", epsilon=0.3), random)
    users: list[Users] = []
    expected, observed = np.zeros(3), np.zeros(3)
    ours = naive = False
    limit = stats.chi2.isf(RATIO_ALPHA, 2)
    for batch in course.batches:
        counts = multinomial(random, LOOKS.batch, batch.shares)
        users.append(Users(batch.shares, counts))
        expected += [LOOKS.batch * batch.shares[name] for name in NAMES]
        observed += [counts[name] for name in NAMES]
        naive = naive or bool(((observed - expected) ** 2 / expected).sum() > limit)
        ours = ours or sample_ratio(users).alarm(RATIO_ALPHA)
    return ours, naive


def _regrets(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    """Pseudo-regret: Thompson's is to be no worse than the best of theirs, the others' no worse than their namesakes'.

    No worse is a difference, seed by seed, of at most two of its standard errors: chance has no bound of its own.
    """
    problem = Problem(dict(zip(NAMES, RATES, strict=True)))
    for batch, delay in ((100, 0), (1000, 0), (100, 10)):
        traffic = Traffic(10_000, batch, delay)
        what = f"regret, batches of {batch:,}" + (f", {delay} late" if delay else "")
        made = {
            "ThompsonSampling": strategy("Thompson"),
            "EpsilonGreedy": strategy("EpsilonGreedy"),
            "UCB1": strategy("UCB1", batch=batch),
        }
        theirs = {name: _played(pool, partial(_mabwiser, problem, traffic, name)) for name in made}
        for name, regrets in theirs.items():
            yield _regret(f"{what}: MABWiser {name}", regrets)
        best = min(fmean(regrets) for regrets in theirs.values())
        for name, each in made.items():
            regrets = _played(pool, partial(_ours, problem, traffic, each, 1.0))
            bound = best if name == "ThompsonSampling" else None
            yield _regret(f"{what}: {type(each).__name__}", regrets, bound)
            more = [mine - other for mine, other in zip(regrets, theirs[name], strict=True)]
            error = stdev(more) / math.sqrt(len(more))
            yield Figure(f"  more than MABWiser's {name}, ±{error:.1f} (standard error)", fmean(more), "", 2 * error)


def _changing(pool: ProcessPoolExecutor) -> Iterator[Figure]:
    means = [dict(zip(NAMES, segment, strict=True)) for segment in SEGMENTS]
    changes = tuple(Change(1000 * place, each) for place, each in enumerate(means) if place)
    problem, traffic = Problem(means[0], changes=changes), Traffic(5000, 50)
    what = "regret, four changes"
    plain = _played(pool, partial(_mabwiser, problem, traffic, "ThompsonSampling"))
    yield _regret(f"{what}: MABWiser ThompsonSampling", plain)
    ours = _played(pool, partial(_ours, problem, traffic, strategy("Thompson"), DISCOUNT))
    yield _regret(f"{what}: Thompson, discount {DISCOUNT:g}", ours, fmean(plain) / 2)


def _played(pool: ProcessPoolExecutor, one: Callable[[int], float]) -> list[float]:
    """The regret of each seed."""
    return list(pool.map(one, range(BANDIT_RUNS), chunksize=3))


def _regret(name: str, regrets: Sequence[float], bound: float | None = None) -> Figure:
    return Figure(f"{name} ±{stdev(regrets):.0f}", fmean(regrets), "", bound=bound)


def _ours(problem: Problem, traffic: Traffic, made: Strategy, gamma: float, number: int) -> float:
    return sum(batch.regret for batch in play(problem, traffic, made, seeded(SEED, number), gamma=gamma).batches)


def _mabwiser(problem: Problem, traffic: Traffic, name: str, number: int) -> float:
    """The same experiment with MABWiser's policy; until the first rewards have arrived, arms are drawn evenly."""
    random = np.random.default_rng((SEED, number))
    policy = {
        "ThompsonSampling": LearningPolicy.ThompsonSampling(),
        "EpsilonGreedy": LearningPolicy.EpsilonGreedy(epsilon=0.1),
        "UCB1": LearningPolicy.UCB1(alpha=1.0),
    }[name]
    mab = MAB(list(problem.means), policy, seed=number)
    waiting: list[tuple[list[str], list[int]]] = []
    regret, fitted = 0.0, False
    for start in range(0, traffic.requests, traffic.batch):
        if len(waiting) > traffic.delay:
            (mab.partial_fit if fitted else mab.fit)(*waiting.pop(0))
            fitted = True
        means = problem.means_at(start, traffic.requests)
        chosen = [mab.predict() if fitted else str(random.choice(list(means))) for _ in range(traffic.batch)]
        rates = np.array([means[arm] for arm in chosen])
        regret += float((max(means.values()) - rates).sum())
        waiting.append((chosen, (random.random(traffic.batch) < rates).astype(int).tolist()))
    return regret


def _assignment_us() -> float:
    """The best of several rounds: the machine's noise only ever adds."""
    shares: Mapping[str, float] = {"v1": 0.8, "v2": 0.15, "v3": 0.05}
    users = [f"user-{number}" for number in range(20_000)]
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for user in users:
            assign("contender-SM-1-e4", user, shares)
        rounds.append((time.perf_counter() - began) / len(users) * 1e6)
    return min(rounds)


def _part(name: str, part: float, bound: float | None = None, *, at_least: bool = False) -> Figure:
    return Figure(name, 100 * part, "%", bound=None if bound is None else 100 * bound, at_least=at_least)
