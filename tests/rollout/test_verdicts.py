"""What verdicts, hooks and failures do to a challenger."""

from __future__ import annotations

from typing import Literal

import pytest

from contender.experiments.evidence import Users
from contender.experiments.guardrails import Guardrail
from contender.experiments.verdict import Goal
from contender.rollout.observation import HookOutcome, Verb
from contender.rollout.spec import Hooks, Step
from contender.rollout.state import Phase
from tests.rollout.dimension import a_spec, ramping, served

LONG = (Step(0.25, 1e9),)


def test_a_better_challenger_is_promoted_whatever_its_step() -> None:
    dimension = ramping(a_spec(goal=Goal(), steps=LONG))
    dimension.conversions = {1: 0.1, 2: 0.3}
    dimension.ticks(5, requests=4_000)
    assert (dimension.phase(), dimension.track().code) == (Phase.BAKING, "goal_won")
    assert dimension.state.shares == {1: 0.0, 2: 1.0}


def test_a_worse_challenger_loses_its_traffic_at_once_and_its_variant_when_drained() -> None:
    dimension = ramping(a_spec(goal=Goal(), steps=LONG, drain_s=300.0))
    dimension.conversions = {1: 0.3, 2: 0.1}
    decision = dimension.tick(requests=20_000)
    assert (dimension.phase(), dimension.track().code) == (Phase.ROLLING_BACK, "goal_lost")
    assert dimension.state.shares == {1: 1.0, 2: 0.0}
    assert decision.verdicts[2].numbers["upper"] < 0
    dimension.tick()
    dimension.tick(299)
    assert 2 in dimension.state.shares
    dimension.tick(1)
    assert (dimension.state.shares, dimension.phase(), dimension.track().code) == (
        {1: 1.0},
        Phase.ROLLED_BACK,
        "goal_lost",
    )
    dimension.ticks(100, requests=100)
    assert dimension.state.shares == {1: 1.0}, "it does not come back"


def test_challengers_that_are_under_way_together_share_the_level() -> None:
    lower = []
    for versions in (2, 3):
        dimension = served(a_spec(goal=Goal(), steps=(Step(0.1, 1e9),), max_challengers=2), versions=versions)
        dimension.ticks(6)
        assert [track.step for track in dimension.state.tracks] == [1] * (versions - 1)
        numbers = dimension.tick(requests=50_000).verdicts[2].numbers
        assert numbers["challenger.n"] == 5_000
        lower.append(numbers["lower"])
    assert lower[1] < lower[0] - 0.001


def test_after_the_last_step_a_goal_is_waited_for() -> None:
    dimension = ramping(a_spec(goal=Goal(minimum_effect=0.001), steps=(Step(0.5),)))
    dimension.ticks(30, requests=1_000)
    assert (dimension.phase(), dimension.track().code) == (Phase.RAMPING, "undecided")


def test_holds_when_the_sample_is_thin() -> None:
    dimension = ramping(a_spec(goal=Goal(), steps=(Step(0.1),)))
    revision = dimension.state.revision
    dimension.ticks(30, requests=10)
    assert (dimension.phase(), dimension.track().code) == (Phase.RAMPING, "thin_sample")
    assert dimension.state.revision - revision <= 2, "holding on for the same reason is recorded once"


def test_out_of_time_asks_a_person_and_keeps_the_shares() -> None:
    dimension = ramping(a_spec(goal=Goal(maximum_duration_s=86_400.0), steps=(Step(0.1),)))
    dimension.tick(requests=100)
    dimension.tick(86_400)
    assert (dimension.phase(), dimension.track().code) == (Phase.INCONCLUSIVE, "out_of_time")
    dimension.ticks(50, requests=100)
    assert dimension.state.shares == {1: 0.9, 2: 0.1}


@pytest.mark.parametrize(
    ("verb", "phase"),
    [(Verb.RESUME, Phase.RAMPING), (Verb.PROMOTE, Phase.PROMOTING), (Verb.ROLLBACK, Phase.ROLLING_BACK)],
)
def test_a_person_answers_what_was_inconclusive(verb: Verb, phase: Phase) -> None:
    dimension = ramping(a_spec(goal=Goal(maximum_duration_s=86_400.0), steps=(Step(0.1),)))
    dimension.tick(86_400, requests=100)
    dimension.ask(verb)
    assert dimension.phase() is phase
    dimension.tick(80_000)
    assert dimension.phase() is not Phase.INCONCLUSIVE, "who goes on has the whole time again"


