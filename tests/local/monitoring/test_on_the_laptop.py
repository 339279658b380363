"""Monitoring on a running laptop, set up by the unmodified SageMaker SDK: drift is found, and a model gone worse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.serving_models import WIDTH, Endpoints, booster, booster_files, wait_until

PROGRAM = Path(__file__).with_name("sdk_monitors.py")
IMPATIENT = Path(__file__).parents[2] / "sdk" / "impatient.py"
ENDPOINT = "watched-shop"
BEFORE, AFTER = 400, 120
UNLABELLED = 20
SHIFT = 0.4
"""What is added to column 1, which the model does not expect; the labels do not follow it."""


def csv(rows: Any) -> str:
    return "".join(",".join(f"{value:.6g}" for value in row) + "\n" for row in rows)


def capture(bucket: str) -> dict[str, Any]:
    return {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/watched/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }


@pytest.fixture(scope="module")
def there(clients: Clients, bucket: str) -> Endpoints:
    """An endpoint that answered rows with a shifted column, labels for most of them, and what there was before."""
    there = Endpoints(clients, bucket, "watched")
    there.model("v1", booster_files())
    there.config("shop", {"v1": 1}, DataCaptureConfig=capture(bucket))
    there.create("shop", "shop")
    rows = np.random.default_rng(5).random((BEFORE + AFTER, WIDTH)).round(4)
    truth = (rows[:, 0] + rows[:, 1] > 1).astype(int)
    rows[BEFORE:, 1] += SHIFT
    predicted = booster().predict(xgboost.DMatrix(rows))

    def put(key: str, body: str) -> None:
        clients("s3").put_object(Bucket=bucket, Key=f"watched/{key}", Body=body.encode())

    put("rows.csv", csv(np.column_stack([predicted, rows])[:BEFORE]))
    put("predictions.csv", "probability,label\n" + csv(np.column_stack([predicted, truth])[:BEFORE]))
    for number, row in enumerate(rows[BEFORE:]):
        there.invoke("shop", csv([row]), InferenceId=f"order-{number}")
    hour = f"{datetime.now(UTC):%Y/%m/%d/%H}"
    labels = [
        {
            "groundTruthData": {"data": str(label), "encoding": "CSV"},
            "eventMetadata": {"eventId": f"order-{number}"},
            "eventVersion": "0",
        }
        for number, label in enumerate(truth[BEFORE + UNLABELLED :], UNLABELLED)
    ]
    put(f"labels/{hour}/labels.jsonl", "".join(json.dumps(each) + "\n" for each in labels))

    def captured() -> bool:
        page = there.s3.list_objects_v2(Bucket=bucket, Prefix=f"watched/captured/{ENDPOINT}/v1/")
        bodies = (there.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"] for item in page.get("Contents", ()))
        return sum(body.read().count(b"\n") for body in bodies) == AFTER

    wait_until(captured, "everything is captured")
    return there


@pytest.fixture(scope="module")
def said(laptop: Laptop, there: Endpoints) -> dict[str, Any]:
    """What the program printed."""
    pytest.importorskip("sagemaker.core", reason="the program uses the SageMaker SDK")
    done = subprocess.run(
        [sys.executable, str(IMPATIENT), str(PROGRAM), there.bucket, "watched", ENDPOINT],
        env={**os.environ, **laptop.env(), "SAGEMAKER_VALIDATE_ROLE": "false"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found


def test_a_column_that_drifted_is_named(said: dict[str, Any]) -> None:
    assert said["data"]["MonitoringExecutionStatus"] == "CompletedWithViolations"
    assert said["data rows"] == AFTER
    drifted = {each["feature_name"] for each in said["data violations"]}
    assert "_c2" in drifted  # the answer is column 0
    assert not drifted & {"_c1", "_c3", "_c4", "_c5", "_c6"}
    (job,) = said["data jobs"]
    assert job.startswith("model-monitoring-")
    assert said["stopped"] == "Stopped"


def test_a_model_that_got_worse_is_noticed_once_labels_are_there(said: dict[str, Any]) -> None:
    assert said["quality"]["MonitoringExecutionStatus"] == "CompletedWithViolations"
    assert said["quality rows"] == AFTER - UNLABELLED
    worse = {each["metric_name"] for each in said["quality violations"]}
    assert {"accuracy", "false_positive_rate"} <= worse


def test_the_merge_says_what_was_left_over(said: dict[str, Any], clients: Clients, there: Endpoints) -> None:
    (job,) = said["quality jobs"]
    merge = job.replace("model-quality-monitoring", "groundtruth-merge")
    described = clients("sagemaker").describe_processing_job(ProcessingJobName=merge)
    assert described["MonitoringScheduleArn"].endswith(f":monitoring-schedule/{ENDPOINT}-quality")
    assert described["ExitMessage"] == (
        "Completed: merged 100 of 120 captured requests with their labels; 20 have no label yet, "
        "0 of 100 labels are of no request captured in these hours"
    )
    page = there.s3.list_objects_v2(Bucket=there.bucket, Prefix="watched/reports/merge/")
    key = page["Contents"][0]["Key"]
    first = json.loads(there.s3.get_object(Bucket=there.bucket, Key=key)["Body"].read().splitlines()[0])
    assert set(first) == {"eventVersion", "groundTruthData", "captureData", "eventMetadata"}
    assert key.startswith(f"watched/reports/merge/{ENDPOINT}/v1/{datetime.now(UTC):%Y/}")


def test_metrics_are_published_as_awss_image_does(said: dict[str, Any], clients: Clients) -> None:
    def metrics(kind: str, schedule: str) -> set[str]:
        dimensions = [{"Name": "Endpoint", "Value": ENDPOINT}, {"Name": "MonitoringSchedule", "Value": schedule}]
        namespace = f"aws/sagemaker/Endpoints/{kind}-metrics"
        found = clients("cloudwatch").list_metrics(Namespace=namespace, Dimensions=dimensions)["Metrics"]
        return {each["MetricName"] for each in found}

    assert {"feature_baseline_drift__c2", "feature_data__c2", "feature_non_null__c2"} <= metrics(
        "data", f"{ENDPOINT}-data"
    )
    assert {"auc", "accuracy", "f1"} <= metrics("model", f"{ENDPOINT}-quality")
