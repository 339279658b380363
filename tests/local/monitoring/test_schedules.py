"""Schedules and job definitions as resources: created, described, listed, changed, deleted, refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from contender.local.api.errors import ApiError, ResourceInUse, ResourceNotFound, ValidationException
from tests.local.monitoring.watched import CLUSTER, HOURLY, IMAGE, NOW, OUTPUT, ROLE, Watched
from tests.local.small_sagemaker import refused

INLINE = {
    "MonitoringInputs": [{"EndpointInput": {"EndpointName": "shop", "LocalPath": "/opt/ml/processing/input"}}],
    "MonitoringOutputConfig": OUTPUT,
    "MonitoringResources": {"ClusterConfig": CLUSTER},
    "MonitoringAppSpecification": {"ImageUri": IMAGE},
    "RoleArn": ROLE,
}
BATCH = {
    "BatchTransformInput": {
        "DataCapturedDestinationS3Uri": "s3://b/batch",
        "DatasetFormat": {"Csv": {"Header": False}},
        "LocalPath": "/opt/ml/processing/input",
    }
}


def test_a_job_definition_is_described_as_it_was_asked_for(watched: Watched) -> None:
    watched.define("d", StoppingCondition={"MaxRuntimeInSeconds": 600}, Tags=[{"Key": "team", "Value": "shop"}])
    described = watched("DescribeDataQualityJobDefinition", JobDefinitionName="d")
    assert described["JobDefinitionArn"].endswith(":data-quality-job-definition/d")
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 600}
    assert "Tags" not in described
    assert watched("ListTags", ResourceArn=described["JobDefinitionArn"])["Tags"][0]["Value"] == "shop"
    with pytest.raises(ResourceInUse):
        watched.define("d")
    watched("DeleteDataQualityJobDefinition", JobDefinitionName="d")
    for verb in ("Describe", "Delete"):
        with pytest.raises(ResourceNotFound):
            watched(f"{verb}DataQualityJobDefinition", JobDefinitionName="d")


def test_job_definitions_are_listed_by_endpoint_and_name(watched: Watched) -> None:
    watched.endpoint("other")
    for name, endpoint in (("one", "shop"), ("two", "other"), ("three", "shop")):
        watched.define(name, source={"EndpointName": endpoint})

    def names(**request: Any) -> list[str]:
        found = watched("ListDataQualityJobDefinitions", **request)["JobDefinitionSummaries"]
        return [each["MonitoringJobDefinitionName"] for each in found]

    assert names() == ["three", "two", "one"]
    assert names(EndpointName="shop", SortOrder="Ascending") == ["one", "three"]
    assert names(NameContains="TW") == ["two"]
    assert names(SortBy="Name", SortOrder="Ascending", MaxResults=2) == ["one", "three"]


def test_an_endpoint_that_captures_nothing_cannot_be_watched(watched: Watched) -> None:
    watched.endpoint("blind", EnableCapture=False)
    for name in ("blind", "nobody"):
        said = refused(partial(watched.define, source={"EndpointName": name}))
        assert f"Endpoint '{name}' does not exist or is not valid" in said


def test_a_schedule_is_described_listed_and_deleted(watched: Watched) -> None:
    watched.define()
    watched.schedule("hourly", HOURLY, Tags=[{"Key": "a", "Value": "b"}])
    described = watched("DescribeMonitoringSchedule", MonitoringScheduleName="hourly")
    assert described["MonitoringScheduleArn"].endswith(":monitoring-schedule/hourly")
    assert (described["MonitoringScheduleStatus"], described["MonitoringType"]) == ("Scheduled", "DataQuality")
    assert described["EndpointName"] == "shop"
    assert described["MonitoringScheduleConfig"]["ScheduleConfig"] == HOURLY
    assert "LastMonitoringExecutionSummary" not in described
    (summary,) = watched("ListMonitoringSchedules")["MonitoringScheduleSummaries"]
    assert summary["MonitoringJobDefinitionName"] == "d"
    with pytest.raises(ResourceInUse):
        watched.schedule("hourly", HOURLY)
    watched("DeleteMonitoringSchedule", MonitoringScheduleName="hourly")
    for verb in ("Describe", "Start", "Stop", "Delete"):
        with pytest.raises(ResourceNotFound, match="monitoring-schedule/hourly not found"):
            watched(f"{verb}MonitoringSchedule", MonitoringScheduleName="hourly")
    assert watched("ListTags", ResourceArn=described["MonitoringScheduleArn"])["Tags"] == []


def test_a_definition_may_stand_in_the_schedule(watched: Watched) -> None:
    watched(
        "CreateMonitoringSchedule",
        MonitoringScheduleName="inline",
        MonitoringScheduleConfig={"MonitoringJobDefinition": INLINE},
    )
    described = watched("DescribeMonitoringSchedule", MonitoringScheduleName="inline")
    assert (described["MonitoringType"], described["EndpointName"]) == ("DataQuality", "shop")


def test_schedules_are_listed_by_what_they_are_about(watched: Watched) -> None:
    watched.endpoint("other")
    watched.define("d")
    watched.define("e", source={"EndpointName": "other"})
    watched.schedule("one", HOURLY, "d")
    watched.schedule("two", HOURLY, "e")
    watched("StopMonitoringSchedule", MonitoringScheduleName="two")

    def names(**request: Any) -> list[str]:
        found = watched("ListMonitoringSchedules", **request)["MonitoringScheduleSummaries"]
        return [each["MonitoringScheduleName"] for each in found]

    assert names() == ["two", "one"]
    assert names(EndpointName="other") == ["two"]
    assert names(MonitoringJobDefinitionName="d") == ["one"]
    assert names(StatusEquals="Stopped") == ["two"]
    assert names(MonitoringTypeEquals="ModelQuality") == []
    assert names(SortBy="Status", SortOrder="Ascending") == ["one", "two"]
    assert names(LastModifiedTimeAfter=watched.clock()) == []
    first = watched("ListMonitoringSchedules", MaxResults=1)
    assert names(MaxResults=1, NextToken=first["NextToken"]) == ["one"]


def test_an_update_moves_a_schedule_to_another_definition_and_time(watched: Watched) -> None:
    watched.define("d")
    watched.define("e")
    watched.schedule("s", HOURLY)
    config = {
        "MonitoringJobDefinitionName": "e",
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
    }
    watched("UpdateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=config)
    described = watched("DescribeMonitoringSchedule", MonitoringScheduleName="s")
    assert described["MonitoringScheduleConfig"] == config
    assert described["LastModifiedTime"] > described["CreationTime"]
    watched("DeleteDataQualityJobDefinition", JobDefinitionName="d")
    watched.define("batch", inputs=BATCH)
    config = {"MonitoringJobDefinitionName": "batch", "MonitoringType": "DataQuality", "ScheduleConfig": HOURLY}
    watched("UpdateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=config)
    assert "EndpointName" not in watched("DescribeMonitoringSchedule", MonitoringScheduleName="s")
    with pytest.raises(ResourceNotFound):
        watched("UpdateMonitoringSchedule", MonitoringScheduleName="nobody", MonitoringScheduleConfig=config)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "needs either a MonitoringJobDefinition or a MonitoringJobDefinitionName"),
        (
            {"MonitoringJobDefinition": INLINE, "MonitoringJobDefinitionName": "d", "MonitoringType": "DataQuality"},
            "needs either",
        ),
        ({"MonitoringJobDefinitionName": "d"}, "MonitoringType is required"),
        ({"MonitoringJobDefinitionName": "nobody", "MonitoringType": "DataQuality"}, "definition 'nobody'"),
        ({"MonitoringJobDefinitionName": "d", "MonitoringType": "ModelQuality"}, "Could not find the ModelQuality"),
        (
            {"MonitoringJobDefinitionName": "d", "MonitoringType": "ModelBias"},
            "ModelBias does not run on this machine; DataQuality and ModelQuality do",
        ),
        ({"MonitoringJobDefinition": INLINE, "MonitoringType": "ModelQuality"}, "CreateModelQualityJobDefinition"),
        (
            {
                "MonitoringJobDefinition": {**INLINE, "StoppingCondition": {"MaxRuntimeInSeconds": 3601}},
                "ScheduleConfig": HOURLY,
            },
            "MaxRuntimeInSeconds 3601 is longer than this schedule leaves its DataQuality jobs: at most 3600",
        ),
    ],
)
def test_a_schedule_that_aws_refuses(watched: Watched, config: dict[str, Any], said: str) -> None:
    watched.define("d")
    create = partial(watched, "CreateMonitoringSchedule", MonitoringScheduleName="s", MonitoringScheduleConfig=config)
    assert said in refused(create)
    assert watched("ListMonitoringSchedules")["MonitoringScheduleSummaries"] == []


def test_an_operation_for_a_type_that_does_not_run_here_is_named(watched: Watched) -> None:
    with pytest.raises(ApiError, match="does not run the operation ListModelBiasJobDefinitions"):
        watched("ListModelBiasJobDefinitions")


def test_what_a_schedule_uses_stays(watched: Watched) -> None:
    watched.define("d")
    watched.schedule("s", NOW)
    said = refused(lambda: watched("DeleteDataQualityJobDefinition", JobDefinitionName="d"))
    assert "'d' is used by the monitoring schedules s; delete them first" in said
    with pytest.raises(ValidationException, match="the monitoring schedules s watch it; delete them first"):
        watched("DeleteEndpoint", EndpointName="shop")
