"""Deploy and tick together: versions reach the endpoint, and the registry says what really serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contender.errors import DeploymentError
from contender.lambdas import deploy, tick
from contender.rollout.actions import describe
from contender.rollout.observation import Verb
from contender.rollout.renewal import renewal
from contender.rollout.spec import DimensionSpec, Instance, Pins, Spec, Step
from tests.lambdas.fakes import FakeSageMaker, client_error
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


LARGER = replace(PATIENT, instance=Instance("ml.m5.xlarge", 2))


def instances(world: World) -> dict[str, tuple[str, int]]:
    variants = world.sagemaker.configs[world.sagemaker.endpoints["contender-A"]["config"]]["ProductionVariants"]
    return {each["VariantName"]: (each["InstanceType"], each["InitialInstanceCount"]) for each in variants}


def test_an_endpoint_where_nothing_is_rolled_out_takes_other_instances_over() -> None:
    world = World()
    world.roll_out()
    world.set(LARGER)
    world.run_out()
    assert instances(world) == {"v1": ("ml.m5.xlarge", 2)}
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
    assert set(instances(world).values()) == {("ml.m5.large", 1)}
    world.roll_out()
    assert instances(world) == dict.fromkeys(("v1", "v2", "v3"), ("ml.m5.xlarge", 2))
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
    assert instances(world) == dict.fromkeys(("v1", "v2"), ("ml.m5.xlarge", 2))
    assert world.weights == {"v1": 0.9, "v2": 0.1}


def test_a_pinned_challenger_that_leaves_is_waited_for() -> None:
    pinned = {"A": DimensionSpec(Pins(1, (2,)))}
    world = World(spec=replace(PATIENT, dimensions=pinned, drain_s=600.0))
    world.roll_out()
    world.roll_out()
    world.set(replace(LARGER, dimensions=pinned, drain_s=600.0))
    world.command(Verb.ROLLBACK, 2)
    world.pass_time(300)
    assert instances(world) == dict.fromkeys(("v1", "v2"), ("ml.m5.large", 1))
    world.pass_time(600)
    assert instances(world) == {"v1": ("ml.m5.xlarge", 2)}


def test_instances_that_cannot_be_had_are_tried_again_once_an_hour() -> None:
    world = World()
    world.roll_out()
    world.sagemaker.broken_models.add("contender-A-v1")
    world.set(LARGER)
    for _ in range(100):
        world.sagemaker.now += timedelta(minutes=1)
        world.run_out()
    assert len(world.sagemaker.made("UpdateEndpoint")) == 2
    assert instances(world) == {"v1": ("ml.m5.large", 1)}
    assert world.states == {1: "Champion/InService"}
    world.sagemaker.broken_models.clear()
    world.pass_time(7200)
    assert instances(world) == {"v1": ("ml.m5.xlarge", 2)}


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


def test_a_silent_rollback_marks_the_version_failed_and_the_champion_serves_on() -> None:
    world = World()
    world.roll_out()
    config = world.sagemaker.endpoints["contender-A"]["config"]
    arn = world.roll_out(broken=True)
    assert world.states == {1: "Champion/InService", 2: "Challenger/Failed"}
    assert world.sagemaker.endpoints["contender-A"]["config"] == config
    assert f"rolled back to endpoint config {config}: SageMaker gave no reason" in world.sagemaker.reason(arn)
    assert len(world.sagemaker.made("UpdateEndpoint")) == 1
    assert "contender-A-v2" not in world.sagemaker.models


def test_the_endpoints_own_reason_is_passed_on_in_one_line() -> None:
    world = World()
    world.roll_out()
    arn = world.roll_out(broken=True, failure="model.tar.gz\nhas no booster " + "x" * 2000)
    assert "model.tar.gz has no booster" in world.sagemaker.reason(arn)


def test_deploying_a_failed_version_says_why_it_failed() -> None:
    world = World()
    world.roll_out()
    arn = world.roll_out(broken=True, failure="no booster")
    with pytest.raises(DeploymentError, match=r"version 2 of 'contender-A' could not be deployed: .*no booster"):
        world.deploy(arn)


def test_a_version_after_a_failed_one_joins() -> None:
    world = World()
    world.roll_out()
    world.roll_out(broken=True)
    world.roll_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/Failed", 3: "Challenger/InService"}
    assert world.weights == {"v1": 0.9, "v3": 0.1}
    assert len(world.sagemaker.configs) == 1


def test_a_failed_first_creation_is_marked_and_a_later_version_gets_over_it() -> None:
    world = World()
    arn = world.roll_out(broken=True, failure="could not load")
    assert world.states == {1: "Challenger/Failed"}
    assert world.sagemaker.reason(arn) == "endpoint contender-A is Failed: could not load"
    assert world.deploy(world.register())["Action"] == "created"
    world.run_out()
    assert world.states == {1: "Challenger/Failed", 2: "Champion/InService"}
    assert world.weights == {"v2": 1.0}


def test_a_version_that_finds_the_endpoint_busy_waits_and_follows_on_its_own() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register())
    waiting = world.deploy(world.register())
    assert (waiting["Action"], waiting["Reason"]) == ("waiting", "endpoint contender-A is Updating")
    assert world.states[3] == "Challenger/Pending"
    world.run_out()
    assert world.weights == {"v1": 0.8, "v2": 0.1, "v3": 0.1}


def test_one_broken_version_does_not_take_the_next_one_down() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register(broken=True))
    world.deploy(world.register())
    world.run_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/Failed", 3: "Challenger/InService"}


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


def test_a_refused_model_is_the_versions_failure() -> None:
    world = World()
    world.roll_out()
    arn = world.register()
    refused = client_error("CreateModel", "ValidationException", "Could not find model data")
    world.sagemaker.refusals["CreateModel"] = refused
    with pytest.raises(DeploymentError, match="model contender-A-v2 was refused: Could not find"):
        world.deploy(arn)
    assert world.states == {1: "Champion/InService", 2: "Challenger/Failed"}


def test_no_room_for_instances_is_the_versions_failure() -> None:
    world = World()
    world.roll_out()
    world.sagemaker.refusals["UpdateEndpoint"] = client_error("UpdateEndpoint", "ResourceLimitExceeded", "quota of 4")
    with pytest.raises(DeploymentError, match="quota of 4"):
        world.deploy(world.register())
    assert world.weights == {"v1": 1.0}


def test_missing_permission_is_an_error_and_not_the_versions_failure() -> None:
    world = World()
    arn = world.register()
    world.sagemaker.refusals["CreateEndpoint"] = client_error("CreateEndpoint", "AccessDeniedException", "not allowed")
    with pytest.raises(Exception, match="not allowed"):
        world.deploy(arn)
    world.sagemaker.refusals.clear()
    world.deploy(arn)
    world.run_out()
    assert world.states == {1: "Champion/InService"}


def test_a_model_of_that_name_with_other_content_is_refused() -> None:
    world = World()
    other = world.sagemaker.register("contender-B")
    world.sagemaker.create_model(
        ModelName="contender-A-v1", ExecutionRoleArn="arn:aws:iam::1:role/r", Containers=[{"ModelPackageName": other}]
    )
    with pytest.raises(DeploymentError, match="model contender-A-v1 exists with other content"):
        world.deploy(world.register())


def test_a_weight_change_that_comes_in_between_makes_the_version_wait() -> None:
    world = World()
    world.roll_out()
    arn = world.register()

    def somebody_changes_weights() -> None:
        endpoint = world.sagemaker.endpoints["contender-A"]
        wanted = {"config": endpoint["config"], "variants": [], "weights": dict(endpoint["weights"])}
        endpoint |= {"status": "Updating", "wanted": wanted, "modified": world.sagemaker.tick()}

    world.sagemaker.before["UpdateEndpoint"] = somebody_changes_weights
    assert world.deploy(arn)["Action"] == "waiting"
    assert world.states[2] == "Challenger/Pending"
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    assert world.states[2] == "Challenger/InService"


def test_two_runs_at_once_make_one_change() -> None:
    world = World()
    world.roll_out()
    arn = world.register()
    world.sagemaker.before["UpdateEndpoint"] = world.tick
    world.deploy(arn)
    world.run_out()
    assert world.weights == {"v1": 0.9, "v2": 0.1}
    assert world.states == {1: "Champion/InService", 2: "Challenger/InService"}
    assert len(world.sagemaker.configs) == 1
    assert [entry.decision.state.revision for entry in world.entries] == list(range(1, 1 + len(world.entries)))


@pytest.mark.parametrize("broken", [False, True])
def test_an_endpoint_that_is_through_before_deploy_is_leaves_no_version_half_way(broken: bool) -> None:
    world = World()
    world.roll_out()
    arn = world.register(broken=broken)
    update = world.sagemaker.update_endpoint

    def at_once(**request: object) -> object:
        answer = update(**request)
        world.sagemaker.settle()
        world.wake()
        return answer

    world.sagemaker.update_endpoint = at_once  # type: ignore[method-assign]
    assert world.deploy(arn)["Action"] == "updating"
    assert world.states[2] == ("Challenger/Failed" if broken else "Challenger/InService")


def test_a_version_changed_by_somebody_else_is_read_again() -> None:
    world = World()
    arn = world.register()
    conflict = client_error("UpdateModelPackage", "ConflictException", "changed meanwhile")
    world.sagemaker.refusals["UpdateModelPackage"] = conflict
    assert world.deploy(arn)["Action"] == "waiting"
    world.sagemaker.refusals.clear()
    world.deploy(arn)
    world.run_out()
    assert world.states == {1: "Champion/InService"}


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


def said(world: World) -> list[str]:
    return [event.sentence for entry in world.entries for event in entry.decision.events]


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


def test_with_ten_variants_the_oldest_leaves_before_a_newer_one_comes_in_its_place() -> None:
    world = World(spec=replace(PATIENT, newer="replace", max_challengers=9))
    for _ in range(11):
        world.roll_out()
    world.pass_time(300)
    assert world.weights == {"v1": 0.1, **{f"v{number}": 0.1 for number in range(3, 12)}}
    assert world.states[2] == "Retired/Removed"


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
    assert instances(world) == {"v2": ("ml.m5.xlarge", 2)}


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


def test_a_variant_that_goes_just_before_its_share_moves_is_read_again_and_comes_back() -> None:
    world = World(spec=QUICK)
    world.roll_out()
    world.deploy(world.register())
    world.sagemaker.settle()

    def somebody_removes_it() -> None:
        del world.sagemaker.endpoints["contender-A"]["weights"]["v2"]

    world.sagemaker.before["UpdateEndpointWeightsAndCapacities"] = somebody_removes_it
    world.run_out()
    world.pass_time(20)
    assert world.weights == {"v1": 0.9, "v2": 0.1}


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
