"""A `kill -9` of the server during an execution: it ends as interrupted, and the schedule goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.jobs.runner import INTERRUPTED
from contender.local.launcher.laptop import Ports
from tests.local.monitoring.watched import CLUSTER, NOW
from tests.local.serving_models import ROLE, script_files, wait_until
from tests.local.test_endpoints_durable import Home

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
OUTPUT = {"S3Uri": "s3://test-bucket/reports", "LocalPath": "/opt/ml/processing/output"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


def config(endpoint: str, code: str) -> dict[str, Any]:
    """A schedule that runs a container of one's own, at once."""
    return {
        "ScheduleConfig": NOW,
        "MonitoringJobDefinition": {
            "MonitoringInputs": [{"EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/in"}}],
            "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": OUTPUT}]},
            "MonitoringResources": {"ClusterConfig": CLUSTER},
            "MonitoringAppSpecification": {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", "-c", code]},
            "RoleArn": ROLE,
        },
    }


def test_a_killed_execution_ends_and_the_next_one_runs(home: Home) -> None:
    there, sagemaker = home.there, home.clients("sagemaker")
    there.model("a", script_files())
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://test-bucket/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    there.config("a", {"a": 1}, DataCaptureConfig=capture)
    there.create("a", "a")
    there.invoke("a")
    wait_until(lambda: there.s3.list_objects_v2(Bucket="test-bucket", Prefix="captured/")["KeyCount"] > 0, "captured")

    def statuses() -> list[str]:
        found = sagemaker.list_monitoring_executions(MonitoringScheduleName="s", SortOrder="Ascending")
        return [each["MonitoringExecutionStatus"] for each in found["MonitoringExecutionSummaries"]]

    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="s", MonitoringScheduleConfig=config(there.name("a"), "import time; time.sleep(60)")
    )
    wait_until(lambda: statuses() == ["InProgress"], "it runs")
    home.kill_server()
    home.laptop.up(Ports(aws=0, sagemaker=0, runtime=0))
    (killed,) = sagemaker.list_monitoring_executions(MonitoringScheduleName="s")["MonitoringExecutionSummaries"]
    assert (killed["MonitoringExecutionStatus"], killed["FailureReason"]) == ("Failed", INTERRUPTED)
    sagemaker.update_monitoring_schedule(
        MonitoringScheduleName="s", MonitoringScheduleConfig=config(there.name("a"), "print('fine')")
    )
    wait_until(lambda: statuses() == ["Failed", "Completed"], "the next one ran")
