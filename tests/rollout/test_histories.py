"""What holds in ten thousand random histories, whatever is seen and whoever asks for what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.rollout.decide import decide
from contender.rollout.decision import Entry
from contender.rollout.documents import dumps, loads
from contender.rollout.draft import TRANSITIONS
from contender.rollout.observation import Verb
from contender.rollout.replay import replay
from contender.rollout.spec import MAX_VARIANTS, DimensionSpec, Pins
from contender.rollout.state import Phase, State
from tests.rollout.histories import Tick, history

HISTORIES = 10_000
PARTS = 10
NEVER_SEEN_HERE = frozenset({"no_difference"})


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
        *("waits", "replaced", "passed_over", "promotion_under_way", "unknown_pin"),
    }
    assert wanted <= said, f"not reached: {sorted(wanted - said)}"
    assert "" not in said


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
