"""Single steps on an account in memory: what waits for what, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.destroying import objects
from contender.destroying.delivery import DELIVERIES, hold
from contender.destroying.endpoints import ENDPOINTS, SCALED_VARIANTS, SCHEDULES
from contender.destroying.executions import EXECUTIONS
from contender.destroying.remover import Project
from contender.destroying.run import REMOVERS, remove
from contender.destroying.stacks import AROUND_THE_CORE, THE_CORE, THE_DELIVERY, pause
from contender.errors import DeploymentError
from contender.naming import Names
from contender.stacks import KINDS
from contender.templates import Template

ARN = "arn:aws:sagemaker:us-east-1:000000000000:{}/{}"


class Pages:
    """A client that only lists: what it answers to each operation, and what it was asked to do."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[tuple[str, Any]] = []

    def get_paginator(self, operation: str) -> Any:
        def paginate(**request: Any) -> Iterator[Any]:
            yield self._answer(operation, request)

        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **request: self._answer(operation, request)

    def _answer(self, operation: str, request: Mapping[str, Any]) -> Any:
        answer = self._answers.get(operation)
        if answer is None:
            self.asked.append((operation, next(iter(request.values()))))
            return {}
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Some")


def on(**clients: Any) -> Project:
    waited: list[float] = []
    made = {name.replace("_", "-"): client for name, client in clients.items()}
    return Project(Names("contender"), "000000000000", "us-east-1", made.__getitem__, (), waited.append)


def silent(line: str) -> None:
    return None


def test_what_never_goes_is_named_in_the_end() -> None:
    with pytest.raises(DeploymentError, match="endpoint contender-SM-1 is not gone after 60 minutes: run this again"):
        on().wait("endpoint contender-SM-1", lambda: False)


# ── Executions ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_runs_is_stopped_and_waited_for_before_its_pipeline_goes() -> None:
    statuses = {"one": iter(["Executing", "Stopping", "Stopping", "Stopped"]), "two": iter(["Stopping", "Stopped"])}
    now = {"one": "Executing", "two": "Stopping", "old": "Succeeded"}

    def describe(request: Mapping[str, Any]) -> dict[str, str]:
        name = request["PipelineExecutionArn"]
        now[name] = next(statuses[name])
        return {"PipelineExecutionStatus": now[name]}

    def listed(request: Mapping[str, Any]) -> Any:
        if request["PipelineName"] != "contender":
            return refused("ResourceNotFound")
        found = [{"PipelineExecutionArn": name, "PipelineExecutionStatus": status} for name, status in now.items()]
        return {"PipelineExecutionSummaries": found}

    sagemaker = Pages(
        describe_pipeline={"PipelineName": "any"},
        list_pipeline_executions=listed,
        describe_pipeline_execution=describe,
    )
    done = remove(on(sagemaker=sagemaker), EXECUTIONS, silent)
    assert [thing.name for thing in done] == ["one", "two"]
    assert sagemaker.asked == [("stop_pipeline_execution", "one")]
    assert set(now.values()) == {"Stopped", "Succeeded"}


# ── Endpoints ─────────────────────────────────────────────────────────────────────────────────────────────────────


def endpoint(name: str, config: str, project: str = "") -> Project:
    tags = [{"Key": "project", "Value": project}] if project else []
    described = {"EndpointName": name, "EndpointArn": ARN.format("endpoint", name), "EndpointStatus": "InService"}
    return on(
        sagemaker=Pages(
            list_endpoints={"Endpoints": [{"EndpointName": name}]},
            describe_endpoint=described | ({"EndpointConfigName": config} if config else {}),
            list_tags={"Tags": tags},
        )
    )


