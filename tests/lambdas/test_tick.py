"""A tick: what it is woken by, what it records, what it leaves alone, and what two of them do at once."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest

from contender.errors import DataError, NotFoundError, SettingsError
from contender.experiments.evidence import Evidence
from contender.lambdas import tick
from contender.lambdas.controllers import controllers, in_order
from contender.measurements.settings import Owner
from contender.rollout.actions import Action, PublishShares, ShiftShares
from contender.rollout.evidence import from_metrics
from contender.rollout.observation import Command, Verb
from contender.rollout.observe import Sight
from contender.rollout.replay import replay
from contender.rollout.spec import Follows, Spec, Step
from contender.rollout.state import State
from contender.rollout.sweep import sweep
from contender.rollout.view import View
from tests.lambdas.fakes import FakeSageMaker, FakeTables
from tests.lambdas.world import NAMES, PATIENT, QUICK, SETTINGS, World

WRITING = ("Create", "Update", "Delete", "put_item", "update_item", "transact")
SCHEDULE = {"detail-type": "Scheduled Event", "detail": {}}


def worlds(count: int, **options: Any) -> list[World]:
    """Dimensions of one project, each with a champion."""
    sagemaker, tables = FakeSageMaker(), FakeTables("contender-rollouts", "contender-experiments")
    found = [World(f"D{number}", sagemaker, tables=tables, **options) for number in range(count)]
    for world in found:
        world.roll_out()
    return found


def challenged(spec: Any = PATIENT) -> World:
    """A champion, and a challenger that has its first share."""
    world = World(spec=spec)
    world.roll_out()
    world.roll_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    return world


def ask(world: World, event: dict[str, Any]) -> Any:
    return tick.answer(SETTINGS, world.clients, event, {})


# What it writes and reads


def test_a_tick_with_nothing_to_change_writes_nothing() -> None:
    world = challenged()
    world.process.calls.clear()
    assert (world.tick().events, world.tick().done) == ((), ())
    assert not [call for call in world.process.calls if call.startswith(WRITING)]


def test_a_sweep_with_nothing_to_change_asks_little_and_writes_nothing() -> None:
    found = worlds(6)
    found[0].process.calls.clear()
    assert not [report for report in found[0].wake(SCHEDULE) if report.events or report.done or report.error]
    calls = found[0].process.calls
    assert not [call for call in calls if call.startswith(WRITING)]
    lists = [request for call, request in found[0].sagemaker.calls if call.startswith("List")]
    assert all(request["MaxResults"] == 100 for request in lists)
    each = [calls.count(name) for name in ("ListModelPackages", "DescribeEndpoint", "DescribeEndpointConfig")]
    assert each == [6, 6, 6]
    assert calls.count("DescribeModelPackage") == 0
    assert calls.count("query") == 2, "states, and settings of the stages"
    assert calls.count("batch_get_item") == 1


def test_every_decision_is_recorded_before_anything_is_done() -> None:
    world = World()
    world.register()
    world.process.calls.clear()
    world.tick()
    changes = [call for call in world.process.calls if call.startswith(WRITING)]
    assert changes.index("transact_write_items") < changes.index("CreateModel")


def test_a_sweep_goes_on_where_time_has_passed() -> None:
    world = challenged(QUICK)
    world.sagemaker.now = world.state.tracks[0].settled + (QUICK.steps[0].time_s + 1) * world.sagemaker.second
    (report,) = world.wake(SCHEDULE)
    assert [event.sentence for event in report.events] == ["v2 goes to 50 %"]
    assert [type(action) for action in report.done] == [ShiftShares, PublishShares]


def test_an_endpoint_made_since_the_sweep_began_is_not_made_again() -> None:
    """Lists are read first; one of them is old news by the time its dimension's turn comes."""
    first, *_ = worlds(2)
    third = World("D2", first.sagemaker, tables=first.tables)
    third.register()
    lists = first.sagemaker.list_endpoints

    def late(**request: Any) -> Any:
        answer = lists(**request)
        if "NextToken" not in answer:
            third.tick()
        return answer

    first.sagemaker.list_endpoints = late  # type: ignore[method-assign]
    assert not [report for report in first.wake(SCHEDULE) if report.error]
    third.run_out()
    assert third.states == {1: "Champion/InService"}
    assert len([each for each in first.sagemaker.made("CreateEndpoint") if each["EndpointName"] == third.endpoint]) <= 2


