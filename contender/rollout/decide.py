"""What a dimension's rollouts are to be from now on: a pure function of settings, state, what was seen and the time.

In this order, each on what the one before has left:

    notice       which versions the settings pin
    take over    no champion yet: what serves already, or the first version, without an experiment
    settle       does the endpoint serve the shares that were decided, or has a person changed its weights
    fail         a version that did not come into service, or crashes, rolls back
    withdraw     so does one that the registry rejects, or has no more
    command      what a person asks
    heed         what the settings ask of the pinned versions
    advance      each track by its hooks, its verdict and its step (`progress`)
    admit        the next waiting version begins
    allocate     the shares that all of it comes to

A person's word comes before the settings', and those before any test. A guardrail holds for everybody, a pinned or a
paused version too. With `dry_run` moves that no person asked for are recorded and not made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from contender.rollout.commands import Refused, follow
from contender.rollout.decision import Decision
from contender.rollout.draft import Draft
from contender.rollout.entering import admit, heed_pins, notice_pins
from contender.rollout.observation import Observation
from contender.rollout.progress import advance, hear
from contender.rollout.serving import fail, settle, take_over, withdraw
from contender.rollout.shares import allocate
from contender.rollout.spec import Spec
from contender.rollout.state import State


def decide(spec: Spec, state: State, observation: Observation, now: datetime) -> Decision:
    """The next state of a dimension, and why; the same arguments give the same decision, whenever and wherever.

    A command that cannot be followed changes nothing, and the decision says why; everything else takes its course.
    """
    draft = Draft(spec, observation, now, state)
    refused = ""
    notice_pins(draft)
    take_over(draft)
    settle(draft)
    fail(draft)
    withdraw(draft)
    if observation.command is not None:
        try:
            follow(draft, observation.command)
        except Refused as error:
            refused = str(error)
    if draft.state.champion is not None:
        heed_pins(draft)
        for version in [track.version for track in draft.state.active]:
            track = draft.state.track(version)
            if track is not None:
                advance(draft, hear(draft, track))
        admit(draft)
        allocate(draft)
    return replace(draft.decision(), refused=refused)
