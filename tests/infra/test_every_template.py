"""What holds for all templates, also for those to come: valid, encrypted, private, traced, and careful with data."""

from __future__ import annotations

import importlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_all, lint_file
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from contender.stack import Stack
from contender.stacks import KINDS
from contender.templates import read as parse
from tests.infra.permissions import of_roles, statements
from tests.infra.templates import INFRA, listed, of_type, read
from tests.local.running import MiniStack

TEMPLATES = sorted(INFRA.glob("*.yaml"))
LARGEST_BYTES = 1_000_000
HELD_FOR_A_WHILE = {
    "core.LockTable": "who waits for which execution: nothing to keep once nothing runs",
    "experiments.EventsTable": "which events were counted: only while they may come twice",
    "monitoring.DriftTable": "what was told: only while it may have to be told twice",
}
"""Tables that go with their stack, and why."""
KEEPS = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SageMaker::ModelPackageGroup")
OWN_KEY = {"Fn::If": ["ProjectKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}

each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)


@each_template
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    assert lint_file(path) == []


@each_template
def test_nothing_is_exempt_from_the_linter_without_a_reason(path: Path) -> None:
    lines = path.read_text().splitlines()
    silent = [line for line in lines if "ignore_checks" in line and "#" not in line]
    assert silent == []


@each_template
def test_cloudformation_takes_the_file_as_it_is(path: Path) -> None:
    """It limits a template's size, and knows no YAML aliases, which every tool on a laptop does."""
    text = path.read_text()
    assert len(text.encode()) < LARGEST_BYTES
    assert not [token for token in yaml.scan(text) if isinstance(token, (yaml.AnchorToken, yaml.AliasToken))]


def test_every_stack_has_its_template_and_is_named_once() -> None:
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names))
    assert {kind.template for kind in KINDS} <= {path.name for path in TEMPLATES}


@each_template
def test_every_lambda_has_a_role_and_a_log_group_of_its_own_and_is_traced(path: Path) -> None:
    template = read(path.name)
    functions = of_type(template, "AWS::Lambda::Function")
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions.values()]
    assert len(set(roles)) == len(functions)
    groups = {json.dumps(group["LogGroupName"]) for group in of_type(template, "AWS::Logs::LogGroup").values()}
    for name, function in functions.items():
        assert json.dumps(function["FunctionName"]).replace('"${', '"/aws/lambda/${') in groups, name
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        role = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
        policies = [each["Ref"] for each in role.get("ManagedPolicyArns", []) if "Ref" in each]
        owners = {function["Role"]["Fn::GetAtt"][0], *policies}
        traced = [each for each in statements(template) if each.owner in owners and "xray:" in str(each.body)]
        assert traced, f"{name} may not send what it traced"


