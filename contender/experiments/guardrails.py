"""What must not get worse, whatever the goal says: tests that fire only for worse, and may be looked at at any time.

Errors and slow requests are counts, and rare, so their tests are exact for any number of requests: in each stratum the
counts' probability under a Beta(1/2, 1/2) mixture, over the highest that a challenger within the limit gives them, is
a bet that such a challenger cannot be expected to lose to (universal inference, arXiv:1912.11436). The product over
strata is tested; from one to the next, the mixture remembers `MEMORY` requests. Half of the stake is set on the bet
that begins with the first stratum. The rest is set bit by bit on bets that begin with each, so that a good past does
not hide a variant that begins to fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeVar

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum
from contender.experiments.intervals import difference
from contender.experiments.latency import BUCKETS, Latencies

Action = Literal["roll_back", "hold", "warn"]

ERROR_RATE = "error_rate"
LATENCY = "latency_p95"
REWARD = "reward:"
SLOW = 0.05
"""Share of requests slower than the 95th percentile."""
ALIKE = 0.05
"""Strata whose shares differ by less are one to a guardrail: a stratum of few requests can prove little alone."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """How much worse than the champion a challenger may be, and what is done about one that is worse still.

    metric and limit: `error_rate`, the share of failed requests above the champion's (0.01 is one point);
    `latency_p95`, times the champion's 95th percentile; `reward:<name>`, reward per request below the champion's.
    minimum_sample: requests the challenger answers before this is asked.
    alpha: probability that a challenger within the limit is ever taken for one beyond it.
    """

    metric: str
    limit: float
    action: Action = "roll_back"
    minimum_sample: int = 100
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Reading:
    """What a guardrail found: both variants' figures, the challenger's requests, and whether it is beyond the limit."""

    guardrail: Guardrail
    champion: float
    challenger: float
    n: float
    beyond: bool


MEMORY = 300
"""Requests of the strata before that a bet on the next one starts from: rates mostly stay."""
PACE = 100
"""Requests of the challenger after which half of what is set bit by bit has been set. It goes by requests, not strata,
for those of the past are joined as time goes on, and the stake must stay 1 however long it takes."""
LATEST = 6
"""Bets that begin with one of the last strata are all asked, of earlier ones some: enough to see what has changed."""

Counts = TypeVar("Counts", Arm, Latencies)
Pair = tuple[Stratum, Counts, Counts]
"""What champion and challenger did in a stratum."""


def read(guardrail: Guardrail, evidence: Evidence, champion: str, challenger: str, alpha: float) -> Reading:
    """Ask one guardrail, at level `alpha`. ValueError for a metric that there is not."""
    limit = guardrail.limit
    if guardrail.metric == ERROR_RATE:
        arms = [(each, each.arms.get(champion, Arm()), each.arms.get(challenger, Arm())) for each in evidence.guard]
        mine, theirs = sum((pair[1] for pair in arms), Arm()), sum((pair[2] for pair in arms), Arm())
        against = log_bet(arms, lambda a, b, before, after: error_bet(a, b, before, after, limit), Arm())
        return _reading(guardrail, mine.error_rate, theirs.error_rate, theirs.n, against > -math.log(alpha))
    if guardrail.metric == LATENCY:
        none = Latencies()
        times = [
            (each, each.latencies.get(champion, none), each.latencies.get(challenger, none)) for each in evidence.guard
        ]
        slow, slower = sum((pair[1] for pair in times), none), sum((pair[2] for pair in times), none)
        least = -math.log(alpha)
        beyond = (  # the first costs little, is never below the second, and says no where nothing is slow
            log_bet(times, lambda a, b, before, after: latency_bet_there(a, b, before, after, limit), none) > least
            and log_bet(times, lambda a, b, before, after: latency_bet(a, b, before, after, limit), none) > least
        )
        quantiles = slow.quantile(1 - SLOW), slower.quantile(1 - SLOW)
        return _reading(guardrail, *quantiles, slower.n, beyond)
    if guardrail.metric.startswith(REWARD):
        strata = evidence.rewards.get(guardrail.metric.removeprefix(REWARD), ())
        found = difference(strata, champion, challenger, "real", min(2 * alpha, 0.5))
        n = sum(each.arms[challenger].n for each in strata if challenger in each.arms)
        return _reading(guardrail, found.champion, found.challenger, n, found.upper < -limit)
    raise ValueError(f"there is no guardrail {guardrail.metric!r}: use {ERROR_RATE}, {LATENCY} or {REWARD}<name>")


def _reading(guardrail: Guardrail, champion: float, challenger: float, n: float, beyond: bool) -> Reading:
    return Reading(guardrail, champion, challenger, n, beyond and n >= guardrail.minimum_sample)


def log_bet(
    pairs: Sequence[Pair[Counts]], bet: Callable[[Counts, Counts, Counts, Counts], float], none: Counts
) -> float:
    """Logarithm of what bets against the challenger have made of a stake of 1, the late ones beside the first.

    In a stratum without the champion, as while a promoted challenger bakes, the challenger is held against what the
    champion did before.
    """
    alone = len(pairs)
    while alone > 0 and not pairs[alone - 1][1].n:
        alone -= 1
    starts = {0, alone, *range(max(len(pairs) - LATEST, 0), len(pairs))}
    starts.update(len(pairs) - (1 << power) for power in range(len(pairs).bit_length()))
    passed = [*accumulate((pair[2].n for pair in pairs), initial=0.0)]
    logs = []
    for start in sorted(starts - {len(pairs)}):
        stake = (_unset(passed[start]) - _unset(passed[start + 1])) / 2 + (0.5 if start == 0 else 0.0)
        if stake <= 0:
            continue
        groups = _alike(pairs[start:alone]) if start < alone else _against_the_past(pairs[:alone], pairs[start:])
        won, before, after = 0.0, none, none
        for mine, theirs in groups:
            if mine.n and theirs.n:
                won += bet(mine, theirs, before, after)
                before, after = before + mine, after + theirs
        logs.append(won + math.log(stake))
    highest = max(logs, default=-math.inf)
    return highest + math.log(sum(math.exp(log - highest) for log in logs)) if logs else -math.inf


def _unset(requests: float) -> float:
    """What is not set yet, of that which is set bit by bit, after so many of the challenger's requests."""
    return PACE / (PACE + requests)