@pytest.mark.parametrize(
    ("action", "phase"),
    [("roll_back", Phase.ROLLING_BACK), ("hold", Phase.RAMPING), ("warn", Phase.PROMOTING)],
)
def test_a_guardrail_does_what_its_action_says(action: Literal["roll_back", "hold", "warn"], phase: Phase) -> None:
    guardrail = Guardrail("error_rate", 0.01, action)
    dimension = ramping(a_spec(guardrails=(guardrail,), steps=(Step(0.1, 100.0),)))
    dimension.failures = {2: 0.5}
    dimension.tick(100, requests=3_000)
    assert dimension.phase() is phase
    if action != "warn":
        assert dimension.track().code == "guardrail:error_rate"
    assert dimension.said.count("warning") == (action == "warn")


def test_a_guardrail_that_holds_for_too_long_asks_a_person() -> None:
    guardrail = Guardrail("error_rate", 0.01, "hold")
    goal = Goal(maximum_duration_s=86_400.0)
    dimension = ramping(a_spec(goal=goal, guardrails=(guardrail,), steps=LONG))
    dimension.failures = {2: 0.5}
    dimension.tick(requests=3_000)
    dimension.tick(86_400)
    assert dimension.phase() is Phase.INCONCLUSIVE


def test_a_guardrail_rolls_back_within_two_ticks_of_its_minimum_sample() -> None:
    dimension = ramping(a_spec(guardrails=(Guardrail("error_rate", 0.01, minimum_sample=100),), steps=LONG))
    dimension.failures = {2: 1.0}
    dimension.tick(requests=380)
    assert dimension.phase() is Phase.RAMPING, "95 requests are not enough to judge"
    dimension.tick(requests=20)
    assert dimension.phase() is Phase.ROLLING_BACK


@pytest.mark.parametrize("phase", [Phase.AWAITING_APPROVAL, Phase.INCONCLUSIVE, Phase.BAKING])
def test_guardrails_are_kept_in_every_phase(phase: Phase) -> None:
    guardrails = (Guardrail("error_rate", 0.01),)
    if phase is Phase.INCONCLUSIVE:
        dimension = ramping(a_spec(goal=Goal(maximum_duration_s=100.0), guardrails=guardrails, steps=(Step(0.1),)))
    else:
        approval: Literal["manual", "automatic"] = "manual" if phase is Phase.AWAITING_APPROVAL else "automatic"
        dimension = ramping(a_spec(guardrails=guardrails, steps=(Step(0.1, 100.0),), approval=approval))
    dimension.ticks(4, requests=1_000)
    assert dimension.phase() is phase
    dimension.failures = {2: 0.5}
    dimension.ticks(2, requests=5_000)
    assert (dimension.phase(), dimension.track().code) == (Phase.ROLLED_BACK, "guardrail:error_rate")
    assert dimension.state.champion == 1


@pytest.mark.parametrize(("action", "phase"), [("hold", Phase.RAMPING), ("roll_back", Phase.ROLLING_BACK)])
def test_users_that_go_elsewhere_than_the_shares_say_stop_a_rollout(
    action: Literal["roll_back", "hold"], phase: Phase
) -> None:
    dimension = ramping(a_spec(goal=Goal(), steps=LONG, sample_ratio_action=action))
    dimension.conversions = {2: 0.5}
    dimension.users = (Users({"v1": 0.75, "v2": 0.25}, {"v1": 500, "v2": 500}),)
    dimension.tick(requests=10_000)
    assert (dimension.phase(), dimension.track().code) == (phase, "sample_ratio")


def test_promotion_waits_for_an_approval_where_the_settings_ask_for_one() -> None:
    dimension = ramping(a_spec(approval="manual", steps=(Step(0.1, 100.0),)))
    dimension.ticks(20)
    assert (dimension.phase(), dimension.state.shares[2]) == (Phase.AWAITING_APPROVAL, 0.1)
    dimension.ask(Verb.APPROVE)
    assert dimension.phase() is Phase.PROMOTING


