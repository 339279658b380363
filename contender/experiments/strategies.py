"""How shares follow from what arms have earned: each strategy a pure function, called by the tick for a batch ahead.

Weighted         the shares that somebody set
EpsilonGreedy    the best arm so far, and an epsilon for all alike
UCB1             the arms whose upper bounds are highest, request by request through the batch ahead
Thompson         each arm by the probability that it is the best one, a little sharpened
TopTwoThompson   half of that to the leader's rivals: finds the best arm sooner, earns less meanwhile
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from contender.experiments.allocation import NO_LIMITS, Limits
from contender.experiments.arms import Arm, Kind
from contender.experiments.posterior import chances


class Strategy(Protocol):
    """What divides the requests of the next batch."""

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        """A share for each arm; they sum to 1. ValueError when there are no arms."""
        ...


@dataclass(frozen=True, slots=True)
class Weighted:
    """The given weights in proportion; an arm without one gets nothing, and all the same when no weight is given."""

    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = NO_LIMITS

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        return self.limits.apply({name: self.weights.get(name, 0.0) for name in _some(arms)}, arms)


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    epsilon: float = 0.1
    limits: Limits = NO_LIMITS

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        earned = {name: arm.of(kind)[0] for name, arm in _some(arms).items()}
        leaders = [name for name in arms if earned[name] == max(earned.values())]
        greedy = {
            name: self.epsilon / len(arms) + ((1 - self.epsilon) / len(leaders) if name in leaders else 0.0)
            for name in arms
        }
        return self.limits.apply(greedy, arms)


@dataclass(frozen=True, slots=True)
class UCB1:
    """Mean + range · √(2 ln N / n), played through `batch` requests that are answered as the mean says.

    (Auer et al. 2002; one arm for a whole batch would waste it.) The range of a binary reward is 1, that of a real one
    is taken for four standard deviations.
    """

    batch: int = 100
    limits: Limits = NO_LIMITS

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        means = {name: arm.of(kind)[0] for name, arm in _some(arms).items()}
        asked = {name: arm.n for name, arm in arms.items()}
        span = 1.0 if kind == "binary" else 4 * _deviation(arms)
        given = dict.fromkeys(arms, 0.0)
        for _ in range(self.batch):
            whole = max(sum(asked.values()), 1.0)
            bounds = {
                name: means[name] + span * math.sqrt(2 * math.log(whole) / n) if (n := asked[name]) >= 1 else math.inf
                for name in arms
            }
            highest = max(bounds.values())
            leaders = [name for name in arms if bounds[name] == highest]
            for name in leaders:
                given[name] += 1 / len(leaders)
                asked[name] += 1 / len(leaders)
        return self.limits.apply(given, arms)


@dataclass(frozen=True, slots=True)
class Thompson:
    """Share ∝ P(best)^`sharpness`.

    1 is Thompson's own rule, which keeps exploring as if there were no end; a little above it earns more within the
    tens of thousands of requests that an experiment has (docs/statistics.md has the figures).
    """

    sharpness: float = 1.5
    limits: Limits = NO_LIMITS

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        best = chances(_some(arms), kind)
        return self.limits.apply({name: chance**self.sharpness for name, chance in best.items()}, arms)


@dataclass(frozen=True, slots=True)
class TopTwoThompson:
    """Russo, arXiv:1602.08448: an arm that is drawn as the best is played with probability `leader`, else its rival."""

    leader: float = 0.5
    limits: Limits = NO_LIMITS

    def shares(self, arms: Mapping[str, Arm], kind: Kind) -> dict[str, float]:
        best = chances(_some(arms), kind)
        shares = {name: self.leader * chance for name, chance in best.items()}
        for name, chance in best.items():
            rivals = {rival: other for rival, other in best.items() if rival != name}
            rest = sum(rivals.values())
            for rival, other in rivals.items():
                part = other / rest if rest > 0 else 1 / len(rivals)
                shares[rival] += (1 - self.leader) * chance * part
        return self.limits.apply(shares, arms)


STRATEGIES: dict[str, type[Any]] = {
    each.__name__: each for each in (Weighted, EpsilonGreedy, UCB1, Thompson, TopTwoThompson)
}


def strategy(
    name: str,
    *,
    floor: float = 0.0,
    warm_up: int = 0,
    warm_up_shares: Mapping[str, float] | None = None,
    **options: Any,
) -> Strategy:
    """The strategy of this name, with options of its own: epsilon, weights, batch, sharpness or leader.

    ValueError for another name.
    """
    if name not in STRATEGIES:
        raise ValueError(f"there is no strategy {name!r}: use one of {', '.join(STRATEGIES)}")
    made: Strategy = STRATEGIES[name](limits=Limits(floor, warm_up, warm_up_shares), **options)
    return made


def _some(arms: Mapping[str, Arm]) -> Mapping[str, Arm]:
    if not arms:
        raise ValueError("no arms are given: shares are of at least one")
    return arms


def _deviation(arms: Mapping[str, Arm]) -> float:
    """Standard deviation of a request's reward over all arms; 1 while nothing varied."""
    freedom = sum(max(arm.n - 1, 0) for arm in arms.values())
    return math.sqrt(sum(arm.spread for arm in arms.values()) / freedom) if freedom > 0 else 1.0
