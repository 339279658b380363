"""What people and SageMaker do to endpoints, versions and models while they serve: it is repaired, or told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.rollout.observation import Verb
from contender.rollout.spec import Instance
from tests.lambdas.world import PATIENT, QUICK, World


def said(world: World) -> list[str]:
    return [event.sentence for entry in world.entries for event in entry.decision.events]


def test_an_endpoint_deleted_by_hand_stays_deleted_until_a_version_comes_and_then_the_champion_returns() -> None:
    world = World()
    world.roll_out()
    del world.sagemaker.endpoints["contender-A"]
    world.wake()
    assert not world.sagemaker.endpoints
    world.roll_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/InService"}
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_an_endpoint_that_needs_a_person_is_left_to_one() -> None:
    world = World()
    world.roll_out()
    world.sagemaker.endpoints["contender-A"]["status"] = "UpdateRollbackFailed"
    answer = world.deploy(world.register())
    assert answer["Action"] == "waiting"
    assert "it needs a person" in answer["Reason"]
    assert not world.sagemaker.made("DeleteEndpoint", "UpdateEndpoint")
    assert said(world)[-2:] == [
        "endpoint contender-A is UpdateRollbackFailed, it needs a person",
        "v2 waits: endpoint contender-A is UpdateRollbackFailed, it needs a person",
    ]
    world.sagemaker.endpoints["contender-A"]["status"] = "InService"
    world.pass_time(60)
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_an_endpoint_that_fails_while_it_serves_is_made_again_once() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    fail(world)
    world.pass_time(60)
    assert world.states == {1: "Champion/InService", 2: "Challenger/InService"}
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    fail(world)
    world.sagemaker.broken_models.add("contender-A-v1")
    world.pass_time(3600)
    assert world.states[1] == "Champion/Failed"
    assert len(world.sagemaker.made("CreateEndpoint")) == 3
    assert "champion v1 does not serve as it should: endpoint contender-A is Failed: " in " ".join(said(world))
    assert said(world)[-1] == "endpoint contender-A was deleted: the next version to come makes it again"


def fail(world: World) -> None:
    """SageMaker lets nobody do anything with such an endpoint but delete it."""
    world.sagemaker.endpoints["contender-A"] |= {"status": "Failed", "failure": "no instances", "weights": {}}


def test_a_champion_that_cannot_be_served_any_more_leaves_its_place_to_a_version_that_can() -> None:
    world = World()
    world.roll_out()
    del world.sagemaker.endpoints["contender-A"]
    world.sagemaker.broken_models.add("contender-A-v1")
    world.register()
    for _ in range(6):
        world.tick()
        world.sagemaker.settle()
    assert world.weights == {"v2": 1.0}
    assert world.states[2] == "Challenger/InService"
    assert "champion v1 does not serve as it should" in " ".join(said(world))


def test_an_endpoint_deleted_in_mid_rollout_is_made_again_by_a_version_that_has_to_wait_its_turn() -> None:
    world = World(spec=replace(PATIENT, max_challengers=1))
    world.roll_out()
    world.roll_out()
    del world.sagemaker.endpoints["contender-A"]
    world.run_out()
    assert not world.sagemaker.endpoints
    assert said(world)[-1] == "endpoint contender-A was deleted: the next version to come makes it again"
    world.roll_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    assert world.states[3] == "Challenger/Pending"


def test_who_is_rejected_in_mid_rollout_leaves() -> None:
    world = World(spec=QUICK)
    world.roll_out()
    arn = world.roll_out()
    world.sagemaker.packages[arn]["ModelApprovalStatus"] = "Rejected"
    assert "rejected in the registry: approve it there first" in world.command(Verb.PROMOTE, 2).refused
    world.pass_time(900)
    assert world.states == {1: "Champion/InService", 2: "Retired/Removed"}
    assert world.weights == {"v1": 1.0}
    assert world.sagemaker.reason(arn) == "v2 rolls back: it is rejected in the registry"
    assert "rejected in the registry" in world.command(Verb.START, 2).refused


@pytest.mark.parametrize("baking", [False, True])
def test_who_is_deleted_from_the_registry_in_mid_rollout_leaves(baking: bool) -> None:
    world = World(spec=QUICK)
    world.roll_out()
    arn = world.roll_out()
    world.pass_time(200 if baking else 20)
    assert world.phases[2] == ("Baking" if baking else "Ramping")
    del world.sagemaker.packages[arn]
    world.pass_time(900)
    assert (world.phases, world.weights) == ({2: "RolledBack"}, {"v1": 1.0})


def test_a_version_that_can_never_come_holds_up_no_other() -> None:
    world = World()
    world.roll_out()
    arn = world.register()
    world.sagemaker.denied_models.add("contender-A-v2")
    with pytest.raises(Exception, match="not allowed"):
        world.deploy(arn)
    del world.sagemaker.packages[arn]
    world.sagemaker.packages[world.sagemaker.arn("model-package/contender-A/3")] = {
        **world.sagemaker.packages[world.sagemaker.arn("model-package/contender-A/1")],
        "ModelPackageArn": world.sagemaker.arn("model-package/contender-A/3"),
        "ModelPackageVersion": 3,
        "ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "Pending"},
    }
    world.pass_time(60)
    assert world.weights == {"v1": 0.9, "v3": 0.1}


def test_a_champion_that_is_rejected_serves_on_and_the_history_says_so() -> None:
    world = World()
    arn = world.roll_out()
    world.sagemaker.packages[arn]["ModelApprovalStatus"] = "Rejected"
    world.run_out()
    assert world.weights == {"v1": 1.0}
    assert said(world)[-1].startswith("champion v1 serves on until another is promoted: it is rejected")


def test_a_model_that_somebody_deleted_is_made_again_when_a_config_needs_it() -> None:
    world = World(spec=QUICK)
    world.roll_out()
    world.roll_out()
    world.sagemaker.models.clear()
    world.pass_time(900)
    assert world.weights == {"v2": 1.0}
    world.sagemaker.models.clear()
    world.set(replace(QUICK, instance=Instance("ml.m5.xlarge", 2)))
    world.run_out()
    assert world.instances == {"v2": ("ml.m5.xlarge", 2)}


def test_a_challenger_taken_off_the_endpoint_by_hand_comes_back() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    del world.sagemaker.endpoints["contender-A"]["weights"]["v2"]
    world.run_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/InService"}
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_who_comes_back_to_an_endpoint_of_others_comes_with_all_traffic_and_the_champion_first() -> None:
    world = World(spec=QUICK)
    world.roll_out()
    world.roll_out()
    world.pass_time(900)
    world.roll_out()
    assert world.weights == {"v2": 0.9, "v3": 0.1}
    world.command(Verb.START, 1)
    world.pass_time(20)
    world.sagemaker.endpoints["contender-A"]["weights"] = {"somebody": 1.0}
    world.tick()
    config = world.sagemaker.made("CreateEndpointConfig")[-1]["ProductionVariants"]
    assert [(each["VariantName"], each["InitialVariantWeight"]) for each in config] == [("v2", 1.0)]


def test_a_variant_of_our_name_with_somebody_elses_model_is_none_of_ours() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    serving = world.sagemaker.configs[world.sagemaker.endpoints["contender-A"]["config"]]
    serving["ProductionVariants"][1] |= {"ModelName": "other"}
    assert world.controller.sight.view("A").live == {1: 1.0}


def test_who_serves_by_default_is_taken_over_as_champion_whatever_its_weight() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    world.sagemaker.move_shares("contender-A", v1=1.0, v2=3.0)
    world.sagemaker.settle()
    world.tables.tables["contender-rollouts"].clear()
    world.set(PATIENT)
    world.tick()
    assert world.state.champion == 1
