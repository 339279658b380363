"""Deploy and tick together: versions reach the endpoint in their turn, and the registry says what really serves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.errors import DeploymentError
from contender.lambdas import deploy, tick
from contender.rollout.actions import describe
from contender.rollout.observation import Verb
from contender.rollout.spec import DimensionSpec, Instance, Step
from tests.lambdas.fakes import FakeSageMaker
from tests.lambdas.world import NAMES, PATIENT, QUICK, World


def test_the_first_version_creates_the_endpoint_and_becomes_champion_once_it_serves() -> None:
    world = World()
    arn = world.register()
    answer = world.deploy(arn)
    assert (answer["Action"], answer["EndpointName"], answer["Variant"]) == ("created", "contender-A", "v1")
    assert world.states == {1: "Challenger/Deploying"}
    world.run_out()
    assert world.states == {1: "Champion/InService"}
    assert world.weights == {"v1": 1.0}
    assert answer["EndpointConfigName"] == world.sagemaker.endpoints["contender-A"]["config"]
    assert world.sagemaker.reason(arn).startswith("serves as v1 of endpoint config contender-A-")


def test_the_registry_is_told_once_that_a_version_serves() -> None:
    world = World()
    world.deploy(world.register())
    world.sagemaker.settle()
    assert [describe(change).split(":")[0] for change in world.tick().done] == ["mark version 1 Champion/InService"]


def test_a_later_version_joins_as_challenger_with_its_share() -> None:
    world = World()
    world.roll_out()
    answer = world.deploy(world.register())
    assert (answer["Action"], answer["Variant"]) == ("updating", "v2")
    assert world.states == {1: "Champion/InService", 2: "Challenger/Deploying"}
    world.run_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/InService"}
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_version_joins_without_traffic_and_gets_its_share_once_it_serves() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register())
    world.sagemaker.settle()
    assert world.weights == {"v1": 1.0, "v2": 0.0}
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_weights_set_by_hand_are_respected_and_recorded() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    world.sagemaker.move_shares("contender-A", v1=3.0, v2=1.0)
    world.run_out()
    assert world.weights == {"v1": 3.0, "v2": 1.0}
    assert world.state.shares == {1: 0.75, 2: 0.25}
    assert any("by hand" in event.sentence for entry in world.entries for event in entry.decision.events)


def test_weights_set_by_hand_are_put_back_where_the_settings_say_so() -> None:
    world = World(spec=replace(PATIENT, weights_by_hand="put_back"))
    world.roll_out()
    world.roll_out()
    world.sagemaker.move_shares("contender-A", v1=3.0, v2=1.0)
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_variant_has_the_instances_that_are_set_for_its_version() -> None:
    instances = {2: Instance("ml.c5.xlarge", 2)}
    world = World(spec=replace(PATIENT, dimensions={"A": DimensionSpec(instances=instances)}))
    world.roll_out()
    world.roll_out()
    variants = world.sagemaker.configs[world.sagemaker.endpoints["contender-A"]["config"]]["ProductionVariants"]
    assert [(each["InstanceType"], each["InitialInstanceCount"]) for each in variants] == [
        ("ml.m5.large", 1),
        ("ml.c5.xlarge", 2),
    ]


def test_what_is_asked_and_answered_is_captured_where_the_settings_say_so() -> None:
    world = World(spec=replace(PATIENT, data_capture_percent=20))
    world.roll_out()
    capture = world.sagemaker.configs[world.sagemaker.endpoints["contender-A"]["config"]]["DataCaptureConfig"]
    assert (capture["InitialSamplingPercentage"], capture["DestinationS3Uri"]) == (
        20,
        "s3://artifacts/capture",
    )
    assert capture["EnableCapture"] is True
    assert capture["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]


def test_instance_counts_are_kept_and_weights_are_not() -> None:
    world = World()
    world.roll_out()
    world.roll_out()
    (update,) = world.sagemaker.made("UpdateEndpoint")
    assert update["RetainAllVariantProperties"] is True
    assert update["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]


def test_beyond_the_allowed_number_a_version_waits() -> None:
    world = World()
    for _ in range(5):
        world.roll_out()
    assert world.weights == {"v1": 0.7, "v2": 0.1, "v3": 0.1, "v4": 0.1}
    assert world.states[5] == "Challenger/Pending"


def test_beyond_the_allowed_number_the_oldest_challenger_leaves_where_the_settings_say_so() -> None:
    world = World(spec=replace(PATIENT, newer="replace"))
    for _ in range(5):
        world.roll_out()
    assert world.weights == {"v1": 0.7, "v3": 0.1, "v4": 0.1, "v5": 0.1}
    assert world.states[2] == "Retired/Removed"
    assert [world.states[version] for version in (1, 3, 4, 5)] == ["Champion/InService"] + ["Challenger/InService"] * 3
    assert set(world.sagemaker.models) == {f"contender-A-v{version}" for version in (1, 3, 4, 5)}


def test_only_what_serves_is_left_when_a_rollout_is_over() -> None:
    world = World()
    for _ in range(3):
        world.roll_out()
    assert list(world.sagemaker.configs) == [world.sagemaker.endpoints["contender-A"]["config"]]


def test_nothing_is_removed_before_the_new_config_serves() -> None:
    world = World()
    world.roll_out()
    before = set(world.sagemaker.configs)
    world.deploy(world.register())
    world.wake()
    assert before < set(world.sagemaker.configs)
    assert not world.sagemaker.made("DeleteEndpointConfig", "DeleteModel")


def test_a_version_that_finds_the_endpoint_busy_waits_and_follows_on_its_own() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register())
    waiting = world.deploy(world.register())
    assert (waiting["Action"], waiting["Reason"]) == ("waiting", "endpoint contender-A is Updating")
    assert world.states[3] == "Challenger/Pending"
    world.run_out()
    assert world.weights == {"v1": 0.8, "v2": 0.1, "v3": 0.1}


def test_an_older_pending_version_goes_first() -> None:
    world = World()
    world.roll_out()
    world.register()
    answer = world.deploy(world.register())
    assert (answer["Action"], answer["Reason"]) == ("waiting", "v2 goes first")
    world.run_out()
    assert world.weights == {"v1": 0.8, "v2": 0.1, "v3": 0.1}


def test_deploying_twice_changes_nothing_more() -> None:
    world = World()
    arn = world.register()
    assert world.deploy(arn)["Action"] == "created"
    assert world.deploy(arn)["Action"] == "created"
    world.run_out()
    assert world.deploy(arn)["Action"] == "unchanged"
    assert len(world.sagemaker.made("CreateEndpoint", "UpdateEndpoint")) == 1


def test_late_repeated_and_disordered_events_change_nothing() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register())
    world.wake()
    world.run_out()
    written = len(world.sagemaker.made("UpdateModelPackage", "UpdateEndpoint", "CreateModel", "DeleteModel"))
    for status in ("UPDATING", "CREATING", "FAILED", "IN_SERVICE"):
        world.wake(world.event(status))
    assert len(world.sagemaker.made("UpdateModelPackage", "UpdateEndpoint", "CreateModel", "DeleteModel")) == written


def test_a_version_that_nobody_approved_is_not_deployed_until_somebody_does() -> None:
    world = World()
    world.roll_out()
    arn = world.register("PendingManualApproval")
    answer = world.deploy(arn)
    assert (answer["Action"], answer["Reason"]) == (
        "waiting",
        "waits for approval: set its ModelApprovalStatus to Approved",
    )
    world.run_out()
    assert world.weights == {"v1": 1.0}
    world.sagemaker.packages[arn]["ModelApprovalStatus"] = "Approved"
    event = {
        "detail-type": "SageMaker Model Package State Change",
        "detail": {"ModelPackageGroupName": world.group, "ModelApprovalStatus": "Approved"},
    }
    world.wake(event)
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_our_own_marks_wake_nobody_up() -> None:
    world = World()
    detail = {
        "ModelPackageGroupName": world.group,
        "ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "Deploying"},
    }
    event = {"detail-type": "SageMaker Model Package State Change", "detail": detail}
    assert world.wake(event) == []
    assert world.sagemaker.calls == []


def test_a_rejected_version_is_an_error() -> None:
    world = World()
    with pytest.raises(DeploymentError, match="version 1 of 'contender-A' is rejected"):
        world.deploy(world.register("Rejected"))


def test_a_version_without_a_life_cycle_is_deployed() -> None:
    world = World()
    del world.sagemaker.packages[world.register()]["ModelLifeCycle"]
    world.deploy(world.sagemaker.arn("model-package/contender-A/1"))
    world.run_out()
    assert world.states == {1: "Champion/InService"}


def test_a_life_cycle_in_other_words_is_left_alone() -> None:
    world = World()
    world.roll_out()
    world.sagemaker.register(world.group, cycle={"Stage": "Development", "StageStatus": "Pending"})
    world.run_out()
    assert world.weights == {"v1": 1.0}
    assert world.states[2] == "Development/Pending"


def test_neighbours_with_similar_names_are_not_touched() -> None:
    sagemaker = FakeSageMaker()
    worlds = [World(dimension, sagemaker) for dimension in ("SM-1", "SM-10", "SM-1-v2", "SM-1-0123456789")]
    for world in worlds:
        world.roll_out()
    names = (*sagemaker.models, *sagemaker.configs)
    others = {
        name
        for name in names
        if "contender-SM-1" not in (NAMES.endpoint_of_model(name), NAMES.endpoint_of_config(name))
    }
    assert len(others) == len(names) - 2
    for _ in range(5):
        worlds[0].roll_out()
    assert others <= {*sagemaker.models, *sagemaker.configs}
    assert [world.weights for world in worlds[1:]] == [{"v1": 1.0}] * 3


def test_endpoints_of_others_are_ignored() -> None:
    world = World()
    for name in ("other-A", "contender", "contenders-A", "contender-a_b", ""):
        event = {"detail-type": "SageMaker Endpoint State Change", "detail": {"EndpointName": name}}
        assert world.wake(event) == []
    assert world.sagemaker.calls == []


def test_a_schedule_picks_up_every_dimension_and_one_failure_stops_no_other() -> None:
    sagemaker = FakeSageMaker()
    worlds = [World(dimension, sagemaker) for dimension in ("A", "B", "C")]
    for world in worlds:
        world.register()
    sagemaker.register("contenders-X")
    sagemaker.denied_models.add("contender-B-v1")
    reports = worlds[0].wake({"detail-type": "Scheduled Event", "detail": {}})
    assert {report.state.dimension: "AccessDenied" in str(report.error) for report in reports} == {
        "A": False,
        "B": True,
        "C": False,
    }
    with pytest.raises(Exception, match="AccessDenied"):
        tick.raise_for(reports)
    assert set(sagemaker.endpoints) == {"contender-A", "contender-C"}
    assert sagemaker.states("contender-B") == {1: "Challenger/Pending"}


def test_with_ten_variants_the_oldest_leaves_before_a_newer_one_comes_in_its_place() -> None:
    world = World(spec=replace(PATIENT, newer="replace", max_challengers=9))
    for _ in range(11):
        world.roll_out()
    world.pass_time(300)
    assert world.weights == {"v1": 0.1, **{f"v{number}": 0.1 for number in range(3, 12)}}
    assert world.states[2] == "Retired/Removed"


def test_a_step_of_a_few_percent_is_one() -> None:
    world = World(spec=replace(QUICK, steps=(Step(0.01, time_s=60), Step(0.04, time_s=1e9))))
    world.roll_out()
    world.roll_out()
    world.pass_time(200)
    assert world.weights == {"v1": 0.96, "v2": 0.04}


def test_who_rolls_back_while_it_comes_into_service_leaves_when_it_has() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register())
    world.command(Verb.ROLLBACK, 2)
    assert (world.phases, world.sagemaker.endpoints["contender-A"]["status"]) == ({2: "RollingBack"}, "Updating")
    world.pass_time(120)
    assert (world.phases, world.weights) == ({2: "RolledBack"}, {"v1": 1.0})


def test_a_dry_run_tells_the_steps_and_takes_none() -> None:
    world = World()
    world.register()
    report = world.controller.rehearse("A")
    assert deploy.answer(report, 1)["Action"] == "created"
    assert [describe(action).split(" ")[:2] for action in report.done] == [
        ["create", "model"],
        ["create", "endpoint"],
        ["mark", "version"],
        ["create", "endpoint"],
    ]
    assert [event.code for event in report.events] == ["first_champion"]
    assert world.states == {1: "Challenger/Pending"}
    assert not world.sagemaker.models
    assert world.entries == []
