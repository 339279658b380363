"""A team's own validation: when it is asked, what its answer means, and what a rollout makes of it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from contender.rollout.hooks import LambdaHooks, judged
from contender.rollout.observation import HookOutcome, Verb
from contender.rollout.sweep import sweep
from contender.rollout.tick import Tick
from tests.lambdas.fakes import FakeSageMaker, FakeTables, Killed, client_error
from tests.lambdas.world import QUICK, World, with_hooks

BEFORE = with_hooks(QUICK, before=("check",))


def champion(spec: Any) -> World:
    world = World(spec=spec)
    world.roll_out()
    return world


def reason(world: World, version: int) -> str:
    return world.sagemaker.reason(world.sagemaker.arn(f"model-package/contender-A/{version}"))


# When


def test_a_hook_is_asked_once_before_the_first_traffic() -> None:
    world = champion(with_hooks(QUICK, before=("check", "look")))
    world.deploy(world.register())
    world.sagemaker.settle()
    assert world.asked == []
    world.tick()
    assert [asked["function"] for asked in world.asked] == ["check", "look"]
    assert world.weights == {"v1": 1.0, "v2": 0.0}
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    assert len(world.asked) == 2
    assert world.asked[0] == {
        "function": "check",
        "dimension": "A",
        "stage": "",
        "endpoint": "contender-A",
        "version": 2,
        "variant": "v2",
        "phase": "Ramping",
        "share": 0.0,
        "when": "before",
        "step": 0,
    }


def test_the_deploy_step_which_may_not_ask_hooks_leaves_them_to_the_tick() -> None:
    world = champion(BEFORE)
    arn = world.register()
    world.deploy(arn)
    world.sagemaker.settle()
    world.deploy(arn)
    assert world.phases[2] == "Ramping"
    assert world.asked == []
    world.pass_time(120)
    assert [asked["function"] for asked in world.asked] == ["check"]
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_hook_is_asked_after_each_step() -> None:
    world = champion(with_hooks(QUICK, after=("look",)))
    world.roll_out()
    world.pass_time(900)
    assert [(asked["when"], asked["step"], asked["share"]) for asked in world.asked] == [
        ("after", 1, 0.1),
        ("after", 2, 0.5),
    ]
    assert world.states[2] == "Champion/InService"


# What becomes of it


@pytest.mark.parametrize("outcome", [HookOutcome.FAILED, HookOutcome.TIMED_OUT])
def test_one_that_says_no_or_nothing_rolls_back_without_a_request_served(outcome: HookOutcome) -> None:
    world = champion(BEFORE)
    world.hook_answers["check"] = outcome
    world.deploy(world.register())
    world.pass_time(300)
    assert world.states == {1: "Champion/InService", 2: "Retired/Removed"}
    assert world.weights == {"v1": 1.0}
    assert "check has said so" in reason(world, 2)
    assert not world.sagemaker.made("UpdateEndpointWeightsAndCapacities")
    assert len(world.asked) == 1


def test_one_that_says_no_after_a_step_takes_the_traffic_back() -> None:
    world = champion(with_hooks(QUICK, after=("look",)))
    world.roll_out()
    world.hook_answers["look"] = HookOutcome.FAILED
    world.pass_time(300)
    assert world.weights == {"v1": 1.0}
    assert world.states[2] == "Retired/Removed"


def test_a_dry_run_asks_nobody() -> None:
    world = champion(BEFORE)
    world.set(replace(BEFORE, dry_run=True))
    world.register()
    world.command(Verb.START, 2)
    world.pass_time(120)
    assert world.asked == []
    assert world.weights == {"v1": 0.9, "v2": 0.1}


# Two ticks, and ticks that are killed


def test_another_tick_does_not_ask_again_while_the_first_may_be_asking() -> None:
    world = champion(BEFORE)
    world.deploy(world.register())
    world.sagemaker.settle()

    def slow(*_: Any) -> tuple[HookOutcome, str]:
        world.asked.append({})
        assert world.tick().events == ()
        return HookOutcome.PASSED, ""

    replace(world.controller, ask=slow).tick("A")
    assert len(world.asked) == 1
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_it_is_asked_again_when_whoever_asked_was_killed() -> None:
    world = champion(BEFORE)
    world.deploy(world.register())
    world.sagemaker.settle()

    def killed(*_: Any) -> tuple[HookOutcome, str]:
        raise Killed

    with pytest.raises(Killed):
        replace(world.controller, ask=killed).tick("A")
    world.tick()
    assert world.asked == []
    world.sagemaker.now += timedelta(seconds=BEFORE.hooks.timeout_s + 16)
    world.run_out()
    assert len(world.asked) == 1
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_sweep_asks_hooks_after_every_dimension_has_had_its_turn() -> None:
    sagemaker, tables = FakeSageMaker(), FakeTables("contender-rollouts", "contender-experiments")
    found = [World(f"D{number}", sagemaker, tables=tables, spec=BEFORE) for number in range(3)]
    for world in found:
        world.roll_out()
    for world in found:
        world.deploy(world.register())
    sagemaker.settle()
    settled: list[list[bool]] = []

    def ask(function: str, payload: Any, timeout_s: float) -> tuple[HookOutcome, str]:
        settled.append([world.state.settled is not None for world in found])
        return HookOutcome.PASSED, ""

    reports = sweep([replace(found[0].controller, ask=ask)])
    assert len(settled) == 3
    assert settled[0] == [True] * 3
    assert [report.error for report in reports] == [None] * 3
    codes = [event.code for event in reports[0].events]
    assert codes.index("hooks") < codes.index("hooks_passed"), "both rounds are told"
    for world in found:
        world.run_out()
        assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_dimension_whose_hook_breaks_the_tick_stops_no_other() -> None:
    world = champion(BEFORE)
    world.deploy(world.register())
    world.sagemaker.settle()

    def broken(*_: Any) -> tuple[HookOutcome, str]:
        raise RuntimeError("no such thing")

    (report,) = sweep([replace(world.controller, ask=broken)])
    assert str(report.error) == "no such thing"
    assert Tick(world.controller, "A").run().error is None


# What an answer means


@pytest.mark.parametrize(
    ("body", "error", "outcome", "says"),
    [
        (b'{"ok": true}', None, HookOutcome.PASSED, ""),
        (b'{"ok": true, "reason": "12 rows"}', None, HookOutcome.PASSED, "12 rows"),
        (b'{"ok": false, "reason": "row 3 differs"}', None, HookOutcome.FAILED, "row 3 differs"),
        (b'{"ok": false}', None, HookOutcome.FAILED, "f said no and gave no reason"),
        (b'{"ok": "yes"}', None, HookOutcome.FAILED, "f did not answer"),
        (b"null", None, HookOutcome.FAILED, "f did not answer"),
        (b"<html>", None, HookOutcome.FAILED, "f did not answer"),
        (b'{"errorMessage": "division by zero"}', "Unhandled", HookOutcome.FAILED, "raised an exception: division by"),
        (
            b'{"errorMessage": "Task timed out after 3.00 seconds"}',
            "Unhandled",
            HookOutcome.TIMED_OUT,
            "Task timed out",
        ),
    ],
)
def test_only_a_clear_yes_is_a_yes(body: bytes, error: str | None, outcome: HookOutcome, says: str) -> None:
    found, message = judged("f", body, error)
    assert found is outcome
    assert says in message


@pytest.mark.parametrize("error", [None, "Unhandled"])
def test_a_reason_of_any_length_fits_into_the_ledger_as_a_line(error: str | None) -> None:
    long = "row 3\ndiffers " * 100_000
    _, message = judged("f", json.dumps({"ok": False, "reason": long, "errorMessage": long}).encode(), error)
    assert len(message) <= 1024
    assert "row 3 differs" in message


class FakeLambda:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append((FunctionName, json.loads(Payload)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Payload": io.BytesIO(self.answer)}


def test_a_function_is_asked_with_a_client_that_waits_as_long_as_the_settings_say() -> None:
    client, waits = FakeLambda(b'{"ok": true}'), []

    def connect(timeout_s: float) -> FakeLambda:
        waits.append(timeout_s)
        return client

    assert LambdaHooks(connect)("f", {"version": 2}, 30.0) == (HookOutcome.PASSED, "")
    assert (waits, client.asked) == ([30.0], [("f", {"version": 2})])


@pytest.mark.parametrize(
    ("error", "outcome", "says"),
    [
        (ReadTimeoutError(endpoint_url="x"), HookOutcome.TIMED_OUT, "did not answer within 30 s"),
        (client_error("Invoke", "ResourceNotFoundException", "no f"), HookOutcome.FAILED, "could not be asked: .*no f"),
    ],
)
def test_a_function_that_cannot_be_asked_is_a_no(error: ClientError, outcome: HookOutcome, says: str) -> None:
    found, message = LambdaHooks(lambda timeout_s: FakeLambda(error))("f", {}, 30.0)
    assert found is outcome
    assert re.search(says, message)
