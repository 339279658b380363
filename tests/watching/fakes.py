"""The clients that the watcher and the drift function use, in memory; requests are checked by botocore's model."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.lambdas.fakes import Fake, client_error, operation
from tests.lambdas.fakes.account import Account
from tests.lambdas.fakes.hosting import Hosting
from tests.lambdas.fakes.registry import Registry

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Pages(Fake):
    """One page for everything."""

    def get_paginator(self, name: str) -> Any:
        method = getattr(self, name)

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                yield method(**request)

        return Paginator()


class FakeS3(Pages):
    service = "s3"

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        super().__init__()
        self.objects = dict(objects)

    @operation
    def get_object(self, **request: Any) -> Any:
        body = self.objects.get(f"{request['Bucket']}/{request['Key']}")
        if body is None:
            raise client_error("GetObject", "NoSuchKey", "there is none", 404)
        return {"Body": io.BytesIO(body)}

    @operation
    def put_object(self, **request: Any) -> dict[str, Any]:
        self.objects[f"{request['Bucket']}/{request['Key']}"] = request["Body"]
        return {}

    @operation
    def head_object(self, **request: Any) -> dict[str, Any]:
        body = self.objects[f"{request['Bucket']}/{request['Key']}"]
        return {"ETag": f'"{len(body)}"', "VersionId": f"version-{len(body)}"}

    @operation
    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """Each object is a second younger than the one put before it."""
        start = f"{request['Bucket']}/{request['Prefix']}"
        return {
            "Contents": [
                {"Key": place.partition("/")[2], "LastModified": NOW + timedelta(seconds=age)}
                for age, place in enumerate(self.objects)
                if place.startswith(start)
            ]
        }


class FakeSns(Fake):
    service = "sns"

    @operation
    def publish(self, **request: Any) -> dict[str, Any]:
        return {"MessageId": "1"}


class FakeCloudWatch(Pages):
    service = "cloudwatch"

    def __init__(self) -> None:
        super().__init__()
        self.alarms: dict[str, dict[str, Any]] = {}

    @operation
    def put_metric_data(self, **request: Any) -> None:
        return None

    @operation
    def put_metric_alarm(self, **request: Any) -> None:
        """What MiniStack keeps of an alarm: its queries are not told again."""
        self.alarms[request["AlarmName"]] = {key: value for key, value in request.items() if key != "Metrics"}

    @operation
    def delete_alarms(self, **request: Any) -> None:
        for name in request["AlarmNames"]:
            self.alarms.pop(name, None)

    @operation
    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        found = [alarm for name, alarm in self.alarms.items() if name.startswith(request["AlarmNamePrefix"])]
        return {"MetricAlarms": found}

    def measured(self, name: str) -> list[float]:
        data = (datum for request in self.made("PutMetricData") for datum in request["MetricData"])
        return [datum["Value"] for datum in data if datum["MetricName"] == name]


class FakeScaling(Pages):
    service = "application-autoscaling"

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.absent = False

    @operation
    def describe_scalable_targets(self, **request: Any) -> dict[str, Any]:
        if self.absent:
            raise client_error("DescribeScalableTargets", "400", "")
        return {
            "ScalableTargets": [{**target, "RoleARN": "arn", "CreationTime": NOW} for target in self.targets.values()]
        }

    @operation
    def describe_scaling_policies(self, **request: Any) -> dict[str, Any]:
        if self.absent:
            raise client_error("DescribeScalingPolicies", "400", "")
        return {
            "ScalingPolicies": [
                {**policy, "PolicyARN": "arn", "CreationTime": NOW} for policy in self.policies.values()
            ]
        }

    @operation
    def register_scalable_target(self, **request: Any) -> dict[str, Any]:
        self.targets[request["ResourceId"]] = request
        return {}

    @operation
    def put_scaling_policy(self, **request: Any) -> dict[str, Any]:
        self.policies[request["ResourceId"]] = request
        return {"PolicyARN": "arn"}

    @operation
    def deregister_scalable_target(self, **request: Any) -> dict[str, Any]:
        if self.absent:
            raise client_error("DeregisterScalableTarget", "400", "")
        if self.targets.pop(request["ResourceId"], None) is None:
            raise client_error("DeregisterScalableTarget", "ObjectNotFoundException", "there is none")
        self.policies.pop(request["ResourceId"], None)
        return {}


class Schedules(Account):
    """SageMaker's monitoring: definitions by kind, schedules, and the processing jobs that a test sets up."""

    def __init__(self) -> None:
        super().__init__()
        self.schedules: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pipeline = ""

    @operation
    def describe_pipeline(self, **request: Any) -> dict[str, Any]:
        if not self.pipeline:
            self._fail("DescribePipeline", "ResourceNotFound", "there is none")
        return {"PipelineDefinition": self.pipeline}

    @operation
    def describe_processing_job(self, **request: Any) -> Any:
        return self.jobs[request["ProcessingJobName"]]

    @operation
    def create_data_quality_job_definition(self, **request: Any) -> dict[str, Any]:
        name = request["JobDefinitionName"]
        if name in self.definitions:
            self._fail("CreateDataQualityJobDefinition", "ResourceInUse", "it exists")
        self.definitions[name] = request
        return {"JobDefinitionArn": self.arn(f"data-quality-job-definition/{name}")}

    @operation
    def delete_data_quality_job_definition(self, **request: Any) -> None:
        name = request["JobDefinitionName"]
        users = [each["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] for each in self.schedules.values()]
        assert name not in users, "a schedule names it"
        if self.definitions.pop(name, None) is None:
            self._fail("DeleteDataQualityJobDefinition", "ResourceNotFound", "there is none")

    @operation
    def list_data_quality_job_definitions(self, **request: Any) -> dict[str, Any]:
        return {
            "JobDefinitionSummaries": [
                {
                    "MonitoringJobDefinitionName": name,
                    "MonitoringJobDefinitionArn": self.arn(f"data-quality-job-definition/{name}"),
                    "CreationTime": NOW,
                    "EndpointName": "any",
                }
                for name in self.definitions
                if request["NameContains"] in name
            ]
        }

    @operation
    def list_model_quality_job_definitions(self, **request: Any) -> dict[str, Any]:
        return {"JobDefinitionSummaries": []}

    @operation
    def create_monitoring_schedule(self, **request: Any) -> dict[str, Any]:
        name = request["MonitoringScheduleName"]
        if name in self.schedules:
            self._fail("CreateMonitoringSchedule", "ResourceInUse", "it exists")
        assert request["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"] in self.definitions
        self.schedules[name] = request
        return {"MonitoringScheduleArn": self.arn(f"monitoring-schedule/{name}")}

    @operation
    def update_monitoring_schedule(self, **request: Any) -> dict[str, Any]:
        self._interfere("UpdateMonitoringSchedule")
        self.schedules[request["MonitoringScheduleName"]] = request
        return {"MonitoringScheduleArn": self.arn("monitoring-schedule/any")}

    @operation
    def delete_monitoring_schedule(self, **request: Any) -> None:
        self._interfere("DeleteMonitoringSchedule")
        if self.schedules.pop(request["MonitoringScheduleName"], None) is None:
            self._fail("DeleteMonitoringSchedule", "ResourceNotFound", "there is none")

    @operation
    def list_monitoring_schedules(self, **request: Any) -> dict[str, Any]:
        return {
            "MonitoringScheduleSummaries": [
                {
                    "MonitoringScheduleName": name,
                    "MonitoringScheduleArn": self.arn(f"monitoring-schedule/{name}"),
                    "CreationTime": NOW,
                    "LastModifiedTime": NOW,
                    "MonitoringScheduleStatus": "Scheduled",
                    "MonitoringJobDefinitionName": each["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"],
                }
                for name, each in self.schedules.items()
                if request["NameContains"] in name
            ]
        }


class FakeSageMaker(Registry, Hosting, Schedules):
    """The registry, hosting and monitoring of one account."""


def pipeline(image: str) -> str:
    """A definition with the check that tells the analyser's image."""
    step = {"Name": "DataQuality", "Type": "QualityCheck", "Arguments": {"AppSpecification": {"ImageUri": image}}}
    return json.dumps({"Steps": [{"Name": "Train", "Type": "Training", "Arguments": {}}, step]})
