"""An endpoint of which there is as much to read as there can be: its page stays within what a page may ask."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from contender.config import Settings
from contender.naming import Names
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from tests.studio.recorded import NOTHING, Answer, clients

MOST_CALLS = 30
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SETTINGS = Settings.model_validate(
    {"project": "busy", "monitoring": {"enabled": True}, "endpoint": {"data_capture_percent": 100}}
)
NAMES = Names("busy")
ENDPOINT = NAMES.endpoint("A")
CONFIGS = [NAMES.config("A", ["v1", f"v{number}"]) for number in range(2, 9)]
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
VARIANTS = ("v1", "v2")


def endpoint(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"{ARN}:endpoint/{ENDPOINT}",
        "EndpointConfigName": CONFIGS[0],
        "EndpointStatus": "InService",
        "CreationTime": NOON,
        "LastModifiedTime": NOON,
        "ProductionVariants": [
            {"VariantName": name, "CurrentWeight": 0.5, "DesiredWeight": 0.5, "CurrentInstanceCount": 1}
            for name in VARIANTS
        ],
    }


def config(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "EndpointConfigName": request["EndpointConfigName"],
        "EndpointConfigArn": f"{ARN}:endpoint-config/{request['EndpointConfigName']}",
        "CreationTime": NOON,
        "ProductionVariants": [
            {
                "VariantName": name,
                "ModelName": NAMES.model("A", number),
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "InitialVariantWeight": 0.5,
            }
            for number, name in enumerate(VARIANTS, 1)
        ],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://artifacts/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    }


def schedule(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The last execution of each kind found violations."""
    name = request["MonitoringScheduleName"]
    return {
        "MonitoringScheduleName": name,
        "LastMonitoringExecutionSummary": {
            "MonitoringScheduleName": name,
            "MonitoringExecutionStatus": "CompletedWithViolations",
            "ScheduledTime": NOON,
            "ProcessingJobArn": f"{ARN}:processing-job/{name}",
        },
    }


def job(request: Mapping[str, Any]) -> Mapping[str, Any]:
    name = request["ProcessingJobName"]
    return {
        "ProcessingJobName": name,
        "ProcessingJobArn": f"{ARN}:processing-job/{name}",
        "ProcessingJobStatus": "Completed",
        "MonitoringScheduleArn": f"{ARN}:monitoring-schedule/{name}",
        "ProcessingInputs": [{"InputName": "baseline", "S3Input": {"S3Uri": f"s3://artifacts/{name}/baseline.json"}}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "r", "S3Output": {"S3Uri": f"s3://artifacts/{name}"}}]},
        "ProcessingEndTime": NOON,
    }


def listed(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Captured today, many files in an hour."""
    if "Delimiter" in request:
        return {"CommonPrefixes": [{"Prefix": f"{request['Prefix']}{hour:02}/"} for hour in range(12)]}
    return {"Contents": [{"Key": f"{request['Prefix']}{minute:02}-00.jsonl", "Size": 900} for minute in range(59)]}


def read(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A file with a single request, or a report."""
    key = request["Key"]
    if key.endswith("constraint_violations.json"):
        check = "missing_column_check" if "quality" in key else "baseline_drift_check"
        violation = {"feature_name": "age", "constraint_check_type": check, "description": "Something is otherwise."}
        body: Mapping[str, Any] = {"violations": [violation]}
    elif key.endswith(".json"):
        mean = 3.5 if key.endswith("statistics.json") else 2.5
        body = {"features": [{"name": "age", "numerical_statistics": {"mean": mean}}]}
    else:
        at = (NOON - timedelta(minutes=5)).isoformat()
        data = {"endpointInput": {"data": "1,2"}, "endpointOutput": {"data": "0.5"}}
        body = {"captureData": data, "eventMetadata": {"inferenceTime": at}}
    return {"Body": io.BytesIO(json.dumps(body).encode())}


ANSWERS: Mapping[str, Answer] = {
    **NOTHING,
    "DescribeEndpoint": endpoint,
    "DescribeEndpointConfig": config,
    "ListEndpointConfigs": {"EndpointConfigs": [{"EndpointConfigName": name} for name in CONFIGS]},
    "ListModelPackages": {"ModelPackageSummaryList": []},
    "GetItem": {},
    "DescribeMonitoringSchedule": schedule,
    "DescribeProcessingJob": job,
    "ListObjectsV2": listed,
    "GetObject": read,
}


def test_an_endpoint_with_all_that_can_be_read_asks_thirty_times_at_most() -> None:
    asked: Counter[str] = Counter()

    def counted(name: str, answer: Answer) -> Answer:
        def count(request: Mapping[str, Any]) -> Mapping[str, Any]:
            asked[name] += 1
            assert not isinstance(answer, Exception)
            return answer(request) if callable(answer) else answer

        return count

    connect = clients({name: counted(name, answer) for name, answer in ANSWERS.items()})
    desk = Desk(SETTINGS, Clients(connect, "us-east-1"), clock=lambda: NOON)
    page = TestClient(studio(desk, Access()), base_url="http://127.0.0.1").get("/dimensions/A/endpoint")
    assert page.status_code == 200, page.text
    assert "age rose, its mean from 2.5 to 3.5" in page.text
    assert asked["DescribeProcessingJob"] == 2
    assert page.text.count("1,2") == len(VARIANTS), "a request of each"
    assert asked.total() <= MOST_CALLS, asked


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
