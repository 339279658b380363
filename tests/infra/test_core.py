"""The core template: narrow, in step with the code, and it carries an upload to the starter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.deployment import Cloud, Deployment, deploy
from contender.lambdas.settings import ModelSettings, RolloutSettings, StarterSettings
from contender.naming import Names
from tests.infra.permissions import of_roles
from tests.infra.templates import environment_of, listed, of_type, read
from tests.local.running import MiniStack, eventually

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "infra" / "core.yaml"
SAGEMAKER_CODE = ("endpoints.py", "rollout/execute.py", "registry.py", "candidates.py")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read("core.yaml")


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Roles are enforced: what a Lambda may not do fails here as it would on AWS."""
    running = MiniStack(tmp_path_factory.mktemp("core"), "--enforce-iam")
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def stack(ministack: MiniStack) -> Deployment:
    cloud = Cloud(ministack.client("cloudformation"), ministack.client("s3"), "000000000000", "us-east-1")
    return deploy(cloud, Names("contender"), PATH, {"RetryDelaySeconds": "1"}, root=ROOT)


def variables_read_by(settings: type[StarterSettings] | type[RolloutSettings] | type[ModelSettings]) -> set[str]:
    """Names of the environment variables that `from_environ` asks for."""
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return "1" if name == "RETRY_DELAY_SECONDS" else "word"

    settings.from_environ(Asked())
    return asked


def test_lambdas_are_told_what_they_read(template: dict[str, Any]) -> None:
    assert environment_of(template, "StarterFunction") == variables_read_by(StarterSettings)
    assert environment_of(template, "DeployFunction") == variables_read_by(RolloutSettings)
    assert environment_of(template, "TickFunction") == variables_read_by(RolloutSettings)
    assert environment_of(template, "ChampionFunction") == {"PROJECT"}
    assert environment_of(template, "RecordFunction") == {"PROJECT"}
    assert environment_of(template, "ModelFunction") == variables_read_by(ModelSettings)
    assert (
        environment_of(template, "ServesHookFunction") == environment_of(template, "CaptureHookFunction") == {"PROJECT"}
    )
    assert environment_of(template, "GoldenHookFunction") == {"ARTIFACT_BUCKET"}


@pytest.mark.parametrize("name", ["core.yaml", "monitoring.yaml"])
def test_who_lets_go_of_scaled_variants_may_delete_their_alarms(name: str) -> None:
    """Application Auto Scaling deletes a target's policy and that one's alarms in its caller's name."""
    found = list(of_roles(read(name)))

    def who(action: str, where: str) -> set[str]:
        return {role for role, each in found if action in listed(each["Action"]) and where in str(each["Resource"])}

    letting_go = who("application-autoscaling:DeregisterScalableTarget", "scalable-target/")
    assert letting_go
    assert letting_go == who("cloudwatch:DeleteAlarms", "alarm:TargetTracking-endpoint/${Project}-")


def test_what_a_lambda_calls_in_sagemaker_its_role_allows(template: dict[str, Any]) -> None:
    """The operations in the code, as IAM names them, are those of the policies: none missing, none too many."""
    code = "".join((ROOT / "contender" / name).read_text() for name in SAGEMAKER_CODE)
    called = {
        "".join(word.title() for word in found.split("_"))
        for found in re.findall(r"sagemaker\.((?:create|describe|update|delete)_\w+)", code)
        + re.findall(r"get_paginator\(\"(\w+)\"\)", code)
    }
    rollout = actions_of(template, "RolloutPolicy", "TickRole", service="sagemaker")
    assert called | {"AddTags"} == rollout, "an endpoint is created with a tag"


def test_what_the_recorder_calls_its_role_allows(template: dict[str, Any]) -> None:
    files = ("trials/gathering.py", "trials/recorder.py")
    code = "".join((ROOT / "contender" / name).read_text() for name in files)
    found = re.findall(r"sagemaker\.((?:describe|list|create|update|associate)_\w+)\(", code)
    found += re.findall(r"get_paginator\(\"(\w+)\"\)", code) + re.findall(r"_job\(\"(\w+)\"", code)
    found += ["list_pipeline_parameters_for_execution", "add_tags"]  # what listing.parameters_of asks; tags at creation
    called = {"".join(word.title() for word in name.split("_")) for name in found}
    assert called == actions_of(template, "RecordRole", service="sagemaker")


def actions_of(template: dict[str, Any], *owners: str, service: str) -> set[str]:
    return {
        action.partition(":")[2]
        for owner, statement in of_roles(template)
        if owner in owners
        for action in listed(statement["Action"])
        if action.startswith(f"{service}:")
    }


