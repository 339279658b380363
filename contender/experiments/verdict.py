"""What is to become of a challenger: an outcome with its reason, and the words that settings and verdicts use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contender.experiments.goal import Goal, Method
from contender.experiments.guardrails import Action, Guardrail

__all__ = ["Action", "Goal", "Guardrail", "Method", "Outcome", "Verdict"]


class Outcome(StrEnum):
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    HOLD = "hold"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its reason as a stable code, the numbers it rests on, and one sentence for people.

    Codes: goal_won, goal_lost, no_difference, undecided, thin_sample, no_goal, out_of_time, sample_ratio,
    guardrail:<metric>. warnings: what is said of those whose action is to warn, as (code, sentence).
    """

    outcome: Outcome
    code: str
    numbers: Mapping[str, float]
    sentence: str
    warnings: tuple[tuple[str, str], ...] = ()
