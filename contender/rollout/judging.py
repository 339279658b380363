"""A track's verdict: goal, guardrails and sample ratio asked of the evidence of its experiment."""

from __future__ import annotations

from dataclasses import replace

from contender.experiments.evidence import merged
from contender.experiments.judge import judge
from contender.experiments.verdict import Verdict
from contender.naming import variant_name
from contender.rollout.draft import Draft
from contender.rollout.state import Phase, State, Track

STOPS = ("guardrail:", "sample_ratio")
"""Reasons to hold that stop a track's steps, whatever those say; the others only mean that the goal is not decided."""


def judged(draft: Draft, track: Track, asks_goal: bool) -> Verdict | None:
    """What the evidence says of a track now, or None when nothing has been counted of its experiment.

    Challengers that are under way at the same time share the levels that the settings ask for. Only a strategy that
    forgets wants strata of the same shares apart.
    """
    state, spec, seen = draft.state, draft.spec, draft.observation
    if state.champion is None or seen.evidence is None or seen.experiment != state.experiment:
        return None
    verdict = judge(
        spec.goal if asks_goal else None,
        spec.guardrails,
        replace(seen.evidence, strata=merged(seen.evidence.strata)),
        variant_name(state.champion),
        variant_name(track.version),
        (draft.now - track.judged_from).total_seconds(),
        challengers=sharing(state),
        sample_ratio_alpha=spec.sample_ratio_alpha,
        sample_ratio_action=spec.sample_ratio_action,
    )
    draft.verdicts[track.version] = verdict
    return verdict


def sharing(state: State) -> int:
    """How many challengers share the levels that the settings ask for."""
    return max(1, sum(each.phase is not Phase.ROLLING_BACK and each.step > 0 for each in state.active))
