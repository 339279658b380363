"""Deploying the stack: to MiniStack for real, and to fakes where CloudFormation must misbehave."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.deployment import Cloud, deploy, parse_parameters
from contender.errors import DeploymentError, NotFoundError, SettingsError
from contender.lambda_code import package
from contender.naming import Names
from contender.stack import Stack, stack_outputs
from contender.templates import INLINE_BYTES, read
from tests.local.running import MiniStack

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "core.yaml"
TINY = """
Parameters:
  Project: {Type: String}
  CodeBucket: {Type: String}
  CodeKey: {Type: String}
  Color: {Type: String, Default: red}
Resources:
  Note:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/${Project}/note", Type: String, Value: !Sub "${Color} ${CodeKey}"}
Outputs:
  Note: {Value: !Ref Note}
"""
KEEPING = """
Parameters:
  Project: {Type: String}
  Days: {Type: Number, Default: 1}
Resources:
  Data:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      BucketName: !Sub ${Project}-data-${AWS::AccountId}-${AWS::Region}
      LifecycleConfiguration: {Rules: [{Id: old, Status: Enabled, ExpirationInDays: !Ref Days}]}
  Counts:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      TableName: !Sub ${Project}-counts
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      SSESpecification: {SSEEnabled: true}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
  Waiting:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${Data}-queue"}
Outputs:
  Bucket: {Value: !GetAtt Data.Arn}
