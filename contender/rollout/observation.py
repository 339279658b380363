"""What a tick has seen of a dimension, and what a person asks of it: all that a decision reads besides its state.

It is recorded whole with the decision, so it holds sufficient statistics, never single requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contender.experiments.evidence import Evidence


class Verb(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asks, of a version or of the one it can only be about; who and why stand in the ledger."""

    verb: Verb
    by: str
    version: int | None = None
    why: str = ""


class HookOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class HookResult:
    """One function's answer to a track's `HookRun`; `step` is the run's."""

    version: int
    step: int
    function: str
    outcome: HookOutcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One reading of AWS.

    versions: all that the registry has. waiting: those that may enter by themselves in this stage, oldest first.
    live: share by version of the variants that serve their own model. champion: the registry's, which is taken over
    where no state is known. failed: versions that did not come into service or crash, with the reason. rejected: those
    that the registry rejects. busy: the endpoint is changing, its shares are between two settings. trouble: what a
    person has to do something about before the endpoint can be changed. evidence: the counts of `experiment`.
    """

    versions: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    live: Mapping[int, float] = field(default_factory=dict)
    champion: int | None = None
    failed: Mapping[int, str] = field(default_factory=dict)
    rejected: tuple[int, ...] = ()
    busy: bool = False
    trouble: str = ""
    experiment: int = 0
    evidence: Evidence | None = None
    hooks: tuple[HookResult, ...] = ()
    command: Command | None = None
