"""What a report is made of: requests with their rewards from the events, decisions from the ledger.

What the model said and what was true of the customer stand in neither; whoever knows them (an application's database,
a simulation) passes them by inference id, and the report then shows confusion matrices and ROC curves too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contender.experiments.arms import Kind
from contender.measurements.events import Conversion, Event, Invocation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model said of somebody, and what was true."""

    score: float
    positive: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was assigned, by the shares of its moment, and what it earned: time and amount of each reward."""

    at: datetime
    variant: str
    shares: Mapping[str, float]
    latency_ms: float | None = None
    failed: bool = False
    rewards: tuple[tuple[datetime, float], ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A decision worth a line in a figure."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What a verdict asks of the rewards; `alpha` and `n_star` as in `contender/experiments/intervals.py`.

    Requests younger than `reward_window_s` are not judged yet: their rewards may still come.
    """

    kind: Kind = "binary"
    alpha: float = 0.05
    n_star: float = 1000
    reward_window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """One dimension's rollout. `about` and `outcome` are sentences; `story` is the ledger's, in lines."""

    dimension: str
    outcome: str
    champion: str
    challenger: str
    requests: tuple[Request, ...]
    about: str = ""
    goal: Goal = Goal()
    marks: tuple[Mark, ...] = ()
    story: tuple[str, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """Champion, challenger, then whoever else served."""
        others = sorted({request.variant for request in self.requests} - {self.champion, self.challenger})
        return (self.champion, self.challenger, *others)


@dataclass(slots=True)
class Reader:
    """Gathers events, in any order and however often each was delivered."""

    reward: str = "reward"
    _invocations: dict[str, Invocation] = field(default_factory=dict)
    _rewards: dict[str, dict[str, tuple[datetime, float]]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def invocations(self) -> int:
        """How many different requests there were."""
        return len(self._invocations)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Invocation():
                    self._invocations.setdefault(event.inference_id, event)
                case Conversion(name=self.reward):
                    self._rewards[event.inference_id].setdefault(event.event_id, (event.at, float(event.reward)))

    def requests(self, endpoint: str, outcomes: Mapping[str, Outcome]) -> tuple[Request, ...]:
        """An endpoint's assigned requests, oldest first."""
        return tuple(
            Request(
                at=event.at,
                variant=event.variant,
                shares=event.shares,
                latency_ms=event.latency_ms,
                failed=event.failed,
                rewards=tuple(sorted(self._rewards.get(inference_id, {}).values())),
                outcome=outcomes.get(inference_id),
            )
            for inference_id, event in sorted(self._invocations.items(), key=lambda item: item[1].at)
            if event.endpoint_name == endpoint and event.judged and event.variant and event.shares
        )