def error_bet(champion: Arm, challenger: Arm, before: Arm, after: Arm, limit: float) -> float:
    """Log of what the bet wins that the challenger's error rate is more than the champion's plus `limit`.

    before, after: what champion and challenger did in the strata before this one.
    """
    n, m = champion.n, challenger.n
    failed, failing = min(champion.errors, n), min(challenger.errors, m)
    rate, above = _closest_errors(n, failed, m, failing, limit)
    within = _log_likelihood(n, failed, rate) + _log_likelihood(m, failing, above)
    mine = _log_mixture(n, failed, before.n, min(before.errors, before.n))
    return mine + _log_mixture(m, failing, after.n, min(after.errors, after.n)) - within


def latency_bet(champion: Latencies, challenger: Latencies, before: Latencies, after: Latencies, limit: float) -> float:
    """Log of what the bet wins that the challenger's 95th percentile is more than `limit` times the champion's.

    Whichever bucket the champion's percentile really lies in, at least 5 % of its requests are slower than the bucket
    before, and at most 5 % of a challenger's within the limit are slower than `limit` times the bucket's end. The
    bucket that speaks best for the challenger counts.
    """
    counts = champion, challenger, before, after
    used = [bucket for bucket in range(BUCKETS) if any(each.counts[bucket] for each in counts)]
    mine = [bucket for bucket in range(BUCKETS) if champion.counts[bucket] or before.counts[bucket]]
    # outside of these the champion's part stays the same, and the challenger's only speaks less for it
    return min(_latency_bet(bucket, *counts, limit) for bucket in range(mine[0], min(used[-1] + 2, BUCKETS)))


