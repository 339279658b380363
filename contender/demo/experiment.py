"""Challengers that are better, equal and worse, judged by simulated customers until each rollout has ended.

    upload → champions serve → customers begin to ask → upload → challengers → ticks … → promoted | asked | rolled back

Everything goes through the product's own ways. Only one thing is quicker than it would be: the demo rings the tick
every second instead of waiting for the schedule, which comes once a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contender.config import Settings
from contender.demo.challenges import Challenge, Truth
from contender.demo.main_job import Demo
from contender.demo.traffic import Api, Audience, Pace, Traffic
from contender.errors import DeploymentError
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.state import Phase, Track
from contender.tick_call import ring

TICK_S = 1.0
TRAINING_S = 300.0

SETTINGS: Mapping[str, Any] = {
    "approval": "automatic",
    "rollout": {
        "steps": [{"share": 0.25, "time_s": 3, "sample": 20}, {"share": 0.5, "time_s": 3, "sample": 20}],
        "goal": {
            "alpha": 0.01,
            "minimum_effect": 0.12,
            "minimum_sample": 50,
            "maximum_duration_s": 100,
            "n_star": 500,
        },
        "bake_time_s": 4,
        "drain_s": 3,
    },
    "experiment": {"bucket_s": 2, "reward_window_s": 4, "cache_s": 1},
    "stages": {},
    "dimensions": {},
}
"""Settings by which it is played: as in a project, but seconds where a business has hours and days, and one stage."""

EXPECTED: Mapping[Truth, frozenset[Phase]] = {
    Truth.BETTER: frozenset({Phase.PROMOTED}),
    Truth.EQUAL: frozenset({Phase.INCONCLUSIVE, Phase.RAMPING}),
    Truth.WORSE: frozenset({Phase.ROLLED_BACK}),
}
"""Where a challenger must have ended. Ramping is a challenger that is held: nothing was concluded."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a dimension's rollout ended: `champion` is who was challenged, `seconds` how long until it was decided."""

    challenge: Challenge
    champion: int
    track: Track
    seconds: float | None

    @property
    def expected(self) -> bool:
        return self.track.phase in EXPECTED[self.challenge.truth]


@dataclass(slots=True)
class ExperimentDemo:
    """Plays it against the clients it is given. `say` gets one line per event."""

    settings: Settings
    main: Demo
    ledger: Ledger
    lambda_: Any
    api: Api
    challenges: Sequence[Challenge]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    names: Names = field(init=False)
    _told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = Names(self.settings.project)

    def serve_champions(self) -> None:
        """The first uploads, until each dimension has its champion. DeploymentError where one gets none."""
        self._upload({each.dimension: each.uploads.first for each in self.challenges})

    def challenge(self) -> None:
        """The second uploads, until each challenger's rollout has begun."""
        self._upload({each.dimension: each.uploads.second for each in self.challenges})

    def traffic(self, pace: Pace, seed: int) -> Traffic:
        """Everybody's customers."""
        audiences = [Audience(self.names.endpoint(each.dimension), each.customers) for each in self.challenges]
        return Traffic(self.api, audiences, pace, seed)

    def watch(self, patience_s: float, until: Collection[Truth] = frozenset(Truth)) -> tuple[Ending, ...]:
        """Ring the tick until the rollouts of these challengers have ended, or for `patience_s`; how all stand then.

        A person who is asked ends a rollout too, as nobody will answer.
        """
        began = self.clock()
        awaited = {each.dimension for each in self.challenges if each.truth in until}
        ended: dict[str, float] = {}
        while True:
            self._tick()
            took = self.clock() - began
            tracks = {each.dimension: self._track(each.dimension) for each in self.challenges}
            for dimension, track in tracks.items():
                if track is not None and (track.phase.ended or track.phase is Phase.INCONCLUSIVE):
                    ended.setdefault(dimension, took)
            if awaited <= ended.keys() or took > patience_s:
                return tuple(
                    self._ending(each, tracks[each.dimension], ended.get(each.dimension)) for each in self.challenges
                )
            self.sleep(TICK_S)

    def _tick(self) -> None:
        try:
            ring(self.lambda_, self.names, {"detail-type": "Scheduled Event"})
        except DeploymentError as error:
            self.say(f"a tick failed, the next one tries again: {error}")

    def _upload(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        names = list(files)
        before = self.main.before(names)
        self.main.upload(files)
        failures = self.main.serve_newer(names, before, TRAINING_S).failures
        for dimension, reason in failures.items():
            raise DeploymentError(f"dimension {dimension}: {reason}")

    def _track(self, dimension: str) -> Track | None:
        """The latest challenger's; what is new about it is said."""
        state = self.ledger.state(self.names.endpoint(dimension))
        track = state.tracks[-1] if state and state.tracks else None
        if track is not None and self._told.get(dimension) != track.reason:
            self._told[dimension] = track.reason
            self.say(f"{dimension}: {track.reason}")
        return track

    def _ending(self, challenge: Challenge, track: Track | None, seconds: float | None) -> Ending:
        state = self.ledger.state(self.names.endpoint(challenge.dimension))
        champion = None
        if state is not None and track is not None:
            champion = state.previous if state.champion == track.version else state.champion
        if track is None or champion is None:
            raise DeploymentError(f"dimension {challenge.dimension}: no rollout began, see `contender models list`")
        return Ending(challenge, champion, track, seconds)
