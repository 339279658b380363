"""What cannot be deployed is the failure of one version, and who comes in between is read again."""

from __future__ import annotations

import pytest

from contender.errors import DeploymentError
from tests.lambdas.fakes import client_error
from tests.lambdas.world import QUICK, World


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


def test_one_broken_version_does_not_take_the_next_one_down() -> None:
    world = World()
    world.roll_out()
    world.deploy(world.register(broken=True))
    world.deploy(world.register())
    world.run_out()
    assert world.states == {1: "Champion/InService", 2: "Challenger/Failed", 3: "Challenger/InService"}


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
