"""The working copy of a decision: the state as changed so far, what was judged, and what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, totals
from contender.experiments.verdict import Verdict
from contender.naming import variant_name
from contender.rollout.decision import Decision, Event
from contender.rollout.observation import Observation
from contender.rollout.spec import MAX_VARIANTS, Pins, Spec
from contender.rollout.state import Phase, State, Track

ENDED_KEPT = 20
"""Ended tracks that a state still holds, so that the registry is told why whatever was killed meanwhile."""


def percent(share: float) -> str:
    return f"{share * 100:.3g} %"


@dataclass(slots=True)
class Draft:
    """A decision in the making. `moved`: tracks came, went or changed their step or phase, so shares follow."""

    spec: Spec
    observation: Observation
    now: datetime
    state: State
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    moved: bool = False

    def decision(self) -> Decision:
        if not self.events:
            return Decision(self.state, dict(self.verdicts))
        state = replace(self.state, revision=self.state.revision + 1, notes=tuple(sorted(self.notes)))
        return Decision(state, dict(self.verdicts), tuple(self.events))

    @property
    def pins(self) -> Pins:
        return self.spec.pins(self.state.dimension)

    @property
    def promotion(self) -> Track | None:
        """The track that takes or has all traffic; at most one at a time."""
        return next((t for t in self.state.active if t.phase in (Phase.PROMOTING, Phase.BAKING)), None)

    @property
    def room(self) -> bool:
        """Whether the endpoint takes one more variant."""
        return len(self.state.shares.keys() | {track.version for track in self.state.active}) < MAX_VARIANTS

    @property
    def evidence(self) -> Evidence:
        """The counts of the experiment under way; those of an earlier one say nothing about it."""
        seen = self.observation.evidence
        return seen if seen is not None and self.observation.experiment == self.state.experiment else Evidence()

    def requests(self, version: int) -> int:
        """Requests that a version has answered in the experiment under way, as far as they are counted."""
        return int(totals(self.evidence.guard).get(variant_name(version), Arm()).n)

    def say(self, code: str, sentence: str, version: int | None = None) -> None:
        self.events.append(Event(code, sentence, version))

    def note(self, code: str, sentence: str) -> None:
        """Say something that no track stands for, once for as long as it is so."""
        if code not in self.state.notes and code not in self.notes:
            self.say(code.partition(":")[0], sentence)
        self.notes.add(code)

    def put(self, track: Track) -> Track:
        """Set a version's track, in the place it has."""
        known = self.state.track(track.version) is not None
        tracks = [track if old.version == track.version else old for old in self.state.tracks]
        tracks += [] if known else [track]
        ended = [old for old in tracks if old.phase.ended]
        dropped = {old.version for old in ended[: max(0, len(ended) - ENDED_KEPT)]}
        self.state = replace(self.state, tracks=tuple(old for old in tracks if old.version not in dropped))
        return track

    def change(self, track: Track, **fields: Any) -> Track:
        return self.put(replace(track, **fields))

    def turn(self, track: Track, phase: Phase, code: str, sentence: str, /, **fields: Any) -> Track:
        """Lead a track into another phase, whose code and reason are these unless `fields` says otherwise."""
        self.say(code, sentence, track.version)
        self.moved = True
        usual = {"code": code, "reason": sentence, "settled": None, "hook": None}
        return self.change(track, phase=phase, since=self.now, **(usual | fields))

    def roll_back(self, track: Track, code: str, why: str) -> Track:
        """The champion takes the track's traffic at once, and its version gets none unless a person starts it."""
        self.bar(track.version)
        return self.turn(track, Phase.ROLLING_BACK, code, f"v{track.version} rolls back: {why}")

    def bar(self, version: int) -> None:
        self.state = replace(self.state, barred=tuple(sorted({*self.state.barred, version})))

    def hold(self, track: Track, code: str, why: str) -> None:
        """The track stays as it is; said once for as long as the reason is the same."""
        if track.code != code:
            sentence = f"v{track.version} holds at {percent(self.state.shares.get(track.version, 0.0))}: {why}"
            self.say(code, sentence, track.version)
            self.change(track, code=code, reason=sentence)

    def may(self, act: str, version: int | None = None) -> bool:
        """Whether something may be done that no person asked for; in a dry run it is only recorded, once.

        `act` is what would be done, by a track's version, or by one that has none.
        """
        if not self.spec.dry_run:
            return True
        who = "" if version is None else f"v{version} "
        code, sentence = f"dry_run:{act}", f"dry run: {who}would {act}"
        track = None if version is None else self.state.track(version)
        if track is None or not track.active:
            self.note(f"dry_run:{who}{act}", sentence)
        elif track.code != code:
            self.say("dry_run", sentence, version)
            self.change(track, code=code, reason=sentence)
        return False
