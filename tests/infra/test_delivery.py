"""The delivery template: a push can deploy everything the project has, and cannot widen what a push may do."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import pytest

from contender.config import Settings
from contender.stacks import KINDS
from tests.infra.permissions import of_roles, text_of
from tests.infra.templates import INFRA, listed, of_type, read

CREATE = {
    "AWS::ApiGateway": "apigateway:POST",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy",
    "AWS::IAM::Policy": "iam:PutRolePolicy",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::KinesisFirehose::DeliveryStream": "firehose:CreateDeliveryStream",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::Logs::LogStream": "logs:CreateLogStream",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SNS::Subscription": "sns:Subscribe",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
}
"""What makes a resource of each type, or of each type of a service."""
BESIDE = {
    "AWS::DynamoDB::Table": {"dynamodb:DescribeContributorInsights", "dynamodb:DescribeKinesisStreamingDestination"},
    "AWS::IAM::ManagedPolicy": {"iam:ListEntitiesForPolicy"},
    "AWS::Lambda::EventSourceMapping": {"lambda:TagResource", "lambda:ListTags"},
    "AWS::SNS::Subscription": {"sns:GetSubscriptionAttributes", "sns:Unsubscribe"},
}
"""What CloudFormation calls beside, where making alone does not show it: to read, to tag and to take away."""
NAMES = {
    *("RoleName", "FunctionName", "QueueName", "TableName", "BucketName", "LogGroupName", "AlarmName", "TopicName"),
    *("DeliveryStreamName", "DashboardName"),
}
DELIVERED = sorted(kind.template for kind in KINDS if kind.wanted(Settings()))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read("delivery.yaml")


def allowed(template: dict[str, Any], owners: tuple[str, ...]) -> dict[str, list[str]]:
    """Resources by action."""
    found: dict[str, list[str]] = {}
    for owner, statement in of_roles(template):
        if owner in owners and statement.get("Effect") == "Allow":
            for action in listed(statement["Action"]):
                found.setdefault(action, []).extend(map(text_of, listed(statement["Resource"])))
    return found


@pytest.mark.parametrize("name", DELIVERED)
def test_a_build_can_make_every_resource_of_the_stacks_it_deploys(template: dict[str, Any], name: str) -> None:
    actions = allowed(template, ("StoragePolicy", "ComputePolicy"))
    for resource in read(name)["Resources"].values():
        kind = resource["Type"]
        action = CREATE.get(kind) or CREATE[kind.rpartition("::")[0]]
        assert {action, *BESIDE.get(kind, ())} <= actions.keys(), kind


@pytest.mark.parametrize("name", DELIVERED)
def test_the_names_of_the_stacks_resources_are_those_a_build_may_reach(template: dict[str, Any], name: str) -> None:
    actions = allowed(template, ("StoragePolicy", "ComputePolicy"))
    reached = 0
    for resource in read(name)["Resources"].values():
        given = [
            value.get("Fn::Sub", "${Project}").replace("AWS::", "")
            for key, value in resource.get("Properties", {}).items()
            if key in NAMES and isinstance(value, dict) and ("Fn::Sub" in value or value == {"Ref": "Project"})
        ]
        if not given or resource["Type"] not in CREATE:
            continue
        patterns = [each.replace("AWS::", "").rpartition(":")[2] for each in actions[CREATE[resource["Type"]]]]
        patterns += [pattern.partition("/")[2] for pattern in patterns]
        assert any(fnmatch.fnmatchcase(given[0], pattern) for pattern in patterns), given[0]
        reached += 1
    assert reached > 5


def test_tags_of_a_stack_reach_what_reads_queues_and_not_only_functions(template: dict[str, Any]) -> None:
    tagged = allowed(template, ("ComputePolicy",))["lambda:TagResource"]
    assert {each.rpartition("}:")[2].partition(":")[0] for each in tagged} == {"function", "event-source-mapping"}


def test_a_build_makes_tables_and_streams_with_the_projects_key(template: dict[str, Any]) -> None:
    """Who makes one with a key of his own needs it too, and may let the service use it."""
    stacks = template["Resources"]["StacksRole"]["Properties"]["ManagedPolicyArns"]
    assert {"Fn::If": ["ProjectKey", {"Ref": "StacksKeyPolicy"}, {"Ref": "AWS::NoValue"}]} in stacks
    actions = allowed(template, ("StacksKeyPolicy",))
    assert {"kms:CreateGrant", "kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey"} <= actions.keys()


def test_a_build_cannot_widen_what_builds_may_do(template: dict[str, Any]) -> None:
    denied = [(owner, text_of(each["Resource"])) for owner, each in of_roles(template) if each.get("Effect") == "Deny"]
    assert [owner for owner, _ in denied] == ["BuildRole", "StacksRole"]
    assert denied[0][1].endswith("stack/${Project}-delivery/*")
    assert denied[1][1].endswith(":*/${Project}-delivery-*")
    for role in of_type(template, "AWS::IAM::Role").values():
        assert "${Project}-delivery-" in role["RoleName"]["Fn::Sub"]


def test_the_build_itself_makes_no_role_and_no_function(template: dict[str, Any]) -> None:
    actions = allowed(template, ("BuildRole",))
    services = {action.partition(":")[0] for action in actions}
    assert services == {"cloudformation", "dynamodb", "iam", "logs", "s3", "sagemaker"}
    assert {action for action in actions if action.startswith("iam:")} == {"iam:PassRole"}


def test_roles_are_handed_to_named_services_only(template: dict[str, Any]) -> None:
    passing = [each for _, each in of_roles(template) if "iam:PassRole" in listed(each.get("Action", []))]
    assert len(passing) == 3
    assert all(each["Condition"]["StringEquals"]["iam:PassedToService"] for each in passing)


def test_services_take_the_roles_for_this_account_only(template: dict[str, Any]) -> None:
    for role in of_type(template, "AWS::IAM::Role").values():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_build_runs_the_projects_buildspec_and_deploys_as_the_stacks_role(template: dict[str, Any]) -> None:
    (build,) = of_type(template, "AWS::CodeBuild::Project").values()
    assert build["Source"] == {"Type": "CODEPIPELINE", "BuildSpec": "buildspec.yml"}
    assert Path(INFRA.parent, "buildspec.yml").exists()
    variables = {each["Name"]: each["Value"] for each in build["Environment"]["EnvironmentVariables"]}
    assert variables == {
        "CONTENDER_STACK_ROLE": {"Fn::GetAtt": ["StacksRole", "Arn"]},
        "CONTENDER_PROJECT": {"Ref": "Project"},
    }


def test_a_push_starts_it_with_every_provider(template: dict[str, Any]) -> None:
    (pipeline,) = of_type(template, "AWS::CodePipeline::Pipeline").values()
    condition, committed, connected = pipeline["Stages"][0]["Actions"][0]["Fn::If"]
    assert condition == "CodeCommit"
    assert committed["Configuration"]["PollForSourceChanges"] == "false"
    assert connected["Configuration"]["DetectChanges"] == "true"
    assert template["Resources"]["RepositoryRule"]["Condition"] == "CodeCommit"
    providers = set(template["Parameters"]["Provider"]["AllowedValues"])
    assert providers == {"GitHub", "GitLab", "Bitbucket", "CodeCommit"}


def test_the_source_is_private_encrypted_and_forgotten(template: dict[str, Any]) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 30
    (policy,) = of_type(template, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
