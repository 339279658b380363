"""Monitoring schedules and their job definitions through the AWS CLI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import ARN, CLUSTER
from tests.local.serving_models import ROLE, Endpoints, script_files, wait_until

IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
KINDS = ("DataQuality", "ModelQuality")
WATCHED = "cli-watched"


def definition(kind: str, bucket: str) -> dict[str, Any]:
    """The options of create-data-quality-job-definition and its like."""
    short = xform_name(kind)
    source = {"EndpointName": WATCHED, "LocalPath": "/opt/ml/processing/input/endpoint", "InferenceAttribute": "0"}
    labels = {"GroundTruthS3Input": {"S3Uri": f"s3://{bucket}/cli/labels"}} if kind == "ModelQuality" else {}
    output = {"S3Uri": f"s3://{bucket}/cli/reports", "LocalPath": "/opt/ml/processing/output"}
    return {
        "job_definition_name": f"cli-{kind}",
        f"{short}_app_specification": {"ImageUri": IMAGE, **({"ProblemType": "Regression"} if labels else {})},
        f"{short}_job_input": {"EndpointInput": source, **labels},
        f"{short}_job_output_config": {"MonitoringOutputs": [{"S3Output": output}]},
        "job_resources": {"ClusterConfig": CLUSTER},
        "role_arn": ROLE,
    }


def config(kind: str, expression: str, **window: str) -> dict[str, Any]:
    return {
        "MonitoringJobDefinitionName": f"cli-{kind}",
        "MonitoringType": kind,
        "ScheduleConfig": {"ScheduleExpression": expression, **window},
    }


def operation(verb: str, kind: str, plural: str = "") -> str:
    return f"{verb}-{xform_name(kind, '-')}-job-definition{plural}"


def test_schedules_and_their_definitions(
    aws: AwsCli, archives: Endpoints, bucket: str, clients: Callable[[str], Any]
) -> None:
    archives.model("watched", script_files())
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/cli/captured",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    }
    archives.config("watched", {"watched": 1}, DataCaptureConfig=capture)
    archives.create("watched", "watched")

    aws.together(*(ask(operation("create", kind), **definition(kind, bucket)) for kind in KINDS))
    hourly, once = "cron(0 * ? * * *)", {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    aws.together(
        *(
            ask(
                "create-monitoring-schedule",
                monitoring_schedule_name=f"cli-{kind}",
                monitoring_schedule_config=config(kind, hourly),
            )
            for kind in KINDS
        )
    )
    aws("stop-monitoring-schedule", monitoring_schedule_name="cli-DataQuality")
    aws(
        "update-monitoring-schedule",
        monitoring_schedule_name="cli-DataQuality",
        monitoring_schedule_config=config("DataQuality", "NOW", **once),
    )
    aws("start-monitoring-schedule", monitoring_schedule_name="cli-DataQuality")

    def over() -> bool:
        described = clients("sagemaker").describe_monitoring_schedule(MonitoringScheduleName="cli-DataQuality")
        summary = described.get("LastMonitoringExecutionSummary", {})
        return summary.get("MonitoringExecutionStatus") == "Failed"

    wait_until(over, "the execution is over: nothing was captured")
    described, executions, schedules, *found = aws.together(
        ask("describe-monitoring-schedule", monitoring_schedule_name="cli-DataQuality"),
        ask("list-monitoring-executions", monitoring_schedule_name="cli-DataQuality"),
        ask("list-monitoring-schedules", endpoint_name=WATCHED, sort_by="Name", sort_order="Ascending"),
        *(ask(operation("list", kind, "s"), endpoint_name=WATCHED) for kind in KINDS),
        *(ask(operation("describe", kind), job_definition_name=f"cli-{kind}") for kind in KINDS),
    )
    (execution,) = executions["MonitoringExecutionSummaries"]
    assert described["LastMonitoringExecutionSummary"] == execution
    assert execution["FailureReason"] == "Job inputs had no data"
    names = [each["MonitoringScheduleName"] for each in schedules["MonitoringScheduleSummaries"]]
    assert names == ["cli-DataQuality", "cli-ModelQuality"]
    listed, definitions = found[:2], found[2:]
    assert [len(each["JobDefinitionSummaries"]) for each in listed] == [1, 1]
    for kind, each in zip(KINDS, definitions, strict=True):
        assert each["JobDefinitionArn"] == f"{ARN}:{xform_name(kind, '-')}-job-definition/cli-{kind}"

    aws.together(*(ask("delete-monitoring-schedule", monitoring_schedule_name=f"cli-{kind}") for kind in KINDS))
    aws.together(*(ask(operation("delete", kind), job_definition_name=f"cli-{kind}") for kind in KINDS))
    (gone,) = aws.refused(ask("describe-monitoring-schedule", monitoring_schedule_name="cli-DataQuality"))
    assert gone == (
        "An error occurred (ResourceNotFound) when calling the DescribeMonitoringSchedule operation:"
        f" Monitoring Schedule {ARN}:monitoring-schedule/cli-DataQuality not found"
    )
    clients("sagemaker").delete_endpoint(EndpointName=WATCHED)
