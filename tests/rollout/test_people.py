"""What people may ask: commands, pins, weights in the console, a dry run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.experiments.guardrails import Guardrail
from contender.experiments.verdict import Goal
from contender.rollout.observation import Command, Verb
from contender.rollout.spec import DimensionSpec, Hooks, Pins, Spec, Step
from contender.rollout.state import Phase
from tests.rollout.dimension import Dimension, a_spec, ramping, served

PATIENT = (Step(0.1, 1e9),)


def pinning(champion: int | None = None, *challengers: int, spec: Spec | None = None) -> Spec:
    pins = DimensionSpec(Pins(champion, challengers))
    return replace(spec or a_spec(steps=PATIENT), dimensions={"SM-1": pins, "SM-10": DimensionSpec(Pins(9))})


def test_a_command_stands_in_the_ledger_with_who_and_why() -> None:
    dimension = ramping(a_spec(steps=PATIENT))
    dimension.tick(command=Command(Verb.ROLLBACK, "ada", 2, "support calls"))
    entry = dimension.entries[-1]
    assert entry.observation.command == Command(Verb.ROLLBACK, "ada", 2, "support calls")
    assert dimension.track().reason == "v2 rolls back: ada asked for it, support calls"


@pytest.mark.parametrize("version", [None, 2])
def test_a_person_promotes_at_any_step(version: int | None) -> None:
    dimension = served(a_spec(steps=PATIENT, bake_s=600.0, hooks=Hooks(before=("slow",))), versions=2)
    dimension.tick()
    assert dimension.track().step == 0
    dimension.ask(Verb.PROMOTE, version)
    dimension.ticks(3)
    assert (dimension.phase(), dimension.state.shares) == (Phase.BAKING, {1: 0.0, 2: 1.0})
    dimension.ask(Verb.PROMOTE, version)
    assert (dimension.phase(), dimension.state.champion) == (Phase.PROMOTED, 2)


@pytest.mark.parametrize("ticks", range(1, 9))
def test_a_person_rolls_back_at_any_phase(ticks: int) -> None:
    dimension = served(a_spec(steps=(Step(0.1, 60.0), Step(0.5, 60.0)), drain_s=120.0), versions=2)
    dimension.ticks(ticks)
    dimension.ask(Verb.ROLLBACK)
    assert dimension.phase() is Phase.ROLLING_BACK
    assert dimension.state.shares == {1: 1.0, 2: 0.0}
    dimension.ticks(5)
    assert (dimension.phase(), dimension.state.shares) == (Phase.ROLLED_BACK, {1: 1.0})


def test_who_is_started_again_is_judged_by_what_it_does_from_then_on() -> None:
    """Whoever fixed what it failed of starts it, while another challenger is under way."""
    guardrails = (Guardrail("error_rate", 0.01),)
    steps = (Step(0.1, 0.0, 500), Step(0.1, 0.0, 9_000))
    dimension = served(a_spec(steps=steps, max_challengers=3, guardrails=guardrails), versions=3)
    dimension.failures = {2: 0.5}
    dimension.ticks(9)
    dimension.ticks(5, requests=5_000)
    assert (dimension.phase(2), dimension.phase(3), dimension.state.experiment) == (Phase.ROLLED_BACK, Phase.RAMPING, 1)
    assert (dimension.track(3).step, dimension.track(3).sample) == (2, 500)
    dimension.failures = {}
    dimension.ask(Verb.START, 2)
    assert (dimension.state.experiment, dimension.track(3).step, dimension.track(3).sample) == (2, 2, 0)
    dimension.ticks(5, requests=5_000)
    assert (dimension.phase(2), dimension.phase(3)) == (Phase.RAMPING, Phase.RAMPING)


def test_who_a_person_started_goes_on_against_a_newer_champion_from_the_first_step_and_its_hooks() -> None:
    hooks = Hooks(after=("look",))
    dimension = served(a_spec(steps=(Step(0.1, 60.0), Step(0.2, 1e9)), max_challengers=3, hooks=hooks))
    dimension.versions = [1, 2, 3]
    dimension.ask(Verb.START, 2)
    dimension.ticks(4)
    dimension.answer()
    dimension.ticks(3)
    assert (dimension.track(2).step, dimension.track(2).hooked) == (2, 1)
    dimension.ask(Verb.PROMOTE, 3)
    dimension.ticks(3)
    dimension.ask(Verb.PROMOTE, 3)
    assert dimension.state.champion == 3
    assert (dimension.phase(2), dimension.track(2).step, dimension.track(2).hooked) == (Phase.RAMPING, 1, 0)


def test_what_was_rolled_back_stays_away_until_a_person_starts_it() -> None:
    dimension = ramping(a_spec(steps=PATIENT))
    dimension.ask(Verb.ROLLBACK)
    dimension.ticks(20)
    assert (dimension.state.shares, dimension.state.barred) == ({1: 1.0}, (2,))
    dimension.ask(Verb.START, 2)
    dimension.ticks(3)
    assert (dimension.state.shares, dimension.state.barred) == ({1: 0.9, 2: 0.1}, ())
    assert dimension.track().by == "ada"


def test_a_retired_champion_returns_by_one_command() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 60.0),), bake_s=60.0))
    dimension.ticks(10)
    assert dimension.state.champion == 2
    assert "to return to v1, promote it" in dimension.ask(Verb.ROLLBACK).refused
    dimension.ask(Verb.PROMOTE, 1)
    dimension.ticks(5)
    assert (dimension.state.champion, dimension.state.shares) == (1, {1: 1.0})
    dimension.ticks(10)
    assert dimension.state.active == (), "and the other one does not come back by itself"


def test_a_rollback_is_turned_round_by_a_promotion() -> None:
    dimension = ramping(a_spec(steps=PATIENT, drain_s=1e6))
    dimension.ask(Verb.ROLLBACK)
    dimension.tick()
    dimension.ask(Verb.PROMOTE, 2)
    dimension.ticks(2)
    assert (dimension.phase(), dimension.state.barred) == (Phase.BAKING, ())


def test_a_pause_holds_steps_and_newcomers_but_no_guardrail() -> None:
    guardrails = (Guardrail("error_rate", 0.01),)
    dimension = ramping(a_spec(guardrails=guardrails, steps=(Step(0.1, 60.0), Step(0.5, 60.0)), max_challengers=2))
    dimension.ask(Verb.PAUSE)
    dimension.versions.append(3)
    dimension.ticks(20)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    dimension.failures = {2: 0.5}
    dimension.tick(requests=5_000)
    assert dimension.phase() is Phase.ROLLING_BACK


def test_a_steps_time_begins_anew_when_a_pause_ends() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 600.0), Step(0.5, 600.0))))
    dimension.ask(Verb.PAUSE)
    dimension.ticks(100)
    dimension.ask(Verb.RESUME)
    dimension.tick(599)
    assert dimension.track().step == 1
    dimension.tick(1)
    assert dimension.track().step == 2


def test_a_command_that_does_not_fit_is_refused_in_one_line_and_changes_nothing() -> None:
    dimension = ramping(a_spec(steps=PATIENT, max_challengers=2), versions=3)
    dimension.ticks(4)
    for verb, version, said in (
        (Verb.START, None, "start needs the version that is to begin"),
        (Verb.START, 1, "v1 is the champion of contender-SM-1"),
        (Verb.START, 2, "v2 is Ramping already"),
        (Verb.START, 9, "contender-SM-1 has no v9: the registry has v1, v2, v3"),
        (Verb.PROMOTE, None, "promote could mean v2, v3 of contender-SM-1: name the version"),
        (Verb.PROMOTE, 9, "contender-SM-1 has no v9"),
        (Verb.APPROVE, 2, "approve does not fit v2 of contender-SM-1, which is Ramping"),
        (Verb.ROLLBACK, 1, "v1 of contender-SM-1 has no rollout under way that rollback could be about"),
        (Verb.RESUME, None, "nothing of contender-SM-1 is paused or inconclusive"),
    ):
        decision = dimension.ask(verb, version)
        assert decision.refused.startswith(said)
        assert "\n" not in decision.refused
        assert not decision.changed


def test_a_newer_version_waits_in_the_queue() -> None:
    dimension = ramping(a_spec(steps=PATIENT), versions=3)
    dimension.ticks(10)
    assert [track.version for track in dimension.state.active] == [2]
    assert dimension.said.count("waits") == 1
    dimension.ask(Verb.ROLLBACK)
    dimension.ticks(3)
    assert [track.version for track in dimension.state.active] == [3]


def test_a_newer_version_replaces_the_older_one_where_the_settings_say_so() -> None:
    dimension = ramping(a_spec(steps=PATIENT, newer="replace"))
    dimension.versions = [1, 2, 3, 4]
    dimension.tick()
    assert (dimension.phase(2), dimension.track(2).code) == (Phase.ROLLING_BACK, "replaced")
    assert (dimension.phase(3), dimension.track(3).code) == (Phase.ROLLED_BACK, "passed_over")
    assert dimension.phase(4) is Phase.RAMPING
    assert "v4 is newer" in dimension.track(2).reason


def test_what_a_person_started_is_not_replaced() -> None:
    dimension = ramping(a_spec(steps=PATIENT, newer="replace"))
    dimension.ask(Verb.ROLLBACK)
    dimension.ticks(3)
    dimension.ask(Verb.START, 2)
    dimension.versions.append(3)
    dimension.ticks(5)
    assert [track.version for track in dimension.state.active] == [2]


def test_an_endpoint_takes_ten_variants_and_no_more() -> None:
    dimension = served(a_spec(steps=(Step(0.05, 1e9),), max_challengers=9), versions=12)
    dimension.ticks(60)
    assert len(dimension.state.shares) == 10
    assert "10 variants" in dimension.ask(Verb.START, 12).refused


def test_a_pinned_champion_is_brought_there_and_not_replaced() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 600.0),)))
    dimension.spec = pinning(2, spec=dimension.spec)
    dimension.ticks(2)
    assert dimension.track().code == "pinned"
    dimension.ticks(70)
    assert dimension.state.champion == 2
    dimension.versions.append(3)
    dimension.ticks(20)
    assert dimension.state.active == (), "nobody competes with a pinned champion"
    dimension.ask(Verb.START, 3)
    dimension.ticks(30)
    assert dimension.track(3).code == "champion_pinned"
    assert "v2 is pinned as champion" in dimension.ask(Verb.PROMOTE, 3).refused


def test_pinned_challengers_stay_whatever_any_test_says() -> None:
    dimension = served(pinning(None, 2, 3, spec=a_spec(goal=Goal(maximum_duration_s=60.0), steps=(Step(0.1, 60.0),))))
    dimension.versions = [1, 2, 3]
    dimension.conversions = {1: 0.1, 2: 0.5, 3: 0.01}
    dimension.ticks(20, requests=10_000)
    assert dimension.state.shares == {1: 0.8, 2: 0.1, 3: 0.1}
    assert {track.code for track in dimension.state.active} == {"pinned"}


def test_a_pin_brings_back_what_was_rolled_back_once() -> None:
    guardrails = (Guardrail("error_rate", 0.01),)
    dimension = ramping(a_spec(steps=PATIENT, guardrails=guardrails))
    dimension.ask(Verb.ROLLBACK)
    dimension.ticks(3)
    dimension.spec = pinning(None, 2, spec=dimension.spec)
    dimension.ticks(4)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    dimension.failures = {2: 0.5}
    dimension.ticks(10, requests=5_000)
    assert dimension.state.shares == {1: 1.0}, "a guardrail holds for a pinned version too"


def test_a_pin_of_a_version_that_is_not_there_is_told_once() -> None:
    dimension = served(pinning(None, 7))
    dimension.ticks(20)
    assert dimension.said.count("unknown_pin") == 1


def test_the_pins_of_another_dimension_are_not_ours() -> None:
    dimension = served(a_spec(), versions=2)
    dimension.spec = replace(dimension.spec, dimensions={"SM-10": DimensionSpec(Pins(2)), "SM": DimensionSpec(Pins(2))})
    dimension.ticks(3)
    assert "pins" not in dimension.said


def test_weights_set_by_hand_are_respected_until_the_next_step() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 600.0), Step(0.5, 600.0))))
    dimension.tick()
    decision = dimension.set_by_hand({1: 0.7, 2: 0.3})
    assert [event.code for event in decision.events] == ["by_hand"]
    assert dimension.state.shares == {1: 0.7, 2: 0.3}
    dimension.ticks(5)
    assert dimension.state.shares == {1: 0.7, 2: 0.3}
    dimension.ticks(5)
    assert dimension.state.shares == {1: 0.5, 2: 0.5}


def test_weights_set_by_hand_are_put_back_where_the_settings_say_so() -> None:
    dimension = ramping(a_spec(steps=PATIENT, weights_by_hand="put_back"))
    dimension.tick()
    decision = dimension.set_by_hand({1: 0.7, 2: 0.3})
    assert [event.code for event in decision.events] == ["put_back"]
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    assert dimension.state.settled is None


def test_nobody_gives_traffic_back_by_hand_to_what_is_rolling_back() -> None:
    dimension = ramping(a_spec(steps=PATIENT, drain_s=1e6))
    dimension.ask(Verb.ROLLBACK)
    dimension.ticks(2)
    dimension.set_by_hand({1: 0.5, 2: 0.5})
    assert dimension.state.shares == {1: 1.0, 2: 0.0}
    assert dimension.said[-1] == "put_back"


def test_a_variant_that_somebody_removed_comes_back() -> None:
    dimension = ramping(a_spec(steps=PATIENT))
    dimension.tick()
    decision = dimension.set_by_hand({1: 1.0})
    assert [event.code for event in decision.events] == ["gone"]
    assert dimension.state.shares == {1: 0.9, 2: 0.1}


def test_a_dry_run_says_what_it_would_do_once_and_does_nothing() -> None:
    dimension = served(a_spec(steps=(Step(0.1, 60.0), Step(0.5, 60.0)), dry_run=True))
    assert dimension.state.champion is None
    assert [event.sentence for event in dimension.entries[0].decision.events] == ["dry run: v1 would serve first"]
    dimension.ticks(20)
    assert len(dimension.entries) == 1


def test_in_a_dry_run_only_a_person_moves_anything() -> None:
    dimension = Dimension(a_spec())
    dimension.ticks(2)
    dimension.spec = a_spec(
        steps=(Step(0.1, 60.0), Step(0.5, 60.0)), dry_run=True, guardrails=(Guardrail("error_rate", 0.01),)
    )
    dimension.versions = [1, 2]
    dimension.ticks(10)
    assert dimension.state.shares == {1: 1.0}
    dimension.ask(Verb.START, 2)
    dimension.ticks(5, requests=1_000)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    assert dimension.track().reason == "dry run: v2 would go to 50 %"
    dimension.failures = {2: 0.5}
    dimension.ticks(5, requests=5_000)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    assert dimension.track().reason == "dry run: v2 would roll back (guardrail:error_rate)"
    dimension.ask(Verb.ROLLBACK, 2)
    dimension.ticks(2)
    assert dimension.state.shares == {1: 1.0}