def test_a_state_that_cannot_be_read_stops_no_other_dimension() -> None:
    first, second = worlds(2)
    second.register()
    first.tables.tables["contender-rollouts"]["state", first.endpoint]["body"] = {"S": "{}"}
    reports = {report.state.dimension: report for report in first.wake(SCHEDULE)}
    assert "the state of contender-D0 in the ledger cannot be read" in str(reports["D0"].error)
    assert "begins" in [event.code for event in reports["D1"].events]


def test_a_dimension_whose_state_somebody_deleted_goes_on() -> None:
    world = challenged(QUICK)
    del world.tables.tables["contender-rollouts"]["state", world.endpoint]
    world.pass_time(900)
    assert world.states == {1: "Retired/Removed", 2: "Champion/InService"}
    assert all(found.same for found in replay(world.entries, world.ledger.spec))


# Two at once


def test_of_two_ticks_at_once_one_acts() -> None:
    world = World()
    world.roll_out()
    world.register()
    others: list[Any] = []
    start = world.tables.before

    def meanwhile(operation: str) -> None:
        start(operation)
        if operation == "transact_write_items" and not others:
            others.append(None)
            others.append(world.tick())

    world.tables.before = meanwhile
    report = world.tick()
    assert report.reason == "somebody else decided meanwhile"
    assert (report.events, report.done) == ((), ())
    assert others[1].events
    assert len(world.sagemaker.made("UpdateEndpoint")) == 1


def test_a_persons_word_is_not_lost_to_a_tick_at_the_same_time() -> None:
    world = challenged(QUICK)
    world.sagemaker.now = world.state.tracks[0].settled + (QUICK.steps[0].time_s + 1) * world.sagemaker.second
    start, others = world.tables.before, []

    def meanwhile(operation: str) -> None:
        start(operation)
        if operation == "transact_write_items" and not others:
            others.append(None)
            others.append(world.tick())

    world.tables.before = meanwhile
    report = world.command(Verb.ROLLBACK, 2)
    assert [event.sentence for event in others[1].events] == ["v2 goes to 50 %"]
    assert "v2 rolls back" in report.events[0].sentence
    world.run_out()
    assert world.weights == {"v1": 1.0, "v2": 0.0}


def test_a_slow_tick_does_not_undo_what_a_later_one_decided() -> None:
    """It has published that a version gets everything, and before it shifts weights somebody rolls that back."""
    world = challenged(QUICK)
    inner = world.controller.executor
    done: list[Action] = []

    class Slow:
        def run(self, action: Action) -> None:
            inner.run(action)
            done.append(action)
            if isinstance(action, PublishShares):
                world.command(Verb.ROLLBACK, 2)

    report = replace(world.controller, executor=Slow()).tick("A", Command(Verb.PROMOTE, "ada", 2))
    assert [type(action) for action in done] == [PublishShares]
    assert report.reason == "somebody else decided meanwhile"
    world.run_out()
    assert world.weights == {"v1": 1.0, "v2": 0.0}
    assert published(world).shares["v2"] == 0.0


# Shares, and the API that is told of them


def test_the_api_hears_of_more_traffic_after_the_endpoint_and_of_none_before_it() -> None:
    world = challenged(QUICK)
    world.command(Verb.ROLLBACK, 2)
    moves = [
        (call, request)
        for call, request in world.sagemaker.calls
        if call in ("UpdateEndpoint", "UpdateEndpointWeightsAndCapacities")
    ]
    assert [call for call, _ in moves][-2:] == ["UpdateEndpointWeightsAndCapacities"] * 2
    calls = world.process.calls
    shifts = [index for index, call in enumerate(calls) if call == "UpdateEndpointWeightsAndCapacities"]
    published = [index for index, call in enumerate(calls) if call == "update_item"]
    assert any(shifts[0] < index < shifts[-1] for index in published), "towards: published after the shift"
    assert published[-1] < shifts[-1], "away: published before the shift"


def published(world: World) -> Any:
    store = world.controller.sight.store
    assert store is not None
    return store.settings(world.endpoint)


