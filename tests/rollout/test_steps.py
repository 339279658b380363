"""From the first version to the next champion: steps, promotion, baking, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.rollout.spec import Step
from contender.rollout.state import Phase
from tests.rollout.dimension import Dimension, a_spec, ramping, served


def test_the_first_version_is_champion_without_an_experiment() -> None:
    dimension = Dimension(a_spec())
    dimension.tick()
    assert (dimension.state.champion, dimension.state.shares, dimension.state.experiment) == (1, {1: 1.0}, 0)
    assert dimension.state.tracks == ()


def test_nothing_is_recorded_while_nothing_changes() -> None:
    dimension = served(a_spec())
    revision = dimension.state.revision
    dimension.ticks(50, requests=100)
    assert dimension.state.revision == revision


def test_a_challenger_gets_traffic_only_once_it_serves() -> None:
    dimension = served(a_spec(), versions=2)
    dimension.serves = False
    dimension.ticks(3)
    assert dimension.state.shares == {1: 1.0, 2: 0.0}
    assert dimension.track().step == 0
    dimension.serves = True
    dimension.tick()
    assert dimension.state.shares == {1: 0.9, 2: 0.1}
    assert dimension.state.experiment == 1


def test_a_step_lasts_its_time_and_its_sample() -> None:
    dimension = ramping(a_spec())
    dimension.ticks(20)
    assert (dimension.track().step, dimension.track().code) == (1, "step_sample")
    dimension.tick(requests=5_010)
    assert dimension.state.shares == {1: 0.5, 2: 0.5}
    dimension.ticks(5, requests=2_000)
    assert (dimension.track().step, dimension.track().code) == (2, "step_time")


def test_a_steps_time_begins_when_the_endpoint_serves_its_share() -> None:
    dimension = served(a_spec(steps=(Step(0.1, 600.0), Step(0.5))), versions=2)
    dimension.ticks(2)
    dimension.serves = False
    dimension.ticks(60)
    assert dimension.track().step == 1
    dimension.serves = True
    dimension.tick()
    dimension.tick(599)
    assert dimension.track().step == 1
    dimension.tick(1)
    assert dimension.track().step == 2


def test_overdue_steps_fold_into_one_and_the_last_is_not_skipped() -> None:
    steps = tuple(Step(share, 600.0) for share in (0.05, 0.1, 0.25, 0.5))
    dimension = ramping(a_spec(steps=steps))
    dimension.tick(1_300)
    assert dimension.state.shares[2] == 0.25
    dimension.tick()
    dimension.tick(100_000)
    assert (dimension.state.shares[2], dimension.phase()) == (0.5, Phase.RAMPING)


def test_without_a_goal_it_is_promoted_after_the_last_step() -> None:
    dimension = ramping(a_spec(bake_s=1_800.0))
    dimension.ticks(60, requests=2_000)
    assert (dimension.state.champion, dimension.state.previous) == (2, 1)
    assert dimension.state.shares == {2: 1.0}
    assert dimension.phase() is Phase.PROMOTED
    assert dimension.track().code == "steps_done"


def test_the_old_champion_stands_by_while_the_new_one_bakes() -> None:
    dimension = ramping(a_spec(bake_s=1_800.0, steps=(Step(0.1, 120.0),)))
    dimension.ticks(2)
    assert dimension.phase() is Phase.PROMOTING
    dimension.tick()
    assert (dimension.phase(), dimension.state.shares, dimension.state.champion) == (Phase.BAKING, {1: 0.0, 2: 1.0}, 1)
    dimension.tick(1_799)
    assert dimension.phase() is Phase.BAKING
    dimension.tick(1)
    assert (dimension.phase(), dimension.state.shares, dimension.state.champion) == (Phase.PROMOTED, {2: 1.0}, 2)
    assert dimension.state.experiment == 2, "another champion is another experiment"


def test_settings_with_other_shares_take_effect_at_once() -> None:
    dimension = ramping(a_spec())
    dimension.spec = a_spec(steps=(Step(0.2, 600.0, 500),))
    decision = dimension.tick()
    assert dimension.state.shares == {1: 0.8, 2: 0.2}
    assert [event.code for event in decision.events][-1] == "shares"


def test_fewer_steps_than_before_leave_a_challenger_at_the_last() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 120.0), Step(0.2), Step(0.3, 3_600.0))))
    dimension.ticks(10)
    assert dimension.track().step == 3
    dimension.spec = a_spec(steps=(Step(0.15, 7_200.0),))
    dimension.ticks(3)
    assert dimension.state.shares[2] == 0.15
    dimension.tick(7_200)
    assert dimension.phase() is Phase.PROMOTING


@pytest.mark.parametrize(
    ("step", "together"),
    [
        (0.1, {1: 0.8, 2: 0.1, 3: 0.1}),
        (0.5, {1: 0.333334, 2: 0.333333, 3: 0.333333}),
    ],
)
def test_several_challengers_leave_the_champion_no_less_than_any_of_them(
    step: float, together: dict[int, float]
) -> None:
    dimension = ramping(a_spec(max_challengers=2, steps=(Step(step, 1e9),)), versions=3)
    dimension.ticks(3)
    assert dimension.state.shares == together


def test_versions_come_into_service_one_at_a_time() -> None:
    dimension = served(a_spec(max_challengers=3), versions=4)
    dimension.serves = False
    dimension.ticks(5)
    assert [track.version for track in dimension.state.active] == [2]
    dimension.serves = True
    dimension.ticks(6)
    assert [track.version for track in dimension.state.active] == [2, 3, 4]


def test_a_newer_challenger_goes_on_against_the_new_champion() -> None:
    dimension = ramping(a_spec(max_challengers=2, steps=(Step(0.1, 600.0), Step(0.3, 1e9))), versions=2)
    dimension.ticks(15)
    dimension.versions.append(3)
    dimension.ticks(15)
    dimension.spec = replace(dimension.spec, steps=(Step(0.1, 600.0), Step(0.3, 60.0)), bake_s=60.0)
    dimension.ticks(5)
    assert dimension.state.champion == 2
    assert (dimension.phase(3), dimension.track(3).step) == (Phase.RAMPING, 1)
    assert dimension.state.shares[3] == 0.1


def test_what_serves_already_is_taken_over() -> None:
    dimension = Dimension(a_spec(max_challengers=2), versions=[1, 2])
    dimension.serves, dimension.live = False, {1: 0.9, 2: 0.1}
    dimension.ticks(2)
    assert (dimension.state.champion, dimension.state.shares) == (1, {1: 0.9, 2: 0.1})
    assert (dimension.phase(), dimension.track().step) == (Phase.RAMPING, 1)


def test_the_time_of_a_rollout_counts_from_its_first_step_not_from_each() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 600.0), Step(0.5, 600.0))))
    began = dimension.track().judged_from
    dimension.ticks(12)
    assert dimension.track().step == 2
    assert dimension.track().judged_from == began


def test_the_old_champion_leaves_no_sooner_than_requests_to_it_can_have_ended() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 60.0),), bake_s=0.0, drain_s=600.0))
    dimension.ticks(6)
    assert (dimension.phase(), dimension.state.shares) == (Phase.BAKING, {1: 0.0, 2: 1.0})
    dimension.ticks(10)
    assert (dimension.phase(), dimension.state.shares) == (Phase.PROMOTED, {2: 1.0})


def test_nobody_is_champion_of_an_endpoint_that_does_not_serve_it() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 60.0),), bake_s=600.0))
    dimension.ticks(6)
    assert dimension.phase() is Phase.BAKING
    dimension.serves, dimension.live = False, {1: 1.0}
    dimension.ticks(30)
    assert (dimension.phase(), dimension.state.champion) == (Phase.BAKING, 1)
    dimension.serves = True
    dimension.ticks(2)
    assert (dimension.phase(), dimension.state.champion) == (Phase.PROMOTED, 2)