@pytest.mark.parametrize(
    ("name", "config", "project", "ours"),
    [
        ("contender-SM-1", "contender-SM-1-0123abcdef", "", True),
        ("contender--dev-SM-1", "contender--dev-SM-1-0123abcdef", "contender", True),
        ("contender-SM-1", "", "", True),
        ("contender-SM-10x", "contender-SM-1-0123abcdef", "", False),
        ("contender-SM-1", "by-hand", "", False),
        ("contender-SM-1", "contender-SM-1-0123abcdef", "other", False),
        ("contender2-SM-1", "contender2-SM-1-0123abcdef", "", False),
    ],
)
def test_an_endpoint_is_ours_by_its_name_its_config_and_its_tags(
    name: str, config: str, project: str, ours: bool
) -> None:
    assert list(ENDPOINTS.find(endpoint(name, config, project))) == ([name] if ours else [])


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        (["Updating", "Updating", "InService", "InService"], [("delete_endpoint", "contender-SM-1")]),
        (["Creating", "Deleting", "Deleting"], []),
    ],
)
def test_an_endpoint_that_changes_is_deleted_once_it_rests(statuses: list[str], asked: list[tuple[str, str]]) -> None:
    moments = iter(statuses)
    described = {"EndpointName": "contender-SM-1", "LastModifiedTime": datetime(2026, 1, 1, tzinfo=UTC)}
    sagemaker = Pages(describe_endpoint=lambda request: {**described, "EndpointStatus": next(moments)})
    ENDPOINTS.remove(on(sagemaker=sagemaker), "contender-SM-1")
    assert sagemaker.asked == asked
    assert next(moments, None) is None


def test_schedules_are_ours_by_their_whole_names() -> None:
    names = ["contender-SM-1-data", "contender-SM-1-quality-1", "contender-SM-1-database", "contender2-SM-1-data"]
    listed = {"MonitoringScheduleSummaries": [{"MonitoringScheduleName": name} for name in names]}
    assert list(SCHEDULES.find(on(sagemaker=Pages(list_monitoring_schedules=listed)))) == names[:2]


def test_only_our_variants_stop_being_scaled_and_a_laptop_has_none() -> None:
    targets = [{"ResourceId": f"endpoint/{name}/variant/v1"} for name in ("contender-SM-1", "other-SM-1")]
    scaling = Pages(describe_scalable_targets={"ScalableTargets": targets})
    assert list(SCALED_VARIANTS.find(on(application_autoscaling=scaling))) == ["endpoint/contender-SM-1/variant/v1"]
    assert list(SCALED_VARIANTS.find(on(application_autoscaling=Pages(describe_scalable_targets=refused("400"))))) == []
    with pytest.raises(ClientError):
        list(SCALED_VARIANTS.find(on(application_autoscaling=Pages(describe_scalable_targets=refused("AccessDenied")))))


# ── Stacks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def stack(status: str, *, project: str = "contender", paused: str = "off") -> Any:
    return {
        "Stacks": [
            {
                "StackStatus": status,
                "Tags": [{"Key": "project", "Value": project}],
                "Parameters": [{"ParameterKey": "Paused", "ParameterValue": paused}],
            }
        ]
    }


def test_a_stack_of_another_project_is_refused() -> None:
    with pytest.raises(DeploymentError, match="stack contender-core is tagged with project 'other': it is not ours"):
        list(THE_CORE.find(on(cloudformation=Pages(describe_stacks=stack("CREATE_COMPLETE", project="other")))))


@pytest.mark.parametrize(
    "description",
    [
        stack("DELETE_FAILED"),
        stack("ROLLBACK_COMPLETE"),
        stack("DELETE_IN_PROGRESS"),
        stack("UPDATE_COMPLETE", paused="on"),
        refused("ValidationError"),
    ],
    ids=["deletion failed", "never came to life", "on its way out", "paused already", "not there"],
)
def test_nothing_is_paused_that_stands_still_already(description: Any) -> None:
    cloudformation = Pages(describe_stacks=description)
    assert not pause(on(cloudformation=cloudformation))
    assert cloudformation.asked == []


def test_endpoints_go_while_their_roles_are_there_and_nobody_makes_them_anew() -> None:
    """SageMaker takes an endpoint away with the role of its model, which is the core's."""
    order = list(REMOVERS)
    assert order.index(AROUND_THE_CORE) < order.index(EXECUTIONS) < order.index(ENDPOINTS) < order.index(THE_CORE)


def test_stacks_go_before_the_role_that_a_build_deployed_them_as() -> None:
    """CloudFormation remembers the role, and deletes nothing without it."""
    order = list(REMOVERS)
    assert order.index(DELIVERIES) < order.index(AROUND_THE_CORE) < order.index(THE_CORE) < order.index(THE_DELIVERY)
    around = [f"contender-{kind.name}" for kind in KINDS if kind.name not in ("key", "core", "delivery")]
    assert (
        list(AROUND_THE_CORE.find(on(cloudformation=Pages(describe_stacks=stack("CREATE_COMPLETE"))))) == around[::-1]
    )


