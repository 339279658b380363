"""What is to become of a challenger, by what an experiment has seen: one outcome, its reason, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from contender.experiments.arms import Kind
from contender.experiments.guardrails import Action, Guardrail
from contender.experiments.intervals import N_STAR

__all__ = ["Action", "Goal", "Guardrail", "Outcome", "Verdict"]

Method = Literal["confidence_sequence", "msprt", "expected_loss"]


class Outcome(StrEnum):
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    HOLD = "hold"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Goal:
    """The reward to maximise, and when a challenger has shown enough of it.

    alpha: probability that a challenger that is no better or worse is ever taken for one that is.
    minimum_effect: reward per request that a difference must reach to matter. minimum_sample: requests of champion
    and challenger each before anything is concluded. maximum_duration_s: after it a person is asked.
    n_star: requests of both at which the confidence sequence is tightest. tau: standard deviation of the effects that
    mSPRT expects; None is 0.01 for a binary reward and a tenth of the reward's standard deviation for a real one.
    loss: part of the champion's reward that a verdict of `expected_loss` may cost on average.
    """

    kind: Kind = "binary"
    reward: str = "reward"
    method: Method = "confidence_sequence"
    alpha: float = 0.05
    minimum_effect: float = 0.0
    minimum_sample: int = 500
    maximum_duration_s: float = 14 * 86_400.0
    n_star: float = N_STAR
    tau: float | None = None
    loss: float = 0.01


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its reason as a stable code, the numbers it rests on, and one sentence for people.

    warnings: what guardrails say whose action is to warn, as (code, sentence).
    """

    outcome: Outcome
    code: str
    numbers: Mapping[str, float]
    sentence: str
    warnings: tuple[tuple[str, str], ...] = field(default_factory=tuple)