def test_the_api_is_told_the_shares_while_something_is_rolled_out_and_follows_the_weights_then() -> None:
    world = challenged(QUICK)
    told = published(world)
    assert (told.experiment, dict(told.shares), told.owner) == ("contender-A-e1", {"v1": 0.9, "v2": 0.1}, Owner.ROLLOUT)
    world.pass_time(900)
    told = published(world)
    assert (told.experiment, dict(told.shares), told.owner) == ("contender-A-e2", {"v2": 1.0}, Owner.WEIGHTS)


def test_nobody_is_sent_to_a_variant_that_does_not_serve_yet() -> None:
    world = World()
    world.roll_out()
    world.register()
    world.command(Verb.PROMOTE, 2)
    assert published(world) is None
    world.sagemaker.settle()
    world.tick()
    assert dict(published(world).shares) == {"v1": 0.0, "v2": 1.0}


def test_an_endpoint_being_changed_keeps_no_traffic_from_leaving_a_version() -> None:
    world = challenged()
    world.deploy(world.register())
    assert world.sagemaker.endpoints["contender-A"]["status"] == "Updating"
    world.command(Verb.ROLLBACK, 2)
    assert published(world).shares["v2"] == 0.0
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    world.run_out()
    assert world.weights["v2"] == 0.0


def test_endpoints_are_tagged_for_experiments_where_those_are_on() -> None:
    world = World()
    world.roll_out()
    (made,) = world.sagemaker.made("CreateEndpoint")
    assert made["Tags"] == [{"Key": "contender:experiment", "Value": "on"}]


def test_without_experiments_nobody_is_told_and_no_tag_set() -> None:
    world = World()
    world.experiments = False
    world.roll_out()
    world.roll_out()
    assert "Tags" not in world.sagemaker.made("CreateEndpoint")[0]
    assert world.tables.tables["contender-experiments"] == {}
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_closed_experiment_is_not_opened_again_by_shares() -> None:
    world = challenged(QUICK)
    store = world.controller.sight.store
    assert store is not None
    store.close(world.endpoint, world.now)
    world.pass_time(200)
    assert not published(world).open


class CountsTell(Sight):
    """Reads counts that tell which experiment they are of."""

    def evidence(self, spec: Spec, state: State, view: View, now: datetime) -> Evidence:
        return from_metrics({"v1": (state.experiment, 0)}, {})


def test_a_tick_that_begins_an_experiment_reads_its_counts() -> None:
    world = challenged(replace(QUICK, steps=(Step(0.1, time_s=1e9),)))
    world.roll_out()
    world.command(Verb.PROMOTE, 2)
    world.pass_time(60)
    controller = world.controller
    sight = CountsTell(**{field.name: getattr(controller.sight, field.name) for field in fields(Sight)})
    world.sagemaker.now += 200 * world.sagemaker.second
    replace(controller, sight=sight).tick("A", Command(Verb.PROMOTE, "ada", 2))
    seen = [entry.observation for entry in world.entries if entry.observation.evidence is not None]
    told = [(each.experiment, each.evidence.guard[0].arms["v1"].n) for each in seen[-2:]]
    assert told == [(1, 1), (2, 2)]


# The registry


def test_a_reader_never_sees_no_champion_nor_two_of_which_the_older_is_meant() -> None:
    world = challenged(QUICK)
    champions: list[list[int]] = []
    update = world.sagemaker.update_model_package

    def watched(**request: Any) -> Any:
        answer = update(**request)
        champions.append([number for number, state in world.states.items() if state == "Champion/InService"])
        return answer

    world.sagemaker.update_model_package = watched  # type: ignore[method-assign]
    world.pass_time(900)
    assert world.states == {1: "Retired/Removed", 2: "Champion/InService"}
    assert champions == [[1, 2], [2], [2]]
    assert world.sagemaker.reason(world.sagemaker.arn("model-package/contender-A/1")) == "v2 is champion now"


def test_the_registry_says_why_a_version_was_rolled_back() -> None:
    world = challenged(QUICK)
    world.command(Verb.ROLLBACK, 2)
    world.pass_time(200)
    assert world.states[2] == "Retired/Removed"
    assert "ada asked for it, to see" in world.sagemaker.reason(world.sagemaker.arn("model-package/contender-A/2"))


# What a person and events ask


