"""A dimension that serves what is decided at once, for tests of single decisions; time passes only when told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum, Users, merged
from contender.naming import variant_name
from contender.rollout.decide import decide
from contender.rollout.decision import Decision, Entry
from contender.rollout.observation import Command, HookOutcome, HookResult, Observation, Verb
from contender.rollout.spec import Instance, Spec, Step
from contender.rollout.state import Phase, State, Track

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_spec(**changes: Any) -> Spec:
    """Two steps of ten minutes and 500 requests, no goal, no wait at the end; `changes` are the test's subject."""
    steps = (Step(0.1, 600.0, 500), Step(0.5, 600.0, 500))
    return Spec(**{"stage": "", "instance": Instance("ml.m5.large", 1), "steps": steps, "drain_s": 0.0} | changes)


@dataclass(slots=True)
class Dimension:
    """`conversions` and `failures` are rates by version; `serves` is whether the endpoint follows what is wanted."""

    spec: Spec
    versions: list[int] = field(default_factory=lambda: [1])
    name: str = "SM-1"
    now: datetime = NOON
    serves: bool = True
    live: dict[int, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    conversions: dict[int, float] = field(default_factory=dict)
    failures: dict[int, float] = field(default_factory=dict)
    hooks: tuple[HookResult, ...] = ()
    users: tuple[Users, ...] = ()
    strata: list[Stratum] = field(default_factory=list)
    experiment: int = 0
    entries: list[Entry] = field(default_factory=list)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(f"contender-{self.name}", self.name)

    @property
    def said(self) -> list[str]:
        return [event.code for entry in self.entries for event in entry.decision.events]

    def track(self, version: int = 2) -> Track:
        track = self.state.track(version)
        assert track is not None, f"v{version} has no track"
        return track

    def phase(self, version: int = 2) -> Phase:
        return self.track(version).phase

    def tick(self, seconds: float = 60.0, requests: int = 0, command: Command | None = None) -> Decision:
        """Let time pass and requests come by the live shares, then look and decide."""
        self.now += timedelta(seconds=seconds)
        if self.serves:
            self.live = {v: share for v, share in self.state.shares.items() if v not in self.failed}
        self._count(requests)
        seen = Observation(
            versions=tuple(self.versions),
            waiting=tuple(v for v in self.versions if v != self.state.champion and self.state.track(v) is None),
            live=dict(self.live),
            failed={v: reason for v, reason in self.failed.items() if v in self.state.shares},
            experiment=self.experiment,
            evidence=Evidence(tuple(self.strata), tuple(self.strata), self.users, {"reward": tuple(self.strata)}),
            hooks=self.hooks,
            command=command,
        )
        before, self.hooks = self.state, ()
        decision = decide(self.spec, before, seen, self.now)
        if decision.changed:
            self.entries.append(Entry(self.now, self.spec.digest, before, seen, decision))
        self.state = decision.state
        return decision

    def ticks(self, count: int, seconds: float = 60.0, requests: int = 0) -> None:
        for _ in range(count):
            self.tick(seconds, requests)

    def ask(self, verb: Verb, version: int | None = None) -> Decision:
        """A person's command, at once."""
        return self.tick(0.0, command=Command(verb, "ada", version))

    def set_by_hand(self, live: Mapping[int, float]) -> Decision:
        """Somebody sets weights in the console."""
        self.serves, self.live = False, dict(live)
        decision = self.tick()
        self.serves = True
        return decision

    def answer(self, outcome: HookOutcome = HookOutcome.PASSED, version: int = 2) -> Decision:
        """The hooks that a track waits for answer."""
        run = self.track(version).hook
        assert run is not None, f"v{version} waits for no hook"
        self.hooks = tuple(HookResult(version, run.step, name, outcome, "so it says") for name in run.functions)
        return self.tick(1.0)

    def _count(self, requests: int) -> None:
        if self.experiment != self.state.experiment:
            self.experiment, self.strata = self.state.experiment, []
        if requests:
            arms = {}
            for version, share in self.live.items():
                n = round(requests * share)
                won = round(n * self.conversions.get(version, 0.1))
                lost = round(n * self.failures.get(version, 0.0))
                arms[variant_name(version)] = Arm(n, won, float(won), float(won), lost)
            stratum = Stratum({variant_name(v): share for v, share in self.live.items()}, arms)
            together = merged if self.spec.strategy.discount == 1 else tuple
            self.strata = list(together([*self.strata, stratum]))


def served(spec: Spec, *, versions: int = 1) -> Dimension:
    """A dimension whose first version serves, and then others have been registered."""
    dimension = Dimension(spec)
    dimension.ticks(2)
    dimension.versions = list(range(1, versions + 1))
    return dimension


def ramping(spec: Spec, *, versions: int = 2) -> Dimension:
    """A dimension whose second version serves with the first step's share."""
    dimension = served(spec, versions=versions)
    dimension.ticks(3)
    assert dimension.track().step == 1
    return dimension
