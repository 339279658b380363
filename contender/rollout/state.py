"""What a dimension's rollouts want and how far each is: the value that every decision takes and gives.

    (waits) ─► Ramping ──► AwaitingApproval ──► Promoting ──► Baking ──► Promoted
                 │  ▲ │            │                │            │
                 │  │ └────────────┼────────────────┼────────────┼─────► RollingBack ──► RolledBack
                 ▼  │              │                │            │            ▲
             Inconclusive ─────────┴────────────────┴────────────┴────────────┘

`shares` is what the endpoint is to serve: a variant for every version in it, with that share, and no other. The
champion is always among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from contender.rollout.spec import Pins


class Phase(StrEnum):
    RAMPING = "Ramping"
    AWAITING_APPROVAL = "AwaitingApproval"
    PROMOTING = "Promoting"
    BAKING = "Baking"
    ROLLING_BACK = "RollingBack"
    INCONCLUSIVE = "Inconclusive"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"

    @property
    def ended(self) -> bool:
        return self in (Phase.PROMOTED, Phase.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class HookRun:
    """Functions that are to be asked about a track now: before its first traffic (step 0), or after a step."""

    when: Literal["before", "after"]
    step: int
    functions: tuple[str, ...]
    asked: datetime


@dataclass(frozen=True, slots=True)
class Track:
    """One challenger's way. Step 0: its variant comes into service without traffic; step n: the n-th of the spec.

    began: when it entered. since: when its phase or step began. settled: since when the endpoint serves what they ask
    for, or None until it does; a step's time counts from there. sample: its requests when the step began.
    judged_from: from when its maximum duration counts. code and reason: why it is where it is. by: the person who
    started it, or "" when it entered by itself; such a one is neither queued nor replaced. hook: what is to be asked
    before it goes on. hooked: the step whose hooks have passed (-1: none). warned: what has been warned of.
    """

    version: int
    phase: Phase
    step: int
    began: datetime
    since: datetime
    judged_from: datetime
    code: str
    reason: str
    settled: datetime | None = None
    sample: int = 0
    by: str = ""
    hook: HookRun | None = None
    hooked: int = -1
    warned: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return not self.phase.ended


@dataclass(frozen=True, slots=True)
class State:
    """A dimension of a stage. Versions are numbers of the dimension's model package group.

    revision: how many decisions changed it. experiment: number of the experiment under way, 0 before the first.
    previous: the champion before this one. tracks: the active ones and the latest ended ones, oldest first.
    shares_since: when the shares were decided. settled: since when the endpoint serves them, or None until it does.
    served: whether a champion has ever served; the first version may still fail to. by_hand: a person's weights are
    respected until the next move. barred: versions that have been rolled back and get no traffic unless a person starts
    them. pins: as they were when last read. notes: what has been said and is so still, that no track stands for.
    """

    endpoint: str
    dimension: str
    revision: int = 0
    experiment: int = 0
    champion: int | None = None
    previous: int | None = None
    shares: Mapping[int, float] = field(default_factory=dict)
    shares_since: datetime | None = None
    settled: datetime | None = None
    served: bool = False
    tracks: tuple[Track, ...] = ()
    paused: bool = False
    by_hand: bool = False
    barred: tuple[int, ...] = ()
    pins: Pins = field(default_factory=Pins)
    notes: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[Track, ...]:
        return tuple(track for track in self.tracks if track.active)

    def track(self, version: int) -> Track | None:
        return next((track for track in self.tracks if track.version == version), None)
