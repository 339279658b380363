"""Least privilege, read from every statement of every template; and that what is too wide is seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.permissions import (
    BROAD,
    NARROWED_BY,
    NO_NARROWER_RESOURCE,
    Statement,
    is_nameless,
    statements,
    text_of,
)
from tests.infra.templates import INFRA, listed, read

TEMPLATES = sorted(INFRA.glob("*.yaml"))


def statement(kind: str = "AWS::IAM::Role", *, trust: bool = False, **body: Any) -> Statement:
    return Statement("Some", kind, trust, {"Effect": "Allow", "Action": "s3:GetObject", **body})


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_permissions_name_what_they_are_for(path: Path) -> None:
    found = [(str(each), problem) for each in statements(read(path.name)) if (problem := each.problem())]
    assert found == []


def test_every_exception_is_needed() -> None:
    """A name in the lists that no template uses any more would let the next mistake pass."""
    found = [each for path in TEMPLATES for each in statements(read(path.name))]
    resources = [(each, text_of(one)) for each in found for one in listed(each.body.get("Resource"))]
    anywhere = {action for each, text in resources if text == "*" for action in listed(each.body["Action"])}
    assert (NO_NARROWER_RESOURCE | NARROWED_BY.keys()) - anywhere == set()
    wild = {text for _, text in resources if text != "*" and is_nameless(text)}
    assert [pattern for pattern in BROAD if not any(re.search(pattern, text) for text in wild)] == []


@pytest.mark.parametrize(
    ("wide", "problem"),
    [
        (statement(Action="s3:*", Resource="arn:aws:s3:::a/b"), "it allows s3:*"),
        (statement(Action=["s3:GetObject", "s3:Put*"], Resource="arn:aws:s3:::a/b"), "it allows s3:Put*"),
        (statement(Action="s3:PutObject", Resource="*"), "s3:PutObject knows a narrower resource than *"),
        (statement(Action=["xray:PutTraceSegments", "s3:PutObject"], Resource="*"), "s3:PutObject knows a narrower"),
        (statement(Resource="*"), "s3:GetObject has no condition on s3:ExistingObjectTag"),
        (statement(Action="logs:DescribeLogGroups", Resource="arn:aws:logs:::log-group:a"), "knows no resource"),
        (statement(Action="cloudwatch:PutMetricData", Resource="*"), "has no condition on cloudwatch:namespace"),
        (statement(Resource={"Fn::Sub": "arn:${AWS::Partition}:s3:::*"}), "no name of ours stands before the *"),
        (statement(Resource=[{"Fn::Sub": "${Bucket.Arn}/*"}, {"Fn::Sub": "arn:aws:s3:::x*"}]), "no name of ours"),
        (statement(NotResource="arn:aws:s3:::a"), "it allows all but something"),
        (statement("AWS::S3::BucketPolicy", Principal="*", Resource="arn:aws:s3:::a"), "anybody may"),
        (statement(trust=True, Action="sts:AssumeRole", Principal={"AWS": "*"}), "anybody may"),
        (
            statement("AWS::SQS::QueuePolicy", Principal={"Service": "s3.amazonaws.com"}, Resource="arn:aws:sqs:::q"),
            "name the source",
        ),
        (statement("AWS::KMS::Key", Action="kms:*", Principal={"AWS": "root"}, Resource="*"), "it allows kms:*"),
    ],
    ids=lambda value: str(value.body.get("Action")) if isinstance(value, Statement) else "",
)
def test_what_is_too_wide_is_told(wide: Statement, problem: str) -> None:
    assert problem in str(wide.problem())


def test_statements_are_found_wherever_they_stand() -> None:
    inner = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = {"Policies": [{"PolicyDocument": {"Statement": [{"Fn::If": ["Some", inner, {"Ref": "AWS::NoValue"}]}]}}]}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {**role, "AssumeRolePolicyDocument": {"Statement": trust}},
            },
            "Policy": {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"Deep": {"Statement": [inner]}}},
        }
    }
    assert [(each.owner, each.trust) for each in statements(template)] == [
        ("Role", False),
        ("Role", True),
        ("Policy", False),
    ]


def test_a_resource_with_our_name_in_front_may_end_in_anything() -> None:
    assert statement(Resource={"Fn::Sub": "arn:aws:sagemaker:::endpoint/${Project}-*"}).problem() is None
    assert statement(Resource={"Fn::Sub": "${DataBucket.Arn}/data/*"}).problem() is None
    assert statement(Resource={"Fn::GetAtt": ["Table", "Arn"]}).problem() is None
