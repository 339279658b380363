"""What holds in ten thousand random histories, whatever is seen and whoever asks for what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TypeVar

import pytest

from contender.experiments.evidence import Evidence, Stratum, Users
from contender.rollout.decide import decide
from contender.rollout.decision import Entry
from contender.rollout.documents import dumps, loads
from contender.rollout.observation import Observation, Verb
from contender.rollout.replay import replay
from contender.rollout.spec import MAX_VARIANTS, DimensionSpec, Hooks, Pins, Spec
from contender.rollout.state import Phase, State
from tests.rollout.dimension import Dimension
from tests.rollout.histories import Tick, history, some_spec

T = TypeVar("T")

HISTORIES = 10_000
PARTS = 10
ENOUGH = 6
"""Decisions about the same reading after which there is nothing more to say."""

TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.RAMPING: frozenset({Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE, Phase.PROMOTING, Phase.ROLLING_BACK}),
    Phase.AWAITING_APPROVAL: frozenset({Phase.RAMPING, Phase.PROMOTING, Phase.ROLLING_BACK}),
    Phase.INCONCLUSIVE: frozenset({Phase.RAMPING, Phase.PROMOTING, Phase.ROLLING_BACK}),
    Phase.PROMOTING: frozenset({Phase.BAKING, Phase.PROMOTED, Phase.ROLLING_BACK}),
    Phase.BAKING: frozenset({Phase.PROMOTED, Phase.ROLLING_BACK}),
    Phase.ROLLING_BACK: frozenset({Phase.ROLLED_BACK, Phase.PROMOTING}),
    Phase.PROMOTED: frozenset(),
    Phase.ROLLED_BACK: frozenset(),
}
"""Who waits for approval ramps again when another one has become champion. From RollingBack to Promoting only a person
leads. An ended version may start again, as a new track."""


@pytest.fixture(scope="module")
def said() -> set[str]:
    """Codes of all events in all histories: what the histories have reached."""
    return set()


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_the_promises_hold(part: int, said: set[str]) -> None:
    for seed in range(part * HISTORIES // PARTS, (part + 1) * HISTORIES // PARTS):
        ticks = list(history(seed))
        away: frozenset[int] = frozenset()
        for number, tick in enumerate(ticks):
            try:
                check_shares(tick)
                check_phases(tick)
                check_revision(tick)
                away = check_rolled_back(tick, away)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, tick {number}: {error}") from error
            said.update(event.code for event in tick.decision.events)
        specs = {str(id(tick.spec)): tick.spec for tick in ticks}
        ledger = [tick.entry(str(id(tick.spec))) for tick in ticks if tick.decision.changed]
        different = [found for found in replay(ledger, specs.__getitem__) if not found.same]
        assert not different, f"seed {seed}: {different[0]}"


def test_the_histories_reach_every_corner(said: set[str]) -> None:
    wanted = {
        *("first_champion", "taken_over", "begins", "step", "serves", "step_time", "step_sample", "thin_sample"),
        *("goal_won", "goal_lost", "undecided", "out_of_time", "sample_ratio", "warning", "not_counted", "steps_done"),
        *("guardrail:error_rate", "guardrail:latency_p95", "guardrail:reward:reward", "failed", "champion_failed"),
        *("hooks", "hooks_passed", "hook_failed", "hook_timed_out", "bakes", "promoted", "rolled_back", "outdone"),
        *("by_hand", "put_back", "gone", "shares", "paused", "resumed", "dry_run", "pins", "pinned", "champion_pinned"),
        *(
            "withdrawn",
            "champion_withdrawn",
            "trouble",
            "waits",
            "replaced",
            "passed_over",
            "promotion_under_way",
            "unknown_pin",
        ),
    }
    assert wanted <= said, f"not reached: {sorted(wanted - said)}"
    assert "" not in said


def test_an_entry_reads_back_as_it_was_written() -> None:
    for seed in range(100):
        for tick in history(seed):
            entry = tick.entry(tick.spec.digest)
            assert loads(Entry, dumps(entry)) == entry, f"seed {seed}"


def test_the_same_reading_soon_leaves_nothing_to_decide() -> None:
    for seed in range(200):
        for tick in history(seed):
            reading = replace(tick.observation, command=None, hooks=())
            state = tick.decision.state
            for _ in range(ENOUGH):
                decision = decide(tick.spec, state, reading, tick.at)
                state = decision.state
            assert not decision.changed, f"seed {seed}: {decision.events}"


def test_dimension_1_never_touches_dimension_10() -> None:
    for seed in range(200):
        ones, tens = history(seed, dimension="SM-1"), history(seed, dimension="SM-10")
        for one in ones:
            nothing = replace(one.spec, dimensions={"SM-1": one.spec.dimensions.get("SM-1", DimensionSpec())})
            assert decide(nothing, one.before, one.observation, one.at) == one.decision, f"seed {seed}"
        for ten in tens:
            assert (ten.decision.state.endpoint, ten.decision.state.dimension) == ("contender-SM-10", "SM-10")
            nothing = replace(ten.spec, dimensions={"SM-10": ten.spec.dimensions.get("SM-10", DimensionSpec())})
            assert decide(nothing, ten.before, ten.observation, ten.at) == ten.decision, f"seed {seed}"


def test_other_version_numbers_in_the_same_order_change_nothing_but_the_numbers() -> None:
    for seed in range(400):
        for tick in history(seed):
            renamed = decide(
                renumbered_spec(tick.spec), renumbered_state(tick.before), renumbered_reading(tick.observation), tick.at
            )
            expected = renumbered_state(tick.decision.state)
            assert [event.code for event in renamed.events] == [event.code for event in tick.decision.events]
            assert renamed.state.champion == expected.champion
            assert renamed.state.shares == pytest.approx(expected.shares, abs=1e-5), f"seed {seed}"
            assert [(t.version, t.phase, t.step, t.code) for t in renamed.state.tracks if t.active] == [
                (t.version, t.phase, t.step, t.code) for t in expected.tracks if t.active
            ]


def other(version: int | None) -> int | None:
    """Another number, which keeps the order of numbers and not that of their names: 9 and 10 become 99 and 100."""
    return None if version is None else version + 90


def renumbered_spec(spec: Spec) -> Spec:
    return replace(
        spec,
        dimensions={
            name: replace(item, pins=Pins(other(item.pins.champion), tuple(map(other, item.pins.challengers))))
            for name, item in spec.dimensions.items()
        },
    )


def renumbered_state(state: State) -> State:
    return replace(
        state,
        champion=other(state.champion),
        previous=other(state.previous),
        shares={other(version): share for version, share in state.shares.items()},
        tracks=tuple(replace(track, version=other(track.version)) for track in state.tracks),
        barred=tuple(map(other, state.barred)),
        pins=Pins(other(state.pins.champion), tuple(map(other, state.pins.challengers))),
        notes=tuple(re.sub(r"v(\d+)", lambda found: f"v{other(int(found[1]))}", note) for note in state.notes),
    )


def renumbered_reading(seen: Observation) -> Observation:
    return replace(
        seen,
        versions=tuple(map(other, seen.versions)),
        waiting=tuple(map(other, seen.waiting)),
        live={other(version): share for version, share in seen.live.items()},
        champion=other(seen.champion),
        failed={other(version): reason for version, reason in seen.failed.items()},
        rejected=tuple(map(other, seen.rejected)),
        hooks=tuple(replace(result, version=other(result.version)) for result in seen.hooks),
        command=seen.command and replace(seen.command, version=other(seen.command.version)),
        evidence=seen.evidence and renumbered_evidence(seen.evidence),
    )


def renumbered_evidence(evidence: Evidence) -> Evidence:
    def named(counts: Mapping[str, T]) -> dict[str, T]:
        return {f"v{other(int(name[1:]))}" if name[1:] else name: item for name, item in counts.items()}

    def stratum(one: Stratum) -> Stratum:
        return Stratum(named(one.shares), named(one.arms), named(one.latencies))

    return Evidence(
        tuple(map(stratum, evidence.strata)),
        tuple(map(stratum, evidence.guard)),
        tuple(Users(named(users.expected), named(users.counts)) for users in evidence.users),
        {reward: tuple(map(stratum, strata)) for reward, strata in evidence.rewards.items()},
    )


def test_every_rollout_comes_to_an_end_or_to_a_person() -> None:
    for seed in range(150):
        random = Random(seed)
        spec = replace(
            some_spec(random, [1]),
            dimensions={},
            dry_run=False,
            hooks=random.choice((Hooks(), Hooks(("before",), ("after",)))),
        )
        dimension = Dimension(spec, conversions={1: 0.2, 2: random.choice((0.1, 0.2, 0.3))})
        dimension.failures = {2: random.choice((0.0, 0.0, 0.5))}
        dimension.ticks(2)
        dimension.versions = [1, 2]
        for _ in range(120):
            dimension.tick(3_600, requests=random.choice((0, 100, 2_000)))
            if dimension.track().hook is not None:
                dimension.answer()
        held = dimension.track().code.startswith("guardrail:") and spec.goal is None
        waits = dimension.phase() in (Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE)
        assert dimension.phase().ended or waits or held, f"seed {seed}: {dimension.track()}"
        assert spec.adaptive or len(dimension.entries) < 30, f"seed {seed}: {dimension.said}"


def check_shares(tick: Tick) -> None:
    """Exactly one champion with a place on the endpoint, shares that sum to 1, and ten variants at most."""
    before, after = tick.before, tick.decision.state
    if after.champion is None:
        assert not after.shares
        assert not before.served, f"v{before.champion} served and is champion no more"
        return
    assert after.champion in after.shares, f"champion v{after.champion} has no place in {after.shares}"
    assert abs(sum(after.shares.values()) - 1.0) < 1e-9, f"shares {after.shares} sum to {sum(after.shares.values())}"
    assert all(0.0 <= share <= 1.0 for share in after.shares.values()), f"shares {after.shares}"
    assert len(after.shares) <= MAX_VARIANTS, f"{len(after.shares)} variants"
    assert set(after.shares) == {after.champion} | {track.version for track in after.active}


def check_phases(tick: Tick) -> None:
    """Tracks move only where a phase leads, at most one is promoted, and none that ended moves on."""
    after = tick.decision.state
    assert len({track.version for track in after.tracks}) == len(after.tracks)
    assert sum(track.phase in (Phase.PROMOTING, Phase.BAKING) for track in after.tracks) <= 1
    assert all(track.version != after.champion for track in after.active)
    for track in after.tracks:
        old = tick.before.track(track.version)
        if old is None:
            continue
        if track.began != old.began:
            assert old.phase.ended or old.phase is Phase.ROLLING_BACK, f"v{track.version} began anew from {old.phase}"
            continue
        ways = (
            {old.phase} | TRANSITIONS[old.phase] | {end for way in TRANSITIONS[old.phase] for end in TRANSITIONS[way]}
        )
        assert track.phase in ways, f"v{track.version} went from {old.phase} to {track.phase}"


def check_revision(tick: Tick) -> None:
    """What is not said has not changed, and is not recorded."""
    before, after = tick.before, tick.decision.state
    if tick.decision.changed:
        assert after.revision == before.revision + 1
    else:
        assert after == before, "something changed that was not said"


def check_rolled_back(tick: Tick, away: frozenset[int]) -> frozenset[int]:
    """Who was rolled back gets no traffic, unless a person has asked for it since, in a command or in the settings."""
    after, command, pins = tick.decision.state, tick.observation.command, tick.spec.pins(tick.before.dimension)
    asked: set[int | None] = {pins.champion, *pins.challengers}
    if command is not None and command.verb in (Verb.START, Verb.PROMOTE):
        asked |= {command.version}
    away = away - asked
    for version in away:
        assert not after.shares.get(version), f"v{version} was rolled back and has {after.shares[version]}"
        assert version != after.champion
    return away | {t.version for t in after.tracks if t.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)}