"""
ALWAYS = ("BillingMode", "AttributeDefinitions", "KeySchema")
BROKEN = TINY.replace("Outputs:", "  Wrong:\n    Type: AWS::Nowhere::Nothing\n    DependsOn: Note\nOutputs:")


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    running = MiniStack(tmp_path_factory.mktemp("deployment"))
    running.start()
    yield running
    running.close()


@pytest.fixture
def cloud(ministack: MiniStack) -> Cloud:
    cloudformation, s3, dynamodb = (ministack.client(name) for name in ("cloudformation", "s3", "dynamodb"))
    return Cloud(cloudformation, s3, "000000000000", "us-east-1", dynamodb=dynamodb)


def written(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text)
    return path


def names_in(body: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.namelist()


# ── The code ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_code_makes_the_same_bytes_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "contender", tmp_path / "contender", ignore=shutil.ignore_patterns("__pycache__"))
    os.utime(tmp_path / "contender" / "naming.py", (1, 1))
    (tmp_path / "contender" / "naming.py").chmod(0o600)
    assert package(tmp_path) == package(ROOT)


def test_other_code_gets_another_key(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "contender", tmp_path / "contender", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "contender" / "naming.py").open("a") as source:
        source.write("\n")
    assert package(tmp_path).key != package(ROOT).key


def test_the_zip_holds_what_the_handlers_import_and_no_more() -> None:
    found = names_in(package(ROOT).body)
    assert "contender/lambdas/starter.py" in found
    assert "contender/naming.py" in found
    assert "contender/__init__.py" in found
    assert not [name for name in found if name.startswith(("contender/cli", "contender/local", "contender/config"))]
    assert len(package(ROOT).body) < 300_000


def test_the_handlers_load_from_the_zip_alone(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package(ROOT).body)) as archive:
        archive.extractall(tmp_path)
    load = "import importlib, sys; sys.path.insert(0, sys.argv[1])\n"
    load += "for name in ('starter', 'champion', 'deploy', 'tick'):\n"
    load += "    assert importlib.import_module(f'contender.lambdas.{name}').handler\n"
    load += (
        "assert all(m.__file__.startswith(sys.argv[1]) for n, m in sys.modules.items() if n.startswith('contender'))"
    )
    subprocess.run([sys.executable, "-I", "-c", load, str(tmp_path)], check=True)


def test_a_folder_without_lambdas_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="there is no contender/lambdas"):
        package(tmp_path)


# ── The stack ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_core_stack_is_created_then_unchanged_then_updated(cloud: Cloud) -> None:
    names, said = Names("core1"), []
    planned = deploy(cloud, names, TEMPLATE, {}, root=ROOT, dry_run=True)
    assert planned.action == "planned"
    assert {"StarterFunction", "DataBucket", "PipelineRole"} <= {change.resource for change in planned.changes}
    with pytest.raises(NotFoundError, match="contender deploy"):
        stack_outputs(cloud.cloudformation, names.stack("core"))

    created = deploy(cloud, names, TEMPLATE, {}, root=ROOT, say=said.append)
    assert created.action == "created"
    assert created.changes == planned.changes
    assert "add DataBucket (AWS::S3::Bucket)" in said
    assert set(created.outputs) >= {
        *("DataBucket", "ArtifactBucket", "PipelineRoleArn", "QueueUrl", "DeadLetterQueueUrl", "LockTable"),
        *(f"{name}FunctionArn" for name in ("Champion", "Deploy", "Starter", "Tick")),
    }
    assert created.outputs["DataBucket"] == names.bucket("data", "000000000000", "us-east-1")

    assert deploy(cloud, names, TEMPLATE, {}, root=ROOT).action == "unchanged"
    assert deploy(cloud, names, TEMPLATE, {}, root=ROOT, dry_run=True).action == "unchanged"

    updated = deploy(cloud, names, TEMPLATE, {"RetryDelaySeconds": "1"}, root=ROOT)
    assert (updated.action, [change.resource for change in updated.changes]) == ("updated", ["StarterFunction"])
    assert stack_outputs(cloud.cloudformation, names.stack("core")) == created.outputs


def test_a_dry_run_leaves_no_bucket(cloud: Cloud) -> None:
    names = Names("dry")
    deploy(cloud, names, TEMPLATE, {}, root=ROOT, dry_run=True)
    buckets = [bucket["Name"] for bucket in cloud.s3.list_buckets()["Buckets"]]
    assert not [bucket for bucket in buckets if bucket.startswith("dry-")]


def test_new_code_is_a_change(cloud: Cloud, tmp_path: Path) -> None:
    names, template = Names("code"), written(tmp_path, TINY)
    assert deploy(cloud, names, template, {}, root=ROOT).action == "created"
    shutil.copytree(ROOT / "contender", tmp_path / "contender", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "contender" / "naming.py").open("a") as source:
        source.write("\n")
    assert deploy(cloud, names, template, {}, root=tmp_path).action == "updated"


def test_a_failed_creation_names_the_resource_and_can_be_tried_again(cloud: Cloud, tmp_path: Path) -> None:
    names, said = Names("failing"), []
    with pytest.raises(DeploymentError, match=r"stack failing-core.*AWS::Nowhere::Nothing"):
        deploy(cloud, names, written(tmp_path, BROKEN), {}, root=ROOT)
    assert deploy(cloud, names, written(tmp_path, TINY), {}, root=ROOT, say=said.append).action == "created"


def test_an_unknown_parameter_is_named_with_the_known_ones(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'Colour' is not in .*template\.yaml; known: CodeBucket, .*Color"):
        deploy(cloud, Names("typo"), written(tmp_path, TINY), {"Colour": "blue"}, root=ROOT)


def test_a_parameter_out_of_bounds_is_one_line(cloud: Cloud) -> None:
    with pytest.raises(DeploymentError, match="RetryDelaySeconds") as refused:
        deploy(cloud, Names("bounds"), TEMPLATE, {"RetryDelaySeconds": "1000"}, root=ROOT)
    assert "\n" not in str(refused.value)


def test_a_template_that_is_not_there_is_named(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"absent\.yaml cannot be read"):
        deploy(cloud, Names("absent"), tmp_path / "absent.yaml", {}, root=ROOT)


def test_tags_reach_the_stack_and_a_changed_one_is_a_change(cloud: Cloud, tmp_path: Path) -> None:
    names, template = Names("tagged"), written(tmp_path, TINY)

    def tagged() -> dict[str, str]:
        (stack,) = cloud.cloudformation.describe_stacks(StackName="tagged-core")["Stacks"]
        return {tag["Key"]: tag["Value"] for tag in stack["Tags"]}

    deploy(cloud, names, template, {}, root=ROOT, tags={"team": "red"})
    assert tagged() == {"project": "tagged", "team": "red"}
    assert deploy(cloud, names, template, {}, root=ROOT, tags={"team": "red"}).action == "unchanged"
    assert deploy(cloud, names, template, {}, root=ROOT, tags={"team": "blue"}).action == "updated"
    assert tagged() == {"project": "tagged", "team": "blue"}


# ── A template that no request holds ──────────────────────────────────────────────────────────────────────────────


def padded(folder: Path, comments: int = 0, values: int = 0) -> Path:
    """A template made long by comments, which count in a request, or by a value, which counts in any form."""
    text = TINY + "".join(f"# {number:064d}\n" for number in range(comments))
    return written(
        folder, text.replace("Outputs:", f"Mappings: {{Long: {{Very: {{Word: {'w' * values}}}}}}}\nOutputs:")
    )


def test_a_template_too_large_for_a_request_goes_by_the_bucket(cloud: Cloud, tmp_path: Path) -> None:
    names, template = Names("large"), padded(tmp_path, values=60_000)
    assert deploy(cloud, names, template, {}, root=ROOT).action == "created"
    bucket = names.bucket("code", "000000000000", "us-east-1")
    keys = [each["Key"] for each in cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert read(template).key in keys
    assert deploy(cloud, names, template, {}, root=ROOT).action == "unchanged"
    assert deploy(cloud, names, template, {"Color": "blue"}, root=ROOT, dry_run=True).changes[0].resource == "Note"


def test_the_first_dry_run_does_without_the_comments(cloud: Cloud, tmp_path: Path) -> None:
    template = padded(tmp_path, comments=1000)
    assert len(template.read_bytes()) > INLINE_BYTES
    planned = deploy(cloud, Names("commented"), template, {}, root=ROOT, dry_run=True)
    assert [change.resource for change in planned.changes] == ["Note"]


def test_a_first_dry_run_that_cannot_be_says_so_in_one_line(cloud: Cloud, tmp_path: Path) -> None:
    said: list[str] = []
    template = padded(tmp_path, values=60_000)
    planned = deploy(cloud, Names("unplanned"), template, {}, root=ROOT, dry_run=True, say=said.append)
    assert (planned.action, planned.changes) == ("planned", ())
    assert said == ["stack unplanned-core: its template is too large to be planned before the first deployment"]
    assert not [each["Name"] for each in cloud.s3.list_buckets()["Buckets"] if each["Name"].startswith("unplanned-")]


# ── What an earlier stack has left ────────────────────────────────────────────────────────────────────────────────


def test_a_new_stack_takes_over_what_the_last_one_left(cloud: Cloud, tmp_path: Path) -> None:
    names, template, said = Names("again"), written(tmp_path, KEEPING), []
    bucket = names.bucket("data", "000000000000", "us-east-1")
    deploy(cloud, names, template, {}, root=ROOT)
    cloud.s3.put_object(Bucket=bucket, Key="data/SM-1/a.csv", Body=b"kept")
    Stack(cloud.cloudformation, "again-core").delete()

    planned = deploy(cloud, names, template, {"Days": "2"}, root=ROOT, dry_run=True)
    assert {change.resource: change.action for change in planned.changes} == {
        "Data": "Import",
        "Counts": "Import",
        "Waiting": "Add",
    }
    with pytest.raises(NotFoundError):
        stack_outputs(cloud.cloudformation, "again-core")

    done = deploy(cloud, names, template, {"Days": "2"}, root=ROOT, say=said.append)
    assert done.action == "created"
    assert said[0] == f"import Data (AWS::S3::Bucket): {bucket} is there already"
    assert cloud.s3.get_object(Bucket=bucket, Key="data/SM-1/a.csv")["Body"].read() == b"kept"
    assert {change.resource for change in done.changes if change.action == "Modify"} == {"Data", "Counts"}
    assert deploy(cloud, names, template, {"Days": "2"}, root=ROOT).action == "unchanged"


def test_what_is_taken_over_is_described_bare_so_that_all_else_is_a_change(tmp_path: Path) -> None:
    """CloudFormation changes nothing when it imports, and nothing afterwards that it was told already.

    So what a table refuses to be told twice is told there: that it is encrypted, and that items expire.
    """
    bare = json.loads(read(written(tmp_path, KEEPING)).bare(frozenset({"Data", "Counts"})))["Resources"]
    assert {name: set(each["Properties"]) for name, each in bare.items()} == {
        "Data": {"BucketName"},
        "Counts": {"TableName", *ALWAYS, "SSESpecification", "TimeToLiveSpecification"},
    }
    assert all(each["DeletionPolicy"] == "RetainExceptOnCreate" for each in bare.values())


def test_a_deployment_killed_after_taking_over_is_completed_by_the_next(cloud: Cloud, tmp_path: Path) -> None:
    names, template = Names("halfway"), written(tmp_path, KEEPING)
    deploy(cloud, names, template, {}, root=ROOT)
    Stack(cloud.cloudformation, "halfway-core").delete()

    class Killed(Exception):
        pass

    def say(line: str) -> None:
        if line.startswith("add "):
            raise Killed

    with pytest.raises(Killed):
        deploy(cloud, names, template, {}, root=ROOT, say=say)
    assert (
        deploy(cloud, names, template, {}, root=ROOT).outputs["Bucket"].endswith(":halfway-data-000000000000-us-east-1")
    )


# ── CloudFormation on a bad day ───────────────────────────────────────────────────────────────────────────────────


class Formation:
    """CloudFormation that answers what it was told to; each list is used up, its last answer stays."""

    def __init__(self, statuses: list[str], proposal: dict[str, Any], events: list[list[dict[str, Any]]]) -> None:
        self._statuses, self._proposal, self._pages = statuses, proposal, events
        self.called: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return {"Stacks": [{"StackStatus": status, "Outputs": []}]}

    def create_change_set(self, **request: Any) -> dict[str, Any]:
        self.called.append(f"create {request['ChangeSetType']}")
        self.request = request
        return {"Id": "change-set"}

    def describe_change_set(self, ChangeSetName: str) -> dict[str, Any]:
        return self._proposal

    def delete_change_set(self, ChangeSetName: str) -> None:
        self.called.append("discard")

    def execute_change_set(self, ChangeSetName: str) -> None:
        self.called.append("execute")
        self._pages.pop(0)

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "describe_change_set": lambda: [self._proposal],
            "describe_stack_events": lambda: [{"StackEvents": self._pages[0]}],
        }[operation]

        class Pages:
            paginate: Callable[..., Any] = staticmethod(lambda **request: pages())

        return Pages()


class Bucket:
    """S3 with a bucket that holds everything already, and lets everybody in who asks for nobody's in particular."""

    owner = "1" * 12

    def head_bucket(self, Bucket: str, ExpectedBucketOwner: str = "") -> None:
        if ExpectedBucketOwner not in ("", self.owner):
            answer = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(answer, "HeadBucket")

    def list_objects_v2(self, Bucket: str, Prefix: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        assert ExpectedBucketOwner == self.owner
        return {"Contents": [{"Key": Prefix}]}


class ForeignBucket(Bucket):
    """Another account was faster with the name."""

    owner = "2" * 12


MODIFY = {"Action": "Modify", "LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}
CHANGE = {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": MODIFY}]}


def event(number: int, resource: str, status: str, reason: str = "") -> dict[str, Any]:
    kind = "AWS::CloudFormation::Stack" if resource == "Stack" else "AWS::Some::Thing"
    words = {"ResourceStatusReason": reason} if reason else {}
    return {
        "EventId": str(number),
        "LogicalResourceId": resource,
        "ResourceType": kind,
        "ResourceStatus": status,
        **words,
    }


def on(formation: Formation, s3: object | None = None) -> Cloud:
    return Cloud(formation, s3 or Bucket(), "1" * 12, "eu-west-1", sleep=lambda seconds: None)


def test_a_rolled_back_update_names_the_first_cause_and_not_what_it_cancelled(tmp_path: Path) -> None:
    after = [
        event(5, "Stack", "UPDATE_ROLLBACK_COMPLETE"),
        event(4, "Queue", "UPDATE_FAILED", "Resource update cancelled"),
        event(3, "Table", "UPDATE_FAILED", "the throughput is too high"),
        event(2, "Stack", "UPDATE_IN_PROGRESS"),
        event(1, "Old", "CREATE_FAILED", "long ago"),
    ]
    statuses = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    formation = Formation(statuses, CHANGE, [after[-1:], after])
    with pytest.raises(DeploymentError) as failed:
        deploy(on(formation), Names("any"), written(tmp_path, TINY), {}, root=ROOT)
    assert str(failed.value) == (
        "stack any-core is UPDATE_ROLLBACK_COMPLETE: Table (AWS::Some::Thing): the throughput is too high"
    )


def test_an_update_counts_as_done_only_after_it_began(tmp_path: Path) -> None:
    before = [event(1, "Stack", "UPDATE_COMPLETE")]
    formation = Formation(["UPDATE_COMPLETE"], CHANGE, [before, before])
    waits: list[float] = []

    def begin_later(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            formation._pages[0] = [event(2, "Stack", "UPDATE_COMPLETE"), *before]

    cloud = Cloud(formation, Bucket(), "1" * 12, "eu-west-1", sleep=begin_later)
    assert deploy(cloud, Names("any"), written(tmp_path, TINY), {}, root=ROOT).action == "updated"
    assert waits == sorted(waits)
    assert len(waits) == 3


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_an_empty_change_set_is_no_failure(tmp_path: Path, reason: str) -> None:
    formation = Formation(["UPDATE_COMPLETE"], {"Status": "FAILED", "StatusReason": reason}, [[]])
    assert deploy(on(formation), Names("any"), written(tmp_path, TINY), {}, root=ROOT).action == "unchanged"
    assert formation.called == ["create UPDATE", "discard"]


@pytest.mark.parametrize("role", ["arn:aws:iam::111111111111:role/any-delivery-stacks", ""])
def test_cloudformation_works_as_the_role_it_is_given_or_as_the_caller(tmp_path: Path, role: str) -> None:
    formation = Formation(
        ["UPDATE_COMPLETE"], {"Status": "FAILED", "StatusReason": "No updates are to be performed."}, [[]]
    )
    deploy(replace(on(formation), stack_role=role), Names("any"), written(tmp_path, TINY), {}, root=ROOT)
    assert formation.request.get("RoleARN", "") == role


def test_a_refused_change_set_says_why(tmp_path: Path) -> None:
    formation = Formation(["UPDATE_COMPLETE"], {"Status": "FAILED", "StatusReason": "role is missing"}, [[]])
    with pytest.raises(DeploymentError, match="stack any-core cannot be changed: role is missing"):
        deploy(on(formation), Names("any"), written(tmp_path, TINY), {}, root=ROOT)
    assert formation.called[-1] == "discard"


def test_it_keeps_its_hands_off_a_stack_that_somebody_is_changing(tmp_path: Path) -> None:
    formation = Formation(["UPDATE_IN_PROGRESS"], CHANGE, [[]])
    with pytest.raises(DeploymentError, match="wait until that is over"):
        deploy(on(formation), Names("any"), written(tmp_path, TINY), {}, root=ROOT)
    assert formation.called == []


def test_a_bucket_of_somebody_else_is_named(tmp_path: Path) -> None:
    formation = Formation(["UPDATE_COMPLETE"], CHANGE, [[]])
    with pytest.raises(DeploymentError, match="bucket any-code-111111111111-eu-west-1 is not ours"):
        deploy(on(formation, ForeignBucket()), Names("any"), written(tmp_path, TINY), {}, root=ROOT)


# ── Parameters ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parameters_are_read_pair_by_pair() -> None:
    assert parse_parameters(["A=1", " B=x=y", "", "Rate=cron(0 1,2 * * ? *)"]) == {
        "A": "1",
        "B": "x=y",
        "Rate": "cron(0 1,2 * * ? *)",
    }


@pytest.mark.parametrize("text", ["RetryDelaySeconds", "=1", "Two words=1"])
def test_what_is_no_parameter_is_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="is not of the form Name=value"):
        parse_parameters([text])
