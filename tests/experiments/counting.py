"""Made-up requests for the tests of experiments: arms and strata from seeded chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from contender.experiments.arms import Arm
from contender.experiments.evidence import Stratum


def binary(n: float, successes: float, errors: float = 0) -> Arm:
    return Arm(n, successes, successes, successes, errors)


def real(rewards: Iterable[float]) -> Arm:
    rewards = list(rewards)
    return Arm(len(rewards), sum(r > 0 for r in rewards), sum(rewards), sum(r * r for r in rewards))


def pair(champion: Arm, challenger: Arm, **shares: float) -> Stratum:
    return Stratum(shares or {"v1": 0.5, "v2": 0.5}, {"v1": champion, "v2": challenger})


def drawn(random: Random, n: int, reward: Callable[[Random], float]) -> Arm:
    return real(reward(random) for _ in range(n))


def binomial(random: Random, n: int, rate: float) -> int:
    return sum(random.random() < rate for _ in range(n))
