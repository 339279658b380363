"""What was decided about a dimension: the state it is to have from now on, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contender.experiments.verdict import Verdict
from contender.rollout.observation import Observation
from contender.rollout.state import State


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided, as a code and as a sentence; `version` is the one it is about."""

    code: str
    sentence: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The state wanted from now on, what was judged on the way by version, and what changed.

    Without events nothing has changed, and there is nothing to record. `refused` says why a command was not followed.
    """

    state: State
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    refused: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.events)


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision as the ledger keeps it, with all that it was made from; `spec` is the digest of the settings."""

    at: datetime
    spec: str
    before: State
    observation: Observation
    decision: Decision

    @property
    def revision(self) -> int:
        """Number of the decision: entries of an endpoint count from 1 without a gap."""
        return self.decision.state.revision
