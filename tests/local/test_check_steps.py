"""QualityCheck and ClarifyCheck steps: which baseline they compare with, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.check_steps import leave, quality_check, register
from tests.local.small_sagemaker import Sagemaker


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    leave(sagemaker, "DataQuality")
    leave(sagemaker, "DataBias")
    yield sagemaker
    sagemaker.close()


def test_compares_with_the_baseline_of_the_latest_approved_version(sagemaker: Sagemaker) -> None:
    register(sagemaker, folder="s3://base/1")
    register(sagemaker, folder="s3://base/2")
    register(sagemaker, "PendingManualApproval", folder="s3://base/3")
    execution = sagemaker.run(quality_check())
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    (request,) = sagemaker.jobs.requests("DataQuality")
    inputs = {each["InputName"]: each["S3Input"] for each in request["ProcessingInputs"]}
    assert set(inputs) == {"dataset", "baseline_statistics", "baseline_constraints"}
    assert inputs["baseline_statistics"]["S3Uri"] == "s3://base/2/statistics.json"
    assert inputs["baseline_statistics"]["LocalPath"] == "/opt/ml/processing/baseline/stats"
    assert inputs["baseline_constraints"]["LocalPath"] == "/opt/ml/processing/baseline/constraints"
    assert request["Environment"]["baseline_statistics"] == "/opt/ml/processing/baseline/stats/statistics.json"
    assert request["Environment"]["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/constraints.json"
    assert request["Environment"]["dataset_format"] == '{"csv": {"header": true}}'
