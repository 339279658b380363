"""What EventBridge is told, as AWS's own sample events have it."""

from __future__ import annotations

from typing import Any

from tests.local.jobs.conftest import XGBOOST, Machine


def test_a_jobs_event_says_times_in_milliseconds_and_has_its_tags(machine: Machine) -> None:
    described = machine.train("told", Tags=[{"Key": "team", "Value": "churn"}])
    told = [detail for _, detail in machine.events if detail.get("TrainingJobName") == "told"]
    assert {detail["TrainingJobStatus"] for detail in told} == {"InProgress", "Failed"}
    last = told[-1]
    assert last["Tags"] == {"team": "churn"}
    assert last["FailureReason"] == described["FailureReason"]
    assert last["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
    steps = [(each["Status"], each["StartTime"]) for each in described["SecondaryStatusTransitions"]]
    assert [(each["Status"], each["StartTime"]) for each in last["SecondaryStatusTransitions"]] == [
        (status, int(start.timestamp() * 1000)) for status, start in steps
    ]


def test_a_model_packages_event_says_what_it_takes_to_deploy_it(machine: Machine) -> None:
    machine.call("CreateModelPackageGroup", ModelPackageGroupName="told")
    metrics = {"ContentType": "application/json", "S3Uri": "s3://told/evaluation.json"}
    given: dict[str, Any] = {
        "InferenceSpecification": {
            "Containers": [{"Image": XGBOOST, "ModelDataUrl": "s3://told/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": metrics}},
        "MetadataProperties": {"GeneratedBy": "a test"},
    }
    arn = machine.call("CreateModelPackage", ModelPackageGroupName="told", **given)["ModelPackageArn"]
    machine.call("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved")
    told = [detail for _, detail in machine.events if detail.get("ModelPackageArn") == arn]
    assert [detail["ModelApprovalStatus"] for detail in told] == ["PendingManualApproval", "Approved"]
    for detail in told:
        assert {name: detail[name] for name in given} == given
    assert "LastModifiedTime" in told[1]