# ── Pushes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def delivered(**answers: Any) -> tuple[Project, Pages]:
    codepipeline = Pages(**answers)
    return on(cloudformation=Pages(describe_stacks=stack("CREATE_COMPLETE")), codepipeline=codepipeline), codepipeline


def test_a_push_is_built_no_more_and_a_build_comes_to_its_end() -> None:
    """One that stops already is waited for."""
    statuses = {"new": iter(["InProgress", "Stopping", "Stopped"]), "ending": iter(["Stopping", "Stopping", "Stopped"])}
    project, codepipeline = delivered(
        list_pipeline_executions={
            "pipelineExecutionSummaries": [
                {"pipelineExecutionId": "new", "status": "InProgress"},
                {"pipelineExecutionId": "ending", "status": "Stopping"},
                {"pipelineExecutionId": "old", "status": "Succeeded"},
            ]
        },
        get_pipeline_execution=lambda request: {
            "pipelineExecution": {"status": next(statuses[request["pipelineExecutionId"]])}
        },
    )
    assert hold(project)
    assert [thing.name for thing in remove(project, DELIVERIES, silent)] == ["new", "ending"]
    assert [operation for operation, _ in codepipeline.asked] == ["disable_stage_transition", "stop_pipeline_execution"]
    assert [next(left, None) for left in statuses.values()] == [None, None]


def test_a_project_without_a_delivery_holds_none_up() -> None:
    project = on(cloudformation=Pages(describe_stacks=refused("ValidationError")))
    assert not hold(project)
    assert list(DELIVERIES.find(project)) == []


def test_a_delivery_that_is_half_gone_holds_nothing_up() -> None:
    gone = refused("PipelineNotFoundException")
    project, _ = delivered(disable_stage_transition=gone, list_pipeline_executions=gone)
    assert not hold(project)
    assert list(DELIVERIES.find(project)) == []


# ── Buckets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_object_that_may_not_be_deleted_is_named() -> None:
    s3 = Pages(
        list_object_versions={"Versions": [{"Key": "data/a.csv", "VersionId": "1"}]},
        delete_objects={"Errors": [{"Key": "data/a.csv", "Code": "AccessDenied", "Message": "it is locked"}]},
    )
    with pytest.raises(DeploymentError, match=r"s3://contender-data/data/a\.csv cannot be deleted: it is locked"):
        objects.empty(on(s3=s3), "contender-data")


def test_markers_of_deletion_and_unfinished_uploads_go_too() -> None:
    """A bucket that holds either cannot be deleted."""
    s3 = Pages(
        list_object_versions={
            "Versions": [{"Key": "a", "VersionId": "1", "Size": 1}],
            "DeleteMarkers": [{"Key": "a", "VersionId": "2"}],
        },
        delete_objects=lambda request: deleted.append(request["Delete"]["Objects"]) or {},
        list_multipart_uploads={"Uploads": [{"Key": "b", "UploadId": "3"}]},
    )
    deleted: list[Any] = []
    objects.empty(on(s3=s3), "contender-data")
    assert deleted == [[{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]]
    assert [operation for operation, _ in s3.asked] == ["abort_multipart_upload", "delete_bucket"]


def test_a_bucket_that_is_gone_is_fine() -> None:
    objects.empty(on(s3=Pages(list_object_versions=refused("NoSuchBucket"))), "contender-data")


def test_what_stays_is_read_from_the_templates() -> None:
    body = """
Resources:
  Data:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    Properties: {BucketName: !Sub "${Project}-data-${AWS::AccountId}-${AWS::Region}"}
  Unnamed: {Type: AWS::S3::Bucket, DeletionPolicy: Retain, Properties: {}}
  Scratch: {Type: AWS::DynamoDB::Table, DeletionPolicy: Delete, Properties: {TableName: !Sub "${Project}-scratch"}}
  Tick: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Sub "${Project}-tick"}}
"""
    template = Template(Path("some.yaml"), body)
    kept = replace(on(), templates=(template,)).kept
    assert [(each.logical_id, each.name) for each in kept] == [("Data", "contender-data-000000000000-us-east-1")]
    assert template.functions("contender") == {"contender-tick"}
