"""What a stage wants of its rollouts: the settings that a decision reads, as one value with a digest.

`contender deploy` writes each stage's spec beside the ledger; an entry of the ledger names the digest of the spec that
it was decided by, so that it can be decided again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from contender.errors import SettingsError
from contender.experiments.verdict import Goal, Guardrail
from contender.rollout.documents import dumps, loads

MAX_VARIANTS = 10
"""SageMaker serves at most this many production variants behind one endpoint."""
MAX_CHALLENGERS = MAX_VARIANTS - 1

Approval = Literal["automatic", "manual"]
GuardrailAction = Literal["roll_back", "hold", "warn"]


@dataclass(frozen=True, slots=True)
class Step:
    """A challenger's share, and what it must have seen with it before the next step: both the time and the requests."""

    share: float
    time_s: float = 0.0
    sample: int = 0


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """How shares follow from counts: Weighted takes the steps, the others what the arms have earned.

    A challenger has the first step's share until it has answered `warm_up` requests; `floor` is every arm's least.
    """

    name: str = "Weighted"
    epsilon: float = 0.1
    floor: float = 0.01
    warm_up: int = 100
    discount: float = 1.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """Lambda functions that a rollout asks: before a challenger gets its first traffic, and after each step."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Pins:
    """Versions that a person has set: the champion, which nothing replaces, and challengers that stay beside it.

    A pinned challenger keeps the first step's share; only a guardrail or a person takes it away.
    """

    champion: int | None = None
    challengers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class DimensionSpec:
    """What is set for one dimension; `instances` by version."""

    pins: Pins = Pins()
    instances: Mapping[int, Instance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Follows:
    """The stage before: a version may enter when it has become champion there, or when a person has approved it there.

    `stage` as in `Names`; it is never "", which is the last one.
    """

    stage: str
    approval: Approval = "automatic"


@dataclass(frozen=True, slots=True)
class Spec:
    """A stage's settings. Without a goal a challenger is promoted after the last step; with one, when it has won.

    approval: who says that a challenger which has earned it is promoted. dry_run: what would be done is recorded,
    nothing is moved except on a person's command. bake_s: how long a promoted challenger serves alone while the old
    champion's variant stands by. drain_s: how long a variant stays after its share has gone. newer: whether a newer
    challenger waits for the ones that are under way, or replaces the oldest. weights_by_hand: whether weights that a
    person sets in the console stay until the next move, or are put back. reward_window_s: how long after a request its
    rewards are waited for. bucket_s: how long requests are counted together, and so how often a strategy moves shares.
    sticky: what keeps a user on a variant. data_capture_percent: of requests and answers that SageMaker keeps.
    follows: the stage that versions come from; None for the first one, which they enter from the registry.
    """

    stage: str
    instance: Instance
    steps: tuple[Step, ...] = (Step(0.1),)
    strategy: StrategySpec = StrategySpec()
    goal: Goal | None = None
    guardrails: tuple[Guardrail, ...] = ()
    sample_ratio_alpha: float = 0.01
    sample_ratio_action: GuardrailAction = "hold"
    approval: Approval = "automatic"
    dry_run: bool = False
    bake_s: float = 3600.0
    drain_s: float = 30.0
    newer: Literal["queue", "replace"] = "queue"
    max_challengers: int = 1
    weights_by_hand: Literal["respect", "put_back"] = "respect"
    hooks: Hooks = Hooks()
    reward_window_s: float = 0.0
    bucket_s: float = 3600.0
    sticky: Literal["hash", "stored"] = "hash"
    data_capture_percent: int = 0
    follows: Follows | None = None
    dimensions: Mapping[str, DimensionSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise SettingsError(f"rollout{f' in stage {self.stage}' if self.stage else ''}: {problem}")

    @property
    def digest(self) -> str:
        """The same for equal settings: as read back, in which 1 and 1.0 are one."""
        read = loads(Spec, dumps(self))
        return hashlib.sha256(dumps(read).encode()).hexdigest()[:16]

    @property
    def adaptive(self) -> bool:
        """Whether shares follow what the arms have earned, not the steps."""
        return self.strategy.name != "Weighted"

    def pins(self, dimension: str) -> Pins:
        return self.dimensions.get(dimension, DimensionSpec()).pins

    def instance_of(self, dimension: str, version: int) -> Instance:
        """What a version's variant runs on."""
        return self.dimensions.get(dimension, DimensionSpec()).instances.get(version, self.instance)

    def _problems(self) -> Iterator[str]:
        shares = [step.share for step in self.steps]
        if not shares:
            yield "it has no steps: give at least one with a share"
        if not all(0 < share <= 1 for share in shares):
            yield f"steps have shares {shares}: each must be above 0 and at most 1"
        if shares != sorted(shares):
            yield f"steps have shares {shares}: each must be at least the one before"
        if self.adaptive and self.goal is None:
            yield f"strategy {self.strategy.name} needs a goal: it gives shares by what the arms earn towards it"
        if not 1 <= self.max_challengers <= MAX_CHALLENGERS:
            yield f"max_challengers is {self.max_challengers}: it must be between 1 and {MAX_CHALLENGERS}"
        for dimension, item in sorted(self.dimensions.items()):
            if len(set(item.pins.challengers)) != len(item.pins.challengers):
                yield f"dimension {dimension} pins a challenger twice"
            if len(item.pins.challengers) > MAX_CHALLENGERS:
                yield f"dimension {dimension} pins {len(item.pins.challengers)} challengers: at most {MAX_CHALLENGERS}"
            if item.pins.champion in item.pins.challengers:
                yield f"dimension {dimension} pins version {item.pins.champion} as champion and as challenger"
