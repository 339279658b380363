"""Endpoints where nothing is rolled out take over the instances and captures that the settings ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contender.rollout.observation import Verb
from contender.rollout.renewal import renewal
from contender.rollout.spec import DimensionSpec, Instance, Pins, Spec
from tests.lambdas.world import PATIENT, World

LARGER = replace(PATIENT, instance=Instance("ml.m5.xlarge", 2))


def test_an_endpoint_where_nothing_is_rolled_out_takes_other_instances_over() -> None:
    world = World()
    world.roll_out()
    world.set(LARGER)
    world.run_out()
    assert world.instances == {"v1": ("ml.m5.xlarge", 2)}
    assert world.weights == {"v1": 1.0}
    (update,) = world.sagemaker.made("UpdateEndpoint")
    assert {"VariantPropertyType": "DesiredInstanceCount"} in update["ExcludeRetainedVariantProperties"]
    world.sagemaker.now += timedelta(hours=2)
    world.run_out()
    assert len(world.sagemaker.made("UpdateEndpoint")) == 1
    assert set(world.sagemaker.configs) == {world.sagemaker.endpoints["contender-A"]["config"]}


@pytest.mark.parametrize(
    "other",
    [
        replace(PATIENT, instance=Instance("ml.m5.large", 3)),
        replace(PATIENT, instance=Instance("ml.c5.large", 1)),
        replace(PATIENT, data_capture_percent=5),
        replace(PATIENT, dimensions={"A": DimensionSpec(instances={1: Instance("ml.m5.large", 3)})}),
    ],
)
def test_each_of_type_count_and_capture_is_taken_over_there_and_back(other: Spec) -> None:
    world = World()
    world.roll_out()
    first = world.sagemaker.endpoints["contender-A"]["config"]
    world.set(other)
    world.run_out()
    assert world.sagemaker.endpoints["contender-A"]["config"] != first
    world.set(PATIENT)
    world.run_out()
    assert world.sagemaker.endpoints["contender-A"]["config"] == first


def test_instances_of_other_versions_and_dimensions_change_nothing() -> None:
    world = World()
    world.roll_out()
    elsewhere = {"A": DimensionSpec(instances={2: Instance("ml.m5.large", 3)})}
    world.set(
        replace(PATIENT, dimensions=elsewhere | {"A-1": DimensionSpec(instances={1: Instance("ml.c5.large", 3)})})
    )
    world.run_out()
    assert world.sagemaker.made("UpdateEndpoint") == []


def test_other_instances_wait_for_the_end_of_a_rollout_or_for_the_next_version() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    world.set(LARGER)
    world.run_out()
    assert set(world.instances.values()) == {("ml.m5.large", 1)}
    world.roll_out()
    assert world.instances == dict.fromkeys(("v1", "v2", "v3"), ("ml.m5.xlarge", 2))
    update = world.sagemaker.made("UpdateEndpoint")[-1]
    assert {"VariantPropertyType": "DesiredInstanceCount"} in update["ExcludeRetainedVariantProperties"]


@pytest.mark.parametrize("still", ["paused", "dry run"])
def test_who_asks_for_nothing_to_move_keeps_the_instances_too(still: str) -> None:
    world = World()
    world.roll_out()
    world.set(replace(LARGER, dry_run=still == "dry run"))
    if still == "paused":
        world.command(Verb.PAUSE)
    world.run_out()
    assert world.sagemaker.made("UpdateEndpoint") == []


def test_pinned_challengers_keep_no_endpoint_from_taking_other_instances_over() -> None:
    pinned = {"A": DimensionSpec(Pins(1, (2,)))}
    world = World(spec=replace(PATIENT, dimensions=pinned))
    world.roll_out()
    world.roll_out()
    world.set(replace(LARGER, dimensions=pinned))
    world.run_out()
    assert world.instances == dict.fromkeys(("v1", "v2"), ("ml.m5.xlarge", 2))
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_pinned_challenger_that_leaves_is_waited_for() -> None:
    pinned = {"A": DimensionSpec(Pins(1, (2,)))}
    world = World(spec=replace(PATIENT, dimensions=pinned, drain_s=600.0))
    world.roll_out()
    world.roll_out()
    world.set(replace(LARGER, dimensions=pinned, drain_s=600.0))
    world.command(Verb.ROLLBACK, 2)
    world.pass_time(300)
    assert world.instances == dict.fromkeys(("v1", "v2"), ("ml.m5.large", 1))
    world.pass_time(600)
    assert world.instances == {"v1": ("ml.m5.xlarge", 2)}


def test_instances_that_cannot_be_had_are_tried_again_once_an_hour() -> None:
    world = World()
    world.roll_out()
    world.sagemaker.broken_models.add("contender-A-v1")
    world.set(LARGER)
    for _ in range(100):
        world.sagemaker.now += timedelta(minutes=1)
        world.run_out()
    assert len(world.sagemaker.made("UpdateEndpoint")) == 2
    assert world.instances == {"v1": ("ml.m5.large", 1)}
    assert world.states == {1: "Champion/InService"}
    world.sagemaker.broken_models.clear()
    world.pass_time(7200)
    assert world.instances == {"v1": ("ml.m5.xlarge", 2)}


def test_an_endpoint_that_is_not_as_it_was_left_is_not_renewed() -> None:
    world = World()
    world.roll_out()
    view = world.controller.sight.view("A")
    assert renewal(LARGER, world.state, view, {}) != ()
    assert renewal(LARGER, replace(world.state, shares={1: 0.9, 2: 0.1}), view, {}) == ()
    world.sagemaker.configs.clear()
    assert renewal(LARGER, world.state, world.controller.sight.view("A"), {}) == ()


def test_an_endpoint_config_that_a_person_has_made_is_left_alone() -> None:
    world = World()
    world.roll_out()
    variants = world.sagemaker.configs[world.sagemaker.endpoints["contender-A"]["config"]]["ProductionVariants"]
    by_hand = [{**variant, "InstanceType": "ml.m5.24xlarge"} for variant in variants]
    world.sagemaker.create_endpoint_config(EndpointConfigName="for-the-fair", ProductionVariants=by_hand)
    world.sagemaker.update_endpoint(EndpointName="contender-A", EndpointConfigName="for-the-fair")
    world.run_out()
    assert world.sagemaker.endpoints["contender-A"]["config"] == "for-the-fair"
