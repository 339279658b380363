"""Watchers converge in one pass whatever came before, and a second pass does nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.validate import ParamValidator

from contender.watching import actions as act
from contender.watching.definitions import TYPES
from contender.watching.plan import plan
from contender.watching.view import Scheduled
from contender.watching.wishes import KINDS, Wishes
from tests.lambdas.fakes.client import service_model
from tests.watching.world import ENDPOINT, NOW, SCALING, WISHES, World, champion, serving

BOTH = replace(WISHES, kinds=KINDS)


def names(actions: tuple[act.Action, ...]) -> list[str]:
    return [type(action).__name__ for action in actions]


def some_wishes(rng: random.Random) -> Wishes:
    return replace(
        WISHES,
        kinds=rng.choice([(), ("data",), ("quality",), KINDS]),
        schedule=rng.choice(["cron(0 * ? * * *)", "cron(0 6 ? * * *)"]),
        error_rate=rng.choice([0.05, 0.1]),
        script=rng.choice(["0123", "4567"]),
        image=rng.choice([WISHES.image, WISHES.image, ""]),
        scaling=rng.choice([None, SCALING, replace(SCALING, max_instances=9)]),
    )


def some_view(rng: random.Random) -> dict[str, Any]:
    shares = rng.choice([{"v1": 1.0}, {"v1": 0.9, "v2": 0.1}, {"v1": 0.0, "v2": 1.0}])
    there = serving(shares, rng.choice(["InService"] * 4 + ["Updating", "Failed"]), rng.choice([100, 100, 0]))
    return {
        "serving": rng.choice([there, there, there, None]),
        "champion": rng.choice([champion(1), champion(2), champion(2, ("quality",)), None]),
    }


def test_comparing_jobs_send_no_metrics_of_columns() -> None:
    world = World()
    done = world.look(BOTH)
    created = {action.kind: action.request for action in done if isinstance(action, act.CreateDefinition)}
    assert created.keys() == set(KINDS)
    for kind, of in TYPES.items():
        environment = created[kind][f"{of}AppSpecification"]["Environment"]
        assert environment["publish_cloudwatch_metrics"] == "Disabled"


@pytest.mark.parametrize("seed", range(60))
def test_one_pass_is_enough_after_anything_that_may_happen(seed: int) -> None:
    """The world checks the order: nothing is named before it is there, nothing goes that is named."""
    rng, world = random.Random(seed), World()
    for _ in range(12):
        wishes = some_wishes(rng)
        world.view = replace(world.view, **some_view(rng))
        planned = plan(wishes, world.view, NOW).actions
        for action in planned[: rng.choice([0, 1, 2, 3, len(planned)])]:  # killed on the way
            world.apply(action)
        world.look(wishes)
        assert world.look(wishes) == ()


@pytest.mark.parametrize("seed", range(20))
def test_nothing_stays_of_an_endpoint_that_is_gone(seed: int) -> None:
    rng, world = random.Random(seed), World()
    for _ in range(4):
        world.view = replace(world.view, **some_view(rng))
        world.look(some_wishes(rng))
    world.view = replace(world.view, serving=None)
    world.look(some_wishes(rng))
    assert world.kept == ({}, {}, {}, {})


def test_data_are_compared_with_the_champions_baseline() -> None:
    world = World()
    assert names(world.look()) == [
        *(["PutAlarm"] * 3),
        *("PrepareBaseline", "CreateDefinition", "CreateSchedule"),
    ]
    assert list(world.view.schedules) == [f"{ENDPOINT}-data"]
    assert set(world.view.alarms) == {f"{ENDPOINT}-errors", f"{ENDPOINT}-latency", f"{ENDPOINT}-drift"}


def test_a_new_champion_brings_its_own_baseline_and_the_old_one_goes() -> None:
    world = World()
    world.look()
    (before,) = world.view.definitions["data"]
    world.view = replace(world.view, champion=champion(2))
    assert names(world.look()) == ["PrepareBaseline", "CreateDefinition", "UpdateSchedule", "DeleteDefinition"]
    assert world.view.definitions["data"] != {before}


def test_an_endpoint_that_changes_is_left_alone() -> None:
    world = World()
    world.look()
    world.view = replace(world.view, serving=serving(status="Updating"), champion=champion(2), targets={"v9": SCALING})
    assert world.look() == ()


def test_what_is_not_captured_is_not_compared_and_that_is_said() -> None:
    world = World(serving=serving(capture=0))
    assert set(names(world.look())) == {"PutAlarm"}
    assert plan(WISHES, world.view, NOW).reasons == (
        f"{ENDPOINT} captures nothing: set endpoint.data_capture_percent above 0",
    )


def test_a_champion_without_a_baseline_is_not_compared_and_that_is_said() -> None:
    world = World(champion=champion(3, ("data",)))
    world.look(BOTH)
    assert list(world.view.schedules) == [f"{ENDPOINT}-data"]
    assert plan(BOTH, world.view, NOW).reasons == ("v3 of SM-1 has no baseline of quality",)


def test_a_run_that_a_person_asked_for_is_left_to_them_for_a_day() -> None:
    world = World()
    world.look()
    (definition,) = world.view.definitions["data"]
    once = Scheduled(f"{ENDPOINT}-data-1", "data", definition, NOW, once=True)
    world.view = replace(world.view, schedules={**world.view.schedules, once.name: once}, champion=champion(2))
    world.look()
    assert definition in world.view.definitions["data"], "it is still run"
    assert names(world.look(now=NOW + timedelta(days=1))) == ["DeleteSchedule", "DeleteDefinition"]


def test_a_variant_is_scaled_while_it_has_traffic_and_let_go_before_it_leaves() -> None:
    scaled = replace(WISHES, scaling=SCALING)
    world = World(serving=serving({"v1": 0.9, "v2": 0.1}))
    world.look(scaled)
    assert set(world.view.targets) == {"v1", "v2"}
    world.view = replace(world.view, serving=serving({"v1": 0.0, "v2": 1.0}))
    world.look(scaled)
    assert set(world.view.targets) == {"v2"}
    world.look()
    assert world.view.targets == {}, "nothing is wanted scaled any more"


def test_alarms_look_at_the_variants_that_there_are_and_point_to_their_section() -> None:
    world = World()
    world.look()
    world.view = replace(world.view, serving=serving({"v1": 0.9, "v2": 0.1}))
    put = [action for action in world.look() if isinstance(action, act.PutAlarm)]
    assert [alarm.name for alarm in put] == [f"{ENDPOINT}-errors", f"{ENDPOINT}-latency"]
    assert "v1, v2" in put[0].description
    assert put[0].description.endswith("docs/operations.md#variant-errors")
    described = [alarm.request["Metrics"][1:] for alarm in put]
    assert [len(metrics) for metrics in described] == [2, 2]


def test_alarms_of_variants_look_at_sagemakers_metrics_of_each_in_its_units() -> None:
    world = World(serving=serving({"v1": 0.9, "v2": 0.1}))
    put = {action.name: action.request for action in world.look() if isinstance(action, act.PutAlarm)}
    wanted = {"errors": ("Invocation5XXErrors", "Average", 0.05), "latency": ("ModelLatency", "p95", 1_000_000.0)}
    for last, (metric, statistic, threshold) in wanted.items():
        request = put[f"{ENDPOINT}-{last}"]
        assert (request["ComparisonOperator"], request["Threshold"]) == ("GreaterThanThreshold", threshold)
        worst, *queries = request["Metrics"]
        assert (worst["Expression"], worst["ReturnData"]) == ("MAX(METRICS())", True)
        for variant, query in zip(("v1", "v2"), queries, strict=True):
            dimensions = {"EndpointName": ENDPOINT, "VariantName": variant}
            assert query["MetricStat"]["Stat"] == statistic
            assert query["MetricStat"]["Metric"] == {
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            }


def test_answers_are_looked_for_as_far_back_as_the_settings_say() -> None:
    created = World().look(replace(BOTH, truth_hours=36))
    (request,) = (each.request for each in created if isinstance(each, act.CreateDefinition) and each.kind == "quality")
    source = request["ModelQualityJobInput"]["EndpointInput"]
    assert (source["StartTimeOffset"], source["EndTimeOffset"]) == ("-PT36H", "-PT0H")


def test_requests_are_what_aws_takes() -> None:
    scaled = replace(BOTH, scaling=SCALING)
    sagemaker, cloudwatch = service_model("sagemaker"), service_model("cloudwatch")
    operations = {"data": "CreateDataQualityJobDefinition", "quality": "CreateModelQualityJobDefinition"}
    checked = 0
    for action in World().look(scaled):
        if isinstance(action, act.CreateDefinition):
            assert len(action.name) <= 63
            shape = sagemaker.operation_model(operations[action.kind]).input_shape
            request = {"JobDefinitionName": action.name, **action.request}
        elif isinstance(action, act.PutAlarm):
            shape = cloudwatch.operation_model("PutMetricAlarm").input_shape
            request = {"AlarmName": action.name, "AlarmDescription": action.description, **action.request}
        else:
            continue
        assert not (found := ParamValidator().validate(request, shape)).has_errors(), found.generate_report()
        checked += 1
    assert checked == 5