def test_what_a_tick_calls_in_dynamodb_its_role_allows(template: dict[str, Any]) -> None:
    """A transaction needs the permission of what it puts. Only `contender deploy` deletes: a stage's settings."""
    named = {statement["Sid"]: set(listed(statement["Action"])) for _, statement in of_roles(template)}

    def called(*files: str) -> set[str]:
        code = "".join((ROOT / "contender" / file).read_text() for file in files)
        operations = {*re.findall(r"dynamodb\.(\w+)\(", code)} - {"delete_item", "transact_write_items"}
        return {"dynamodb:" + "".join(word.title() for word in operation.split("_")) for operation in operations}

    assert named["Decide"] == called("rollout/ledger.py", "stages.py")
    assert named["CountAndPublish"] == called("measurements/store.py")


def test_whoever_ticks_may_all_that_a_tick_does_and_only_the_tick_asks_hooks(template: dict[str, Any]) -> None:
    for role in ("DeployRole", "TickRole"):
        managed = of_type(template, "AWS::IAM::Role")[role]["ManagedPolicyArns"]
        assert managed[0] == {"Ref": "RolloutPolicy"}
    assert actions_of(template, "RolloutPolicy", service="cloudwatch") == {"GetMetricData", "DeleteAlarms"}
    assert actions_of(template, "RolloutPolicy", "DeployRole", service="lambda") == set()
    (hooks,) = (statement for _, statement in of_roles(template) if statement["Sid"] == "AskHooks")
    assert json.dumps(hooks["Resource"]).endswith(':function:${Project}-hook-*"}')
    (captures,) = (statement for owner, statement in of_roles(template) if statement["Sid"] == "WriteAnswers")
    assert "${ArtifactBucket.Arn}/capture/*" in json.dumps(captures["Resource"]), (
        "SageMaker captures as the model's role"
    )


def test_waiting_outlasts_a_lambda_that_is_still_working(template: dict[str, Any]) -> None:
    timeout_s = of_type(template, "AWS::Lambda::Function")["StarterFunction"]["Timeout"]
    assert of_type(template, "AWS::SQS::Queue")["UploadQueue"]["VisibilityTimeout"] >= 6 * timeout_s


def test_an_upload_nobody_can_use_ends_in_the_dead_letter_queue(ministack: MiniStack, stack: Deployment) -> None:
    """From S3 through rule, queue and Lambda, each allowed by the template's own policies."""
    bucket = stack.outputs["DataBucket"]
    ministack.client("s3").put_object(Bucket=bucket, Key="elsewhere/SM-1/a.csv", Body=b"not under the prefix")
    ministack.client("s3").put_object(Bucket=bucket, Key="data/SM-1.csv", Body=b"no dimension")

    def dead() -> Any:
        return (
            ministack.client("sqs")
            .receive_message(
                QueueUrl=stack.outputs["DeadLetterQueueUrl"], MessageAttributeNames=["Reason"], WaitTimeSeconds=1
            )
            .get("Messages")
        )

    messages = eventually(dead)
    assert len(messages) == 1
    assert "data/SM-1.csv" in messages[0]["MessageAttributes"]["Reason"]["StringValue"]


