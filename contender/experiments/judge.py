"""Judging a challenger by what its experiment has seen: guardrails, sample ratio, goal and time, in that order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contender.experiments import sentences
from contender.experiments.evidence import Evidence
from contender.experiments.goal import Goal, Standing, standing
from contender.experiments.guardrails import Action, Guardrail, read
from contender.experiments.sample_ratio import sample_ratio
from contender.experiments.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something that must not be, and is."""

    action: Action
    code: str
    sentence: str


def judge(
    goal: Goal | None,
    guardrails: Sequence[Guardrail],
    evidence: Evidence,
    champion: str,
    challenger: str,
    elapsed_s: float,
    *,
    challengers: int = 1,
    sample_ratio_alpha: float | None = None,
    sample_ratio_action: Action = "hold",
) -> Verdict:
    """Judge one of an experiment's `challengers` against its champion.

    The first that applies: what is to be rolled back for, what is to be held for (users that are not divided by the
    shares before any guardrail), the goal, the end of the time. Levels are divided, so that they hold for the whole
    experiment: the goal's alpha by the number of challengers, a guardrail's by that and the number of guardrails.
    Without `sample_ratio_alpha` nobody asks where users went.
    """
    numbers: dict[str, float] = {}
    found: list[_Finding] = []
    if sample_ratio_alpha is not None:
        ratio = sample_ratio(evidence.users)
        numbers["sample_ratio.p_value"] = ratio.p_value
        if ratio.alarm(sample_ratio_alpha):
            found.append(_Finding(sample_ratio_action, "sample_ratio", sentences.divided(ratio, challenger)))
    for guardrail in guardrails:
        level = guardrail.alpha / (challengers * len(guardrails))
        reading = read(guardrail, evidence, champion, challenger, level)
        metric = guardrail.metric
        numbers |= {f"{metric}.champion": reading.champion, f"{metric}.challenger": reading.challenger}
        if reading.beyond:
            sentence = sentences.guarded(reading, champion, challenger)
            found.append(_Finding(guardrail.action, f"guardrail:{metric}", sentence))
    outcome, code, sentence = _worst(found) or (Outcome.HOLD, "no_goal", f"no goal is set for {challenger} to reach")
    if goal is not None:
        stands = standing(goal, evidence.strata, champion, challenger, goal.alpha / challengers)
        numbers |= _numbers(stands)
        if code == "no_goal":
            outcome, code, sentence = _by_goal(goal, stands, champion, challenger, elapsed_s)
    warnings = tuple((each.code, each.sentence) for each in found if each.action == "warn")
    return Verdict(outcome, code, numbers, sentence, warnings)


def _worst(found: Sequence[_Finding]) -> tuple[Outcome, str, str] | None:
    for action, outcome in (("roll_back", Outcome.ROLL_BACK), ("hold", Outcome.HOLD)):
        for finding in found:
            if finding.action == action:
                return outcome, finding.code, finding.sentence
    return None


def _by_goal(
    goal: Goal, stands: Standing, champion: str, challenger: str, elapsed_s: float
) -> tuple[Outcome, str, str]:
    over = elapsed_s >= goal.maximum_duration_s
    if not stands.enough:
        sentence = sentences.thin(goal, stands, champion, challenger)
        if over:
            return Outcome.INCONCLUSIVE, "out_of_time", f"{sentence}, and the time is over"
        return Outcome.HOLD, "thin_sample", sentence

    def concluded(conclusion: str) -> str:
        return sentences.compared(goal, stands, champion, challenger, conclusion)

    match stands.shown:
        case "better":
            return Outcome.PROMOTE, "goal_won", concluded("better")
        case "worse":
            return Outcome.ROLL_BACK, "goal_lost", concluded("worse")
        case "alike":
            return Outcome.INCONCLUSIVE, "no_difference", concluded("no difference that matters")
    if over:
        return Outcome.INCONCLUSIVE, "out_of_time", concluded("not decided in the time it had")
    return Outcome.HOLD, "undecided", concluded("not decided yet")


def _numbers(stands: Standing) -> dict[str, float]:
    """What a person may want to see, without what is not known yet."""
    interval = stands.interval
    found = {
        "champion": interval.champion,
        "challenger": interval.challenger,
        "estimate": interval.estimate,
        "lower": interval.lower,
        "upper": interval.upper,
        "champion.n": stands.champion.n,
        "challenger.n": stands.challenger.n,
        "chance_to_beat": stands.chance_to_beat,
        "p_value": stands.p_value,
        "loss": stands.loss,
        "keep_loss": stands.keep_loss,
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}
