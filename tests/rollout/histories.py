"""Random histories of a dimension, from a seed: a small world of AWS that follows the decisions, mostly.

It registers versions, serves what is wanted some ticks later, counts requests, answers hooks, and is visited by people
who command, set weights in the console, deploy other settings, delete things. Sometimes it shows what cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from contender.experiments.arms import Arm
from contender.experiments.evidence import Evidence, Stratum, Users
from contender.experiments.guardrails import LATENCY, Guardrail
from contender.experiments.latency import Latencies
from contender.experiments.verdict import Goal
from contender.naming import variant_name
from contender.rollout.decide import decide
from contender.rollout.decision import Decision, Entry
from contender.rollout.observation import Command, HookOutcome, HookResult, Observation, Verb
from contender.rollout.spec import DimensionSpec, Hooks, Instance, Pins, Spec, Step, StrategySpec
from contender.rollout.state import State

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
INSTANCE = Instance("ml.m5.large", 1)
MOST_VERSIONS = 14
STRATEGIES = (*["Weighted"] * 16, "EpsilonGreedy", "UCB1", "Thompson", "TopTwoThompson")


@dataclass(slots=True)
class World:
    """What AWS has of one dimension, and who comes by."""

    random: Random
    spec: Spec
    state: State
    now: datetime = START
    versions: list[int] = field(default_factory=lambda: [1])
    live: dict[int, float] = field(default_factory=dict)
    entered: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    strata: list[Stratum] = field(default_factory=list)
    experiment: int = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pass_time(self) -> None:
        self.now += timedelta(seconds=self.random.choice((1, 60, 600, 3600, 3600, 100_000)))
        if len(self.versions) < MOST_VERSIONS and self.chance(0.2):
            self.versions.append(self.versions[-1] + self.random.choice((1, 1, 1, 7)))
            if self.chance(0.15):
                self.broken.add(self.versions[-1])
        if self.chance(0.01):
            self.rejected ^= {self.random.choice(self.versions)}
        if self.chance(0.03):
            self.spec = some_spec(self.random, self.versions)
        self._serve()
        self._count()

    def observation(self) -> Observation:
        """One reading, now and then of what cannot be."""
        state = self.state
        waiting = tuple(version for version in self.versions if version not in self.entered)
        if self.chance(0.05):
            waiting = tuple(self.random.sample(self.versions, self.random.randint(0, len(self.versions))))
        live = dict(self.live)
        if self.chance(0.02):
            live = {self.random.randint(1, 40): self.random.random() for _ in range(self.random.randint(0, 3))}
        return Observation(
            versions=tuple(self.versions),
            waiting=waiting,
            live=live,
            champion=self.random.choice((None, state.champion, *self.versions)) if self.chance(0.1) else state.champion,
            failed={v: "crashed on start" for v in self.broken if v in state.shares and self.chance(0.7)},
            rejected=tuple(sorted(self.rejected)),
            busy=self.chance(0.2),
            trouble="it needs a person" if self.chance(0.01) else "",
            experiment=self.experiment if self.chance(0.97) else self.random.randint(0, 9),
            evidence=self._evidence() if self.chance(0.7) else None,
            hooks=self._hooks(),
            command=some_command(self.random, self.versions) if self.chance(0.08) else None,
        )

    def _serve(self) -> None:
        """The endpoint follows what is wanted, unless it takes its time or somebody has been there."""
        if self.chance(0.8):
            self.live = {v: share for v, share in self.state.shares.items() if v not in self.broken}
            self.entered |= self.live.keys()
        if self.live and self.chance(0.03):
            weights = {version: self.random.choice((0.0, 0.5, 1.0, 3.0)) for version in self.live}
            self.live = {v: weight / (sum(weights.values()) or 1.0) for v, weight in weights.items()}
        if self.live and self.chance(0.01):
            del self.live[self.random.choice(sorted(self.live))]
        if self.chance(0.005):
            self.live = {}

    def _count(self) -> None:
        if self.experiment != self.state.experiment:
            self.experiment, self.strata = self.state.experiment, []
        if not self.live or not self.state.active:
            return
        requests = self.random.choice((0, 10, 500, 20_000))
        counted = {v: int(requests * share) for v, share in self.live.items()}
        shares = {variant_name(v): share for v, share in self.live.items()}
        arms, times = {}, {}
        for version, n in counted.items():
            rate = (version * 7 % 10) / 20
            successes = min(n, int(n * rate * self.random.uniform(0.8, 1.2)))
            arms[variant_name(version)] = Arm(
                n, successes, float(successes), float(successes), n // 3 * (version % 5 == 0)
            )
            if any(guardrail.metric == LATENCY for guardrail in self.spec.guardrails):
                times[variant_name(version)] = Latencies.of({Latencies.index(20.0 * (3 if version % 4 == 0 else 1)): n})
        self.strata = [*self.strata, Stratum(shares, arms, times)][-3:]

    def _evidence(self) -> Evidence:
        strata = tuple(self.strata)
        if self.chance(0.02):
            strata = (Stratum({"v1": 1.0, "x": 2.0}, {"v1": Arm(3, 9, -5.0, 1.0, 7), "x": Arm()}),)
        skewed = 2 if self.chance(0.05) else 0
        users = tuple(
            Users(
                stratum.shares,
                {name: int(arm.n / (10 + i * skewed)) for i, (name, arm) in enumerate(stratum.arms.items())},
            )
            for stratum in strata
        )
        return Evidence(strata, strata, users, {"reward": strata})

    def _hooks(self) -> tuple[HookResult, ...]:
        outcomes = (*[HookOutcome.PASSED] * 8, HookOutcome.FAILED, HookOutcome.TIMED_OUT)
        return tuple(
            HookResult(track.version, track.hook.step, function, self.random.choice(outcomes), "said so")
            for track in self.state.active
            if track.hook is not None and self.chance(0.7)
            for function in track.hook.functions
        )


def some_spec(random: Random, versions: list[int]) -> Spec:
    """Settings of any kind."""
    shares = sorted(random.sample((0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0), random.randint(1, 3)))
    steps = tuple(Step(share, random.choice((0.0, 60.0, 3600.0)), random.choice((0, 0, 100))) for share in shares)
    strategy = StrategySpec(
        random.choice(STRATEGIES), floor=random.choice((0.0, 0.05)), warm_up=random.choice((0, 100))
    )
    method = random.choice(("confidence_sequence", "confidence_sequence", "msprt", "expected_loss"))
    goal = Goal(random.choice(("binary", "real")), method=method, minimum_sample=100, maximum_duration_s=400_000.0)
    actions = ("roll_back", "hold", "warn")
    guardrails = [
        Guardrail("error_rate", 0.01, random.choice(actions)),
        Guardrail(LATENCY, 1.5, random.choice(actions)),
        Guardrail("reward:reward", 0.02, random.choice(actions)),
    ]
    known = [*versions, 99]
    pinned = random.sample(known, min(len(known), random.randint(0, 3)))
    pins = Pins(pinned[0] if pinned and random.random() < 0.5 else None, tuple(pinned[1:]))
    other = DimensionSpec(Pins(champion=random.randint(1, 9)))
    return Spec(
        "",
        INSTANCE,
        steps=steps,
        strategy=strategy,
        goal=goal if strategy.name != "Weighted" or random.random() < 0.7 else None,
        guardrails=tuple(random.sample(guardrails, random.choice((0, 0, 1, 1, 2)))),
        sample_ratio_action=random.choice(actions),
        approval=random.choice(("automatic", "automatic", "manual")),
        dry_run=random.random() < 0.1,
        bake_s=random.choice((0.0, 60.0, 7200.0)),
        drain_s=random.choice((0.0, 60.0)),
        newer=random.choice(("queue", "replace")),
        max_challengers=random.choice((1, 1, 2, 3, 9)),
        weights_by_hand=random.choice(("respect", "put_back")),
        hooks=random.choice((Hooks(), Hooks(), Hooks(("serves",), ("golden", "captures")))),
        bucket_s=random.choice((60.0, 3600.0)),
        dimensions={"SM-10": other} | ({"SM-1": DimensionSpec(pins)} if random.random() < 0.2 else {}),
    )


def some_command(random: Random, versions: list[int]) -> Command:
    version = random.choice((None, random.randint(1, 40), *versions))
    return Command(random.choice(tuple(Verb)), "ada", version, random.choice(("", "the numbers look odd")))


@dataclass(frozen=True, slots=True)
class Tick:
    """One decision with all that it was made from."""

    at: datetime
    spec: Spec
    before: State
    observation: Observation
    decision: Decision

    def entry(self, spec: str) -> Entry:
        """As the ledger has it; `spec` is what its settings are found by."""
        return Entry(self.at, spec, self.before, self.observation, self.decision)


def history(seed: int, ticks: int = 16, dimension: str = "SM-1") -> Iterator[Tick]:
    """A dimension's life, decision by decision."""
    random = Random(seed)
    world = World(random, some_spec(random, [1]), State(f"contender-{dimension}", dimension))
    for _ in range(ticks):
        world.pass_time()
        observation = world.observation()
        decision = decide(world.spec, world.state, observation, world.now)
        yield Tick(world.now, world.spec, world.state, observation, decision)
        world.state = decision.state
