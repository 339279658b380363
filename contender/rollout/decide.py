"""What a dimension's rollouts are to be from now on: a pure function of settings, state, what was seen and the time."""

from __future__ import annotations

from datetime import datetime

from contender.rollout.decision import Decision
from contender.rollout.observation import Observation
from contender.rollout.spec import Spec
from contender.rollout.state import State


def decide(spec: Spec, state: State, observation: Observation, now: datetime) -> Decision:
    """The next state of a dimension, and why; the same arguments give the same decision, whenever and wherever."""
    return Decision(state)