def matches(ministack: MiniStack, rule: str, detail_type: str, detail: dict[str, Any]) -> bool:
    events = ministack.client("events")
    event = {
        "id": "1",
        "account": "000000000000",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "source": "aws.sagemaker",
        "detail-type": detail_type,
        "resources": [],
        "detail": detail,
    }
    pattern = events.describe_rule(Name=f"contender-{rule}")["EventPattern"]
    return bool(events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"])


@pytest.mark.parametrize(
    ("endpoint", "status", "wakes"),
    [
        ("contender-SM-1", "InService", True),
        ("contender-SM-1", "IN_SERVICE", True),
        ("contender-SM-1", "FAILED", True),
        ("contender-SM-1", "UPDATE_ROLLBACK_FAILED", True),
        ("contender-SM-1", "UPDATING", False),
        ("contender-SM-1", "Creating", False),
        ("other-SM-1", "IN_SERVICE", False),
        ("contender2-SM-1", "IN_SERVICE", False),
    ],
)
@pytest.mark.usefixtures("stack")
def test_tick_wakes_when_an_endpoint_of_the_project_has_come_to_rest(
    ministack: MiniStack, endpoint: str, status: str, wakes: bool
) -> None:
    detail = {"EndpointName": endpoint, "EndpointStatus": status}
    assert matches(ministack, "endpoint-changes", "SageMaker Endpoint State Change", detail) == wakes


@pytest.mark.parametrize(
    ("approval", "cycle", "wakes"),
    [
        ("Approved", {"ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "Pending"}}, True),
        ("Approved", {}, True),
        ("Approved", {"ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "InService"}}, False),
        ("PendingManualApproval", {"ModelLifeCycle": {"Stage": "Challenger", "StageStatus": "Pending"}}, False),
        ("Rejected", {}, False),
    ],
)
@pytest.mark.usefixtures("stack")
def test_tick_wakes_for_a_version_that_waits_and_may_be_deployed(
    ministack: MiniStack, approval: str, cycle: dict[str, Any], wakes: bool
) -> None:
    detail = {"ModelPackageGroupName": "contender-SM-1", "ModelApprovalStatus": approval, **cycle}
    assert matches(ministack, "approvals", "SageMaker Model Package State Change", detail) == wakes


@pytest.mark.parametrize(
    ("pipeline", "status", "wakes"),
    [
        ("contender", "Succeeded", True),
        ("contender-warm", "Failed", True),
        ("contender", "Stopped", True),
        ("contender", "Executing", False),
        ("contender", "Stopping", False),
        ("contender-batch", "Succeeded", False),
        ("contenders", "Succeeded", False),
    ],
)
@pytest.mark.usefixtures("stack")
def test_the_end_of_an_execution_that_trains_is_recorded(
    ministack: MiniStack, pipeline: str, status: str, wakes: bool
) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{pipeline}"
    detail = {"pipelineArn": arn, "currentPipelineExecutionStatus": status}
    kind = "SageMaker Model Building Pipeline Execution Status Change"
    assert matches(ministack, "execution-ends", kind, detail) == wakes


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("deploy", "sagemaker:UpdateEndpoint", "endpoint/contender-sm-1", True),
        ("deploy", "sagemaker:UpdateEndpoint", "endpoint/other-sm-1", False),
        ("tick", "sagemaker:DeleteModel", "model/contender-sm-1-v1", True),
        ("candidate", "sagemaker:CreateModel", "model/contender-sm-1-c012345678", True),
        ("candidate", "sagemaker:DeleteModel", "model/contender-sm-1-v1", False),
        ("pipeline", "sagemaker:CreateEndpoint", "endpoint/sm-clarify-1", True),
        ("champion", "sagemaker:UpdateModelPackage", "model-package/contender-SM-1/1", False),
        ("starter", "sagemaker:StartPipelineExecution", "pipeline/contender", True),
        ("starter", "sagemaker:StartPipelineExecution", "pipeline/contender-warm", True),
        ("starter", "sagemaker:StartPipelineExecution", "pipeline/contender-batch", False),
        ("starter", "sagemaker:StartPipelineExecution", "pipeline/other", False),
        ("starter", "sagemaker:DescribeHyperParameterTuningJob", "hyper-parameter-tuning-job/p-Tune", True),
        ("model", "sagemaker:UpdateEndpoint", "endpoint/contender-sm-1", False),
        ("pipeline", "sagemaker:CreateModelPackage", "model-package/contender-SM-1/1", True),
        ("pipeline", "sagemaker:DeleteEndpoint", "endpoint/contender-sm-1", False),
        ("tick", "sagemaker:UpdateEndpointWeightsAndCapacities", "endpoint/contender--dev-sm-1", True),
        ("deploy", "sagemaker:UpdateEndpointWeightsAndCapacities", "endpoint/other-sm-1", False),
        ("record", "sagemaker:UpdateTrialComponent", "experiment-trial-component/contender-abcdefghijkl", True),
        ("record", "sagemaker:UpdateTrialComponent", "experiment-trial-component/other-abcdefghijkl", False),
        ("record", "sagemaker:DescribePipelineExecution", "pipeline/contender-warm/execution/abcdefghijkl", True),
        ("pipeline", "sagemaker:CreateExperiment", "experiment/contender-warm", True),
        ("pipeline", "sagemaker:CreateExperiment", "experiment/other", False),
        ("hook-serves", "sagemaker:InvokeEndpoint", "endpoint/contender-sm-1", True),
        ("hook-golden", "sagemaker:UpdateEndpoint", "endpoint/contender-sm-1", False),
    ],
)
def test_roles_reach_this_projects_things_only(
    ministack: MiniStack, stack: Deployment, role: str, action: str, resource: str, allowed: bool
) -> None:
    answer = ministack.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::000000000000:role/contender-{role}-us-east-1",
        ActionNames=[action],
        ResourceArns=[f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"],
    )
    assert (answer["EvaluationResults"][0]["EvalDecision"] == "allowed") == allowed


def test_the_stack_goes_on_working_after_a_kill(ministack: MiniStack, stack: Deployment) -> None:
    """Rule, queue, mapping and Lambda come back from the last checkpoint and take the next upload."""
    queue, s3 = stack.outputs["DeadLetterQueueUrl"], ministack.client("s3")
    ministack.kill()
    ministack.start()
    s3.put_object(Bucket=stack.outputs["DataBucket"], Key="data/after-the-kill.csv", Body=b"no dimension")

    def dead() -> bool:
        found = ministack.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        return any("after-the-kill" in message["Body"] for message in found.get("Messages", []))

    assert eventually(dead)