@each_template
def test_every_handler_exists(path: Path) -> None:
    for function in of_type(read(path.name), "AWS::Lambda::Function").values():
        module, _, name = function["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


@each_template
def test_every_api_stage_is_traced(path: Path) -> None:
    for name, stage in of_type(read(path.name), "AWS::ApiGateway::Stage").items():
        assert stage["TracingEnabled"] is True, name


@each_template
def test_every_log_group_forgets_and_is_encrypted_as_asked(path: Path) -> None:
    for name, group in of_type(read(path.name), "AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert group["KmsKeyId"] == OWN_KEY, name


@each_template
def test_nobody_reads_a_bucket_in_the_clear_or_from_outside(path: Path) -> None:
    template = read(path.name)
    denied = {
        json.dumps(policy["Bucket"]): policy["PolicyDocument"]["Statement"]
        for policy in of_type(template, "AWS::S3::BucketPolicy").values()
    }
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        block = bucket["PublicAccessBlockConfiguration"]
        assert [block[key] for key in sorted(block)] == [True] * 4, name
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == OWN_KEY, name
        over_tls = [
            each
            for each in denied[json.dumps({"Ref": name})]
            if (each["Effect"], each["Principal"], each["Action"]) == ("Deny", "*", "s3:*")
            and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert json.dumps(over_tls[0]["Resource"]) == json.dumps(
            [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
        )


@each_template
def test_queues_and_tables_are_encrypted_as_asked(path: Path) -> None:
    template = read(path.name)
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        assert queue["KmsMasterKeyId"] == OWN_KEY, name
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["ProjectKey", {"Ref": "AWS::NoValue"}, True]}, name
    for name, topic in of_type(template, "AWS::SNS::Topic").items():
        assert topic["KmsMasterKeyId"], name
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        assert "KmsKeyArn" in json.dumps(table["SSESpecification"]), name
        assert '"SSEEnabled": true' in json.dumps(table["SSESpecification"]), name


@each_template
def test_whoever_uses_what_the_key_encrypts_may_use_the_key(path: Path) -> None:
    """By the actions of each role and of its policies: whoever reads an object, a message or an item needs its key."""
    template = read(path.name)
    if "KmsKeyArn" not in template["Parameters"]:
        return  # it keeps nothing, and reads only the code bucket, which is no stack's
    needy = {
        owner
        for owner, statement in of_roles(template)
        for action in listed(statement["Action"])
        if action in ("s3:GetObject", "s3:PutObject", "sqs:ReceiveMessage", "sqs:SendMessage")
        or action.startswith("dynamodb:")
    }
    for name, role in of_type(template, "AWS::IAM::Role").items():
        text = json.dumps(role)
        if any(owner == name or f'{{"Ref": "{owner}"}}' in text for owner in needy):
            assert "ProjectKey" in text, f"{name} has no key"


@each_template
def test_a_stack_that_is_deleted_leaves_data(path: Path) -> None:
    for name, resource in read(path.name)["Resources"].items():
        if resource["Type"] in KEEPS and f"{path.stem}.{name}" not in HELD_FOR_A_WHILE:
            assert resource["DeletionPolicy"].startswith("Retain"), name
            assert resource["UpdateReplacePolicy"] == "Retain", name
        elif resource["Type"] in KEEPS:
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Delete", name


@each_template
def test_tables_that_stay_can_be_set_back(path: Path) -> None:
    """A table from which a person deleted by mistake is restored from point-in-time recovery."""
    for name, table in of_type(read(path.name), "AWS::DynamoDB::Table").items():
        if f"{path.stem}.{name}" not in HELD_FOR_A_WHILE:
            assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name


# ── What no laptop creates ────────────────────────────────────────────────────────────────────────────────────────


def every_type() -> list[str]:
    return sorted({each["Type"] for path in TEMPLATES for each in read(path.name)["Resources"].values()})


def test_a_wrong_property_of_any_type_is_caught() -> None:
    """The linter holds each resource against its type's schema, so it says what no laptop would."""
    wrong: dict[str, Any] = {
        f"Wrong{number}": {"Type": kind, "Properties": {"NoSuchProperty": 1}}
        for number, kind in enumerate(every_type())
        if not kind.startswith("Custom::") and kind != "AWS::CloudFormation::CustomResource"
    }
    found = lint_all(json.dumps({"Resources": wrong}))
    caught = {str(match.path[1]) for match in found if match.rule.id == "E3002"}
    assert set(wrong) - caught == set()


# ── What a laptop creates ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    running = MiniStack(tmp_path_factory.mktemp("templates"))
    running.start()
    yield running
    running.close()


def known_types() -> frozenset[str]:
    """Of MiniStack; custom resources are made by a function that asks SageMaker, which is not there."""
    return frozenset(_RESOURCE_HANDLERS) - {"AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack"}


def creatable(document: dict[str, Any]) -> dict[str, Any]:
    """The part of a template that MiniStack knows: its types, and of these what refers to nothing else."""
    resources: dict[str, Any] = {
        name: each
        for name, each in document["Resources"].items()
        if isinstance(each, dict) and each["Type"] in known_types()
    }
    gone = set(document["Resources"]) - set(resources)
    while lost := {name for name, each in resources.items() if refers_to(each, gone)}:
        gone |= lost
        resources = {name: each for name, each in resources.items() if name not in lost}
    rest = {part: document[part] for part in ("Parameters", "Conditions") if part in document}
    return {**rest, "Resources": resources}


def refers_to(resource: dict[str, Any], names: set[str]) -> bool:
    text = json.dumps(resource)
    return any(re.search(rf'"(Ref|DependsOn)": "{name}"|\[?"{name}"[,\]]|\$\{{{name}[.}}]', text) for name in names)


GIVEN = {
    "CodeBucket": "the-code",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0",
    "SageMakerProjectName": "another",
    "Repository": "owner/name",
}
"""Values of parameters that have no default; any other is a word."""


@each_template
def test_what_a_laptop_knows_of_a_template_it_creates(path: Path, ministack: MiniStack) -> None:
    """Whole where it knows all types; `test_a_wrong_property_of_any_type_is_caught` is about those it does not know."""
    document = dict(parse(path).document)
    part = creatable(document)
    if not part["Resources"]:
        assert not known_types() & {each["Type"] for each in read(path.name)["Resources"].values()}
        return
    s3, cloudformation = ministack.client("s3"), ministack.client("cloudformation")
    if "CodeKey" in part["Parameters"]:
        s3.create_bucket(Bucket=GIVEN["CodeBucket"])
        s3.put_object(Bucket=GIVEN["CodeBucket"], Key="word", Body=b"no code: nothing runs")
    told = {
        name: "all" + path.stem if name == "Project" else GIVEN.get(name, "word")
        for name, parameter in part["Parameters"].items()
        if name == "Project" or "Default" not in parameter
    }
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key=path.stem, Body=json.dumps(part).encode())
    stack = Stack(cloudformation, f"all-{path.stem}", sleep=lambda seconds: time.sleep(min(seconds, 0.1)))
    change_set = stack.propose(
        "CREATE",
        {
            "TemplateURL": f"{ministack.url}/templates/{path.stem}",
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in told.items()],
        },
    )
    assert change_set
    stack.execute(change_set)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.name)
    made = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    assert made == {name for name, each in part["Resources"].items() if name in made or "Condition" not in each}
