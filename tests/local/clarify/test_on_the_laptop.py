"""Clarify jobs on a running laptop, started by the unmodified SageMaker SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.serving_models import WIDTH, Endpoints, booster, booster_files, wait_until

PROGRAM = Path(__file__).with_name("sdk_processor.py")
IMPATIENT = Path(__file__).parents[2] / "sdk" / "impatient.py"
PREFIX = "clarify"


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(3).random((60, WIDTH)).round(4)


@pytest.fixture(scope="module")
def jobs(laptop: Laptop, clients: Clients, bucket: str, rows: np.ndarray) -> None:
    """The program has run its jobs."""
    endpoints = Endpoints(clients, bucket, PREFIX)
    model = endpoints.model("booster", booster_files())
    labels = (rows[:, 0] + rows[:, 1] > 1).astype(int)
    lines = "".join(f"{label},{','.join(map(str, row))}\n" for label, row in zip(labels, rows, strict=True))
    clients("s3").put_object(Bucket=bucket, Key=f"{PREFIX}/data.csv", Body=lines.encode())
    done = subprocess.run(
        [sys.executable, str(IMPATIENT), str(PROGRAM), bucket, PREFIX, model],
        env={**os.environ, **laptop.env(), "SAGEMAKER_VALIDATE_ROLE": "false"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def read(clients: Clients, bucket: str, key: str) -> str:
    body: str = clients("s3").get_object(Bucket=bucket, Key=f"{PREFIX}/{key}")["Body"].read().decode()
    return body


def test_bias_of_the_data(jobs: None, clients: Clients, bucket: str, rows: np.ndarray) -> None:
    section = json.loads(read(clients, bucket, "pre/analysis.json"))["pre_training_bias_metrics"]
    group = section["facets"]["x5"][0]
    sensitive = rows[:, 5] > 0.5
    assert group["value_or_threshold"].startswith("(0.5, ")
    assert group["metrics"][0]["value"] == pytest.approx(((~sensitive).sum() - sensitive.sum()) / 60)


def test_bias_and_explanations_of_a_model(jobs: None, clients: Clients, bucket: str, rows: np.ndarray) -> None:
    analysis = json.loads(read(clients, bucket, "both/analysis.json"))
    assert {"pre_training_bias_metrics", "post_training_bias_metrics", "explanations"} < analysis.keys()
    predicted = booster().predict(xgboost.DMatrix(rows)) > 0.6
    sensitive = rows[:, 5] > 0.5
    metrics = {
        each["name"]: each["value"] for each in analysis["post_training_bias_metrics"]["facets"]["x5"][0]["metrics"]
    }
    assert metrics["DPPL"] == pytest.approx(predicted[~sensitive].mean() - predicted[sensitive].mean())
    explained = analysis["explanations"]["kernel_shap"]["label0"]
    ranked = sorted(explained["global_shap_values"], key=explained["global_shap_values"].get, reverse=True)
    assert set(ranked[:2]) == {"x0", "x1"}
    assert {entry["feature_name"] for entry in analysis["explanations"]["pdp"]} == {"x0", "x1"}
    local = np.genfromtxt(read(clients, bucket, "both/explanations_shap/out.csv").splitlines(), delimiter=",")[1:]
    margins = booster().predict(xgboost.DMatrix(rows), output_margin=True)
    assert local.sum(axis=1) + explained["expected_value"] == pytest.approx(margins, abs=1e-4)
    assert "<h1>Analysis Report</h1>" in read(clients, bucket, "both/report.html")


def test_a_model_that_does_not_exist_fails_the_job_in_one_line(jobs: None, clients: Clients) -> None:
    job: dict[str, Any] = {}

    def ended() -> bool:
        job.update(clients("sagemaker").describe_processing_job(ProcessingJobName=f"{PREFIX}-nobody"))
        return job["ProcessingJobStatus"] == "Failed"

    wait_until(ended, "the job fails")
    assert job["ExitMessage"].startswith("ClientError: the model 'nobody' cannot be used: Could not find model")
    assert job["FailureReason"] == f"{job['ExitMessage']}, exit code: 255"
