"""Monitoring of what transform jobs read, which they capture as manifests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.monitoring.watched import NOW, Watched
from tests.local.small_sagemaker import refused


def batch(**more: Any) -> dict[str, Any]:
    return {
        "BatchTransformInput": {
            "DataCapturedDestinationS3Uri": "s3://b/batch",
            "DatasetFormat": {"Csv": {"Header": False}},
            "LocalPath": "/opt/ml/processing/input",
            **more,
        }
    }


def test_the_manifests_of_the_window_are_the_jobs_inputs(watched: Watched) -> None:
    watched.define(inputs=batch())
    watched.aws.s3.keys |= {
        "batch/input/2026/03/01/12/one.json",
        "batch/input/2026/03/01/12/two.json",
        "batch/input/2026/03/01/09/old.json",
        "batch/output/2026/03/01/12/one.json",
    }
    watched.schedule("s", NOW)
    watched.run_due()
    assert watched("DescribeMonitoringSchedule", MonitoringScheduleName="s").get("EndpointName") is None
    job = watched.job(watched.jobs.started[0])
    inputs = [each["S3Input"] for each in job["ProcessingInputs"]]
    assert [(each["S3DataType"], each["S3Uri"], each["LocalPath"]) for each in inputs] == [
        (
            "ManifestFile",
            f"s3://b/batch/input/2026/03/01/12/{name}.json",
            f"/opt/ml/processing/input/2026/03/01/12/{name}",
        )
        for name in ("one", "two")
    ]
    assert json.loads(job["Environment"]["dataset_format"]) == {"csv": {"header": False}}
    assert "sagemaker_endpoint_name" not in job["Environment"]
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://b/reports/s/2026/03/01/12"


def test_an_hour_without_a_transform_job_has_no_data(watched: Watched) -> None:
    watched.define(inputs=batch())
    watched.schedule("s", NOW)
    watched.run_due()
    assert watched.executions()[0]["FailureReason"] == "Job inputs had no data"


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        ("DataQuality", batch(DatasetFormat={}), "DatasetFormat needs one of Csv, Json and Parquet"),
        ("ModelQuality", {**batch(), "GroundTruthS3Input": {"S3Uri": "s3://b/l"}}, "they write no inference ids"),
        (
            "DataQuality",
            {**batch(), "EndpointInput": {"EndpointName": "shop", "LocalPath": "/opt/ml/processing/input"}},
            "either an EndpointInput or a BatchTransformInput",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused(watched: Watched, kind: str, inputs: dict[str, Any], said: str) -> None:
    assert said in refused(lambda: watched.define("d", kind, inputs=inputs))