def test_a_command_is_followed_and_answered_in_sentences() -> None:
    world = challenged()
    event = {
        "Dimension": "A",
        "Stage": "",
        "Command": {"verb": "promote", "by": "ada", "version": 2, "why": "it is time"},
    }
    rehearsed = ask(world, event | {"DryRun": True})
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    answer = ask(world, event)
    assert answer["Decided"] == rehearsed["Decided"] == ["v2 is promoted: ada asked for it, it is time"]
    assert answer["Done"] == rehearsed["Done"]
    assert answer["Done"][1] == "shift shares of contender-A to v1 0.0%, v2 100.0%"
    assert (answer["Refused"], answer["Error"]) == ("", "")


def test_a_command_that_cannot_be_followed_is_refused_with_the_reason() -> None:
    world = challenged()
    event = {"Dimension": "A", "Command": {"verb": "rollback", "by": "ada", "version": 1, "why": ""}}
    answer = ask(world, event)
    assert "v1 of contender-A has no rollout under way" in answer["Refused"]
    assert answer["Done"] == []


def test_a_command_nobody_knows_is_an_error() -> None:
    with pytest.raises(DataError, match="verb"):
        ask(World(), {"Dimension": "A", "Command": {"verb": "destroy", "by": "ada"}})


def test_a_stage_nobody_knows_is_named() -> None:
    with pytest.raises(NotFoundError, match="no stage 'test', only ''"):
        ask(World(), {"Dimension": "A", "Stage": "test"})


def test_without_settings_the_error_says_to_deploy() -> None:
    world = World()
    world.tables.tables["contender-rollouts"].clear()
    with pytest.raises(SettingsError, match="no settings of rollouts: deploy the project again"):
        ask(world, SCHEDULE)


def test_one_line_is_logged_for_each_dimension_that_changed(capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = worlds(2)
    first.register()
    ask(first, SCHEDULE)
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (line["function"], line["Dimension"]) == ("tick", "D0")
    assert line["Decided"][0] == "v2 comes into service beside v1, without traffic yet"


# Stages


def stages() -> World:
    world = World(spec=replace(QUICK, stage="dev"))
    world.set(replace(PATIENT, follows=Follows("dev")))
    return world


def test_stages_stand_in_the_order_that_versions_go_through_them() -> None:
    specs = {
        "": replace(PATIENT, follows=Follows("test")),
        "test": replace(PATIENT, stage="test", follows=Follows("dev")),
    }
    specs["dev"] = replace(PATIENT, stage="dev")
    assert [spec.stage for spec in in_order(specs)] == ["dev", "test", ""]


def test_a_version_serves_in_the_first_stage_and_goes_on_when_it_is_champion_there() -> None:
    world = stages()
    answer = world.deploy(world.register())
    assert (answer["Action"], answer["EndpointName"]) == ("created", "contender--dev-A")
    assert set(world.sagemaker.endpoints) == {"contender--dev-A"}
    world.sagemaker.settle()
    detail = {"EndpointName": "contender--dev-A", "EndpointStatus": "IN_SERVICE"}
    for _ in range(3):
        world.wake({"detail-type": "SageMaker Endpoint State Change", "detail": detail})
    assert set(world.sagemaker.endpoints) == {"contender--dev-A", "contender-A"}
    assert world.states == {1: "Challenger/Deploying"}, "the registry's life cycle is the last stage's"
    world.sagemaker.settle()
    world.wake(SCHEDULE)
    assert world.states == {1: "Champion/InService"}


def test_an_endpoint_of_the_last_stage_asks_for_no_look_at_the_one_before() -> None:
    world = stages()
    looked = [each.stage for each in world.wake(world.event())]
    detail = {"EndpointName": "contender--dev-A", "EndpointStatus": "IN_SERVICE"}
    assert looked == [""]
    assert [each.stage for each in world.wake({"detail": detail})] == ["dev", ""]


def test_a_name_too_long_for_one_stage_stops_no_other_dimension() -> None:
    world = stages()
    world.register()
    world.sagemaker.register("contender-" + "n" * 40)
    reports = world.wake(SCHEDULE)
    assert {(report.stage, report.state.dimension) for report in reports} >= {("dev", "A"), ("", "A")}
    assert set(world.sagemaker.endpoints) == {"contender--dev-A"}


def test_a_sweep_over_no_stage_is_none() -> None:
    assert sweep(()) == ()
    assert len(controllers(SETTINGS, stages().clients)) == 2
    assert NAMES.endpoint("A") == "contender-A"
