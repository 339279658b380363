"""A rollout is stalled when what it waits for is overdue, and never because it takes the time that it was given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.experiments.verdict import Goal
from contender.rollout.spec import DimensionSpec, Instance, Pins, Spec, Step
from contender.rollout.state import Phase, State, Track
from contender.watching.stalled import stalled

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PATIENCE_S = 600.0


def spec(**values: Any) -> Spec:
    steps = (Step(0.1, time_s=3600.0, sample=10), Step(0.5, time_s=3600.0, sample=10))
    return Spec(**{"stage": "", "instance": Instance("ml.m5.large", 1), "steps": steps, **values})


def state(phase: Phase, hours: float, step: int = 1, **values: Any) -> State:
    since = NOW - timedelta(hours=hours)
    track = Track(2, phase, step, since, since, since, "code", "because", settled=since)
    return State("contender-SM-1", "SM-1", champion=1, tracks=(track,), **values)


@pytest.mark.parametrize(
    ("phase", "step", "fine", "late"),
    [
        (Phase.RAMPING, 1, 1.1, 1.2),
        (Phase.RAMPING, 0, 0.1, 0.2),
        (Phase.BAKING, 2, 1.1, 1.2),
        (Phase.ROLLING_BACK, 1, 0.1, 0.2),
        (Phase.PROMOTING, 2, 0.1, 0.2),
        (Phase.AWAITING_APPROVAL, 2, 0.1, 0.2),
        (Phase.INCONCLUSIVE, 2, 0.1, 0.2),
    ],
)
def test_a_track_is_late_by_what_it_waits_for(phase: Phase, step: int, fine: float, late: float) -> None:
    assert stalled(spec(), state(phase, fine, step), NOW, PATIENCE_S) == ()
    (sentence,) = stalled(spec(), state(phase, late, step), NOW, PATIENCE_S)
    assert sentence.startswith(f"v2 of contender-SM-1 is {phase} and was to go on by 2026-01-0")
    assert sentence.endswith("because")


def test_a_track_waits_from_when_its_shares_serve_and_as_long_as_requests_may_be_on_their_way() -> None:
    began = state(Phase.RAMPING, 9.0)
    (track,) = began.tracks
    settled = replace(began, tracks=(replace(track, settled=NOW - timedelta(hours=1.1)),))
    assert stalled(spec(), settled, NOW, PATIENCE_S) == ()
    assert len(stalled(spec(), began, NOW, PATIENCE_S)) == 1
    draining = spec(bake_s=60.0, drain_s=7200.0)
    assert stalled(draining, state(Phase.BAKING, 2.1), NOW, PATIENCE_S) == ()
    assert len(stalled(draining, state(Phase.BAKING, 2.2), NOW, PATIENCE_S)) == 1


def test_the_last_step_waits_for_a_verdict_as_long_as_its_goal_allows() -> None:
    patient = spec(goal=Goal(maximum_duration_s=36_000.0))
    assert stalled(patient, state(Phase.RAMPING, 9.0, step=2), NOW, PATIENCE_S) == ()
    assert len(stalled(patient, state(Phase.RAMPING, 10.2, step=2), NOW, PATIENCE_S)) == 1


def test_what_ended_what_is_paused_and_what_is_pinned_is_not_late() -> None:
    assert stalled(spec(), state(Phase.PROMOTED, 99.0), NOW, PATIENCE_S) == ()
    assert stalled(spec(), state(Phase.RAMPING, 99.0, paused=True), NOW, PATIENCE_S) == ()
    pinned = spec(dimensions={"SM-1": DimensionSpec(Pins(challengers=(2,)))})
    assert stalled(pinned, state(Phase.RAMPING, 99.0), NOW, PATIENCE_S) == ()
    assert len(stalled(spec(), state(Phase.RAMPING, 99.0), NOW, PATIENCE_S)) == 1
