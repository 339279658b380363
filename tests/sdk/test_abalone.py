"""The abalone pipeline of the SDK's documentation: created, run three times and deleted by the SDK alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Clients
from tests.sdk.conftest import Run

NAME = "sdk-abalone"


@pytest.fixture(scope="module")
def seen(run_program: Run, abalones: str) -> dict[str, Any]:
    return run_program("abalone/pipeline.py", abalones, NAME)


def test_runs_from_the_table_to_a_registered_model(seen: dict[str, Any], clients: Clients, bucket: str) -> None:
    first = seen["first"]
    assert first["status"] == "Succeeded", first["reason"]
    assert {name: step["StepStatus"] for name, step in first["steps"].items()} == dict.fromkeys(
        [
            "AbaloneRegisterModel",
            "AbaloneCreateModel",
            "CheckMSEAbaloneEvaluation",
            "EvaluateAbaloneModel",
            "TrainAbaloneModel",
            "PreprocessAbaloneData",
        ],
        "Succeeded",
    )
    assert first["steps"]["CheckMSEAbaloneEvaluation"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    report = clients("s3").get_object(Bucket=bucket, Key=f"{NAME}/evaluation/evaluation.json")["Body"].read()
    assert 0 < json.loads(report)["regression_metrics"]["mse"]["value"] < 5
    package = seen["package"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    container = package["InferenceSpecification"]["Containers"][0]
    clients("s3").head_object(Bucket=bucket, Key=container["ModelDataUrl"].removeprefix(f"s3://{bucket}/"))
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics["S3Uri"] == f"s3://{bucket}/{NAME}/evaluation/evaluation.json"


def test_the_second_run_takes_its_jobs_from_the_cache(seen: dict[str, Any]) -> None:
    second = seen["second"]
    assert second["status"] == "Succeeded", second["reason"]
    cached = {name for name, step in second["steps"].items() if "CacheHitResult" in step}
    assert cached == {"PreprocessAbaloneData", "TrainAbaloneModel", "EvaluateAbaloneModel"}


def test_a_bad_model_fails_in_the_pipelines_own_words(seen: dict[str, Any]) -> None:
    refused = seen["refused"]
    assert refused["status"] == "Failed"
    assert "PipelineExecutionComplete failed" in refused["waited"]
    assert refused["steps"]["AbaloneMSEFail"]["FailureReason"] == "Execution failed due to MSE > 0.001"
    assert refused["parameters"] == refused["again"] == {"MseThreshold": "0.001"}


def test_the_sdk_reads_back_what_it_wrote(seen: dict[str, Any]) -> None:
    described = seen["described"]
    assert described["PipelineName"] == NAME
    parameters = {each["Name"]: each for each in json.loads(described["PipelineDefinition"])["Parameters"]}
    assert parameters["TrainingInstanceType"]["EnumValues"] == ["ml.m5.xlarge", "ml.m5.large"]
    assert "'ml.p5.48xlarge' is not one of" in seen["not in the enum"]
    statuses = [each["PipelineExecutionStatus"] for each in seen["executions"]]
    assert statuses == ["Failed", "Succeeded", "Succeeded"]
    assert {each["PipelineExecutionDisplayName"] for each in seen["executions"]} == {"by-the-sdk"}
    assert seen["deleted"]["PipelineArn"] == described["PipelineArn"]