def test_settings_that_ask_for_no_approval_any_more_let_the_waiting_go() -> None:
    dimension = ramping(a_spec(approval="manual", steps=(Step(0.1, 100.0),)))
    dimension.ticks(20)
    dimension.spec = a_spec(steps=(Step(0.1, 100.0),))
    dimension.tick()
    assert dimension.phase() is Phase.PROMOTING


def test_hooks_are_asked_before_the_first_traffic_and_after_each_step() -> None:
    hooks = Hooks(before=("serves",), after=("golden", "captures"))
    dimension = served(a_spec(hooks=hooks, steps=(Step(0.1, 60.0), Step(0.5, 60.0))), versions=2)
    dimension.ticks(5)
    asked = dimension.track().hook
    assert asked is not None
    assert (asked.when, asked.step, asked.functions) == ("before", 0, ("serves",))
    assert dimension.state.shares[2] == 0.0
    dimension.answer()
    assert dimension.state.shares[2] == 0.1
    dimension.ticks(5)
    asked = dimension.track().hook
    assert asked is not None
    assert (asked.when, asked.step, asked.functions) == ("after", 1, ("golden", "captures"))
    dimension.answer()
    assert dimension.state.shares[2] == 0.5
    dimension.ticks(5)
    dimension.answer()
    assert dimension.phase() is Phase.PROMOTING


@pytest.mark.parametrize(
    ("outcome", "code"), [(HookOutcome.FAILED, "hook_failed"), (HookOutcome.TIMED_OUT, "hook_timed_out")]
)
def test_a_hook_that_does_not_pass_rolls_back(outcome: HookOutcome, code: str) -> None:
    dimension = served(a_spec(hooks=Hooks(before=("serves",))), versions=2)
    dimension.ticks(2)
    dimension.answer(outcome)
    assert (dimension.phase(), dimension.track().code) == (Phase.ROLLING_BACK, code)
    assert "so it says" in dimension.track().reason


def test_a_hook_that_is_never_answered_rolls_back() -> None:
    dimension = served(a_spec(hooks=Hooks(before=("serves",), timeout_s=10.0)), versions=2)
    dimension.ticks(2)
    dimension.tick(100)
    assert dimension.phase() is Phase.RAMPING
    dimension.tick(1)
    assert (dimension.phase(), dimension.track().code) == (Phase.ROLLING_BACK, "hook_timed_out")


def test_a_version_that_crashes_on_start_leaves_and_its_successor_begins() -> None:
    dimension = served(a_spec(), versions=3)
    dimension.failed = {2: "the container exited with code 1"}
    dimension.ticks(3)
    assert (dimension.phase(2), dimension.track(2).code) == (Phase.ROLLED_BACK, "failed")
    assert "code 1" in dimension.track(2).reason
    assert dimension.phase(3) is Phase.RAMPING
    assert 2 in dimension.state.barred


def test_a_version_that_crashes_while_it_bakes_gives_the_traffic_back() -> None:
    dimension = ramping(a_spec(steps=(Step(0.1, 60.0),)))
    dimension.ticks(5)
    assert dimension.phase() is Phase.BAKING
    dimension.failed = {2: "out of memory"}
    dimension.ticks(2)
    assert (dimension.state.champion, dimension.state.shares) == (1, {1: 1.0})


def test_a_first_version_that_fails_leaves_the_place_to_the_next() -> None:
    dimension = served(a_spec())
    dimension = type(dimension)(a_spec(), versions=[1, 2], failed={1: "no such image"})
    dimension.ticks(3)
    assert (dimension.state.champion, dimension.state.shares) == (2, {2: 1.0})
    assert dimension.state.barred == (1,)


def test_a_champion_that_fails_after_it_has_served_stays_champion_and_is_told_of() -> None:
    dimension = served(a_spec())
    dimension.failed = {1: "the instance is gone"}
    dimension.ticks(3)
    assert dimension.state.champion == 1
    assert dimension.said.count("champion_failed") == 1
