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

from contender.local.containers.clarify.config import read_config
from contender.local.containers.clarify.predictor import Predictor, open_model
from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.clarify.analyses import PREDICTOR, Analyse, metrics
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
    pytest.importorskip("sagemaker.core", reason="the program uses the SageMaker SDK")
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


@pytest.fixture
def in_process(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process speaks to the laptop as a job's process does."""
    for name, value in laptop.env().items():
        monkeypatch.setenv(name, value)


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


def test_data_facets_predictions_and_baselines_may_lie_in_s3(
    in_process: None, analyse: Analyse, clients: Clients, bucket: str
) -> None:
    files = {
        "rows/a.csv": "id,age,bought\n1,10,yes\n2,20,no\n",
        "rows/b.csv": "id,age,bought\n3,30,yes\n4,40,no\n",
        "rowsize.csv": "id,age,bought\n5,50,no\n",
        "towns.csv": "id,town\n4,Ulm\n3,Bonn\n2,Ulm\n1,Bonn\n",
        "guesses.csv": "id,guess\n1,yes\n2,yes\n3,yes\n4,no\n",
        "base.csv": "age\n20\n",
    }
    root = f"s3://{bucket}/{PREFIX}-data"
    for name, content in files.items():
        clients("s3").put_object(Bucket=bucket, Key=f"{PREFIX}-data/{name}", Body=content.encode())
    rows = {"dataset_uri": f"{root}/rows", "label": "bought", "joinsource_name_or_index": "id"}
    bias = {
        "label_values_or_threshold": ["yes"],
        "facet": [{"name_or_index": "town", "value_or_threshold": ["Ulm"]}],
        "facet_dataset_uri": f"{root}/towns.csv",
        "predicted_label_dataset_uri": f"{root}/guesses.csv",
        "methods": {"post_training_bias": {"methods": ["DPPL", "AD"]}},
    }
    found = metrics(analyse({**rows, **bias}), "post_training", "town")
    assert found == {"DPPL": 2 / 2 - 1 / 2, "AD": 2 / 2 - 1 / 2}
    shap = {**rows, **PREDICTOR, "methods": {"shap": {"baseline": f"{root}/base.csv"}}}
    explained = analyse(shap, model=lambda row: float(row[0]))["explanations"]["kernel_shap"]["label0"]
    assert explained == {"global_shap_values": {"age": (10 + 0 + 10 + 20) / 4}, "expected_value": 20.0}
    said = analyse.refused({**shap, "dataset_uri": f"{root}/nothing"})
    assert said == f"dataset_uri {root}/nothing does not exist"


def test_a_model_answers_as_an_endpoint_of_it_does(
    in_process: None, clients: Clients, bucket: str, rows: np.ndarray
) -> None:
    endpoints = Endpoints(clients, bucket, f"{PREFIX}-open")
    model = endpoints.model("booster", booster_files())
    endpoints.config("one", {"booster": 1})
    assert endpoints.create("served", "one")["EndpointStatus"] == "InService"
    cells = np.array([[str(value) for value in row] for row in rows], dtype=object)
    scores = []
    for named in ({"model_name": model}, {"endpoint_name": endpoints.name("served")}):
        config = read_config({"dataset_type": "text/csv", "methods": {"shap": {}}, "predictor": named}).predictor
        assert config is not None
        scores.append(Predictor(config, open_model(config), [f"x{n}" for n in range(WIDTH)]).score(cells))
    assert scores[0] == pytest.approx(scores[1])
    assert scores[0][:, 0] == pytest.approx(booster().predict(xgboost.DMatrix(rows)), abs=1e-6)
    clients("sagemaker").delete_endpoint(EndpointName=endpoints.name("served"))