def latency_bet_there(
    champion: Latencies, challenger: Latencies, before: Latencies, after: Latencies, limit: float
) -> float:
    """The same for the bucket that the champion's percentile seems to lie in: never less than for the best one."""
    there = Latencies.index(champion.quantile(1 - SLOW))
    return _latency_bet(there, champion, challenger, before, after, limit)


def _latency_bet(
    bucket: int, champion: Latencies, challenger: Latencies, before: Latencies, after: Latencies, limit: float
) -> float:
    """What the bet wins if the champion's percentile lies in this bucket."""
    late = limit * Latencies.bound(bucket)
    found = _tail_bet(challenger.n, challenger.above(late), after.n, after.above(late), at_least=False)
    if bucket:
        slow = Latencies.bound(bucket - 1)
        found += _tail_bet(champion.n, champion.above(slow), before.n, before.above(slow), at_least=True)
    return found


def _alike(pairs: Iterable[Pair[Counts]]) -> list[tuple[Counts, Counts]]:
    """Counts by stretch of strata whose shares are alike."""
    groups: list[Pair[Counts]] = []
    for stratum, mine, theirs in pairs:
        if groups and _distance(groups[-1][0].shares, stratum.shares) < ALIKE:
            first, before, after = groups[-1]
            groups[-1] = (first, before + mine, after + theirs)
        else:
            groups.append((stratum, mine, theirs))
    return [group[1:] for group in groups]


def _against_the_past(past: Sequence[Pair[Counts]], now: Sequence[Pair[Counts]]) -> list[tuple[Counts, Counts]]:
    if not past:
        return []
    mine, theirs = past[0][1], now[0][2]
    for pair in past[1:]:
        mine += pair[1]
    for pair in now[1:]:
        theirs += pair[2]
    return [(mine, theirs)]


def _distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Total variation: the part of the traffic that goes elsewhere."""
    return sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other}) / 2


def _closest_errors(n: float, failed: float, m: float, failing: float, limit: float) -> tuple[float, float]:
    """The likeliest two error rates of which the second is at most `limit` above the first."""
    if failing / m <= failed / n + limit:
        return failed / n, failing / m
    low, high = 0.0, 1.0 - limit
    for _ in range(50):
        rate = (low + high) / 2
        slope = failed / rate - (n - failed) / (1 - rate) + failing / (rate + limit)
        slope -= (m - failing) / max(1 - rate - limit, 1e-300)
        low, high = (rate, high) if slope > 0 else (low, rate)
    return low, low + limit


def _tail_bet(n: float, count: float, before: float, count_before: float, at_least: bool) -> float:
    """Log of what is won by betting against a share of slow requests of at least, or at most, 5 %."""
    share = max(count / n, SLOW) if at_least else min(count / n, SLOW)
    return _log_mixture(n, count, before, count_before) - _log_likelihood(n, count, share)


def _log_likelihood(n: float, count: float, rate: float) -> float:
    yes = count * math.log(rate) if count else 0.0
    return yes + ((n - count) * math.log1p(-rate) if n > count else 0.0)


def _log_mixture(n: float, count: float, before: float, count_before: float) -> float:
    """Log probability of a sequence with so many successes, the rate being Beta(1/2, 1/2) before anything was seen."""
    memory = min(MEMORY / before, 1.0) if before else 0.0
    yes, no = 0.5 + memory * count_before, 0.5 + memory * (before - count_before)
    found = math.lgamma(yes + count) - math.lgamma(yes) + math.lgamma(no + n - count) - math.lgamma(no)
    return found + math.lgamma(yes + no) - math.lgamma(yes + no + n)
