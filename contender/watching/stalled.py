"""Rollouts that get nowhere: late by more than the settings allow, or waiting for a person for so long.

A step is over when its time is and its requests are there; the last one, with a goal, when the maximum duration is.
What a person has paused is not late. A hold is: a guardrail that wants a person holds a rollout without end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from contender.rollout.spec import Spec
from contender.rollout.state import Phase, State, Track


def stalled(spec: Spec, state: State, now: datetime, patience_s: float) -> tuple[str, ...]:
    """A sentence for each track that should have gone on by now, at most `patience_s` late."""
    if state.paused or spec.dry_run:
        return ()
    pinned = spec.pins(state.dimension).challengers
    patience = timedelta(seconds=patience_s)
    found = []
    for track in state.active:
        if track.version in pinned and track.phase is Phase.RAMPING:
            continue
        due = _due(spec, track)
        if now - due > patience:
            found.append(
                f"v{track.version} of {state.endpoint} is {track.phase} and was to go on by "
                f"{due:%Y-%m-%d %H:%M} UTC: {track.reason}"
            )
    return tuple(found)


def _due(spec: Spec, track: Track) -> datetime:
    since = max(track.since, track.settled or track.since)
    if track.phase is Phase.BAKING:
        return since + timedelta(seconds=max(spec.bake_s, spec.drain_s))
    if track.phase is Phase.ROLLING_BACK:
        return since + timedelta(seconds=spec.drain_s)
    if track.phase is not Phase.RAMPING or track.step == 0:
        return since
    step = spec.steps[min(track.step, len(spec.steps)) - 1]
    due = since + timedelta(seconds=step.time_s)
    if spec.goal is not None and (spec.adaptive or track.step >= len(spec.steps)):
        due = max(due, track.judged_from + timedelta(seconds=spec.goal.maximum_duration_s))
    return due
