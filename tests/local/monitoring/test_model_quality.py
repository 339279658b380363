"""A model-quality execution: a merge of labels, then the analysis, as two processing jobs."""

from __future__ import annotations

import json

import pytest

from contender.local.jobs.runner import INTERRUPTED
from tests.local.monitoring.watched import HOURLY, NOW, VIOLATED, Watched
from tests.local.small_sagemaker import refused

KIND = "ModelQuality"
SOURCE = {
    "LocalPath": "/opt/ml/processing/input_data",
    "ProbabilityAttribute": "0",
    "ProbabilityThresholdAttribute": 0.7,
}
HOUR = "2026/03/01/11"
MERGED = f"reports/merge/shop/v1/{HOUR}/merged.jsonl"


@pytest.fixture
def scored(watched: Watched) -> Watched:
    """A definition `q`; requests and labels of 11:00 are there, and what a merge will leave."""
    watched.define(
        "q",
        KIND,
        source=SOURCE,
        application={"ProblemType": "BinaryClassification"},
        inputs={"GroundTruthS3Input": {"S3Uri": "s3://b/labels"}},
        ModelQualityBaselineConfig={"ConstraintsResource": {"S3Uri": "s3://b/base/constraints.json"}},
    )
    watched.capture(HOUR)
    watched.aws.s3.keys |= {f"labels/{HOUR}/some.jsonl", MERGED}
    return watched


def test_the_jobs_are_those_that_awss_service_asks_for(scored: Watched) -> None:
    scored.jobs.endings = ["Completed: merged 3 of 3", VIOLATED]
    scored.schedule("s", NOW, "q", KIND)
    scored.run_due()
    (execution,) = scored.executions()
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    merge, analysis = map(scored.job, scored.jobs.started)
    number = merge["ProcessingJobName"].removeprefix("groundtruth-merge-202603011230-")
    assert analysis["ProcessingJobName"] == f"model-quality-monitoring-202603011230-{number}"
    assert execution["ProcessingJobArn"] == analysis["ProcessingJobArn"]
    assert merge["MonitoringScheduleArn"] == analysis["MonitoringScheduleArn"]

    assert merge["AppSpecification"]["ImageUri"].endswith("/sagemaker-model-monitor-groundtruth-merger")
    root = "/opt/ml/processing"
    places = {each["InputName"]: each["S3Input"] for each in merge["ProcessingInputs"]}
    assert {name: (place["S3Uri"], place["LocalPath"]) for name, place in places.items()} == {
        "groundtruth_input_1": (f"s3://b/labels/{HOUR}", f"{root}/groundtruth/{HOUR}"),
        "endpoint_input_1": (f"s3://b/captured/shop/v1/{HOUR}", f"{root}/input_data/shop/v1/{HOUR}"),
    }
    (output,) = merge["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://b/reports/merge"

    assert analysis["ProcessingInputs"][0]["S3Input"]["S3Uri"] == f"s3://b/reports/merge/shop/v1/{HOUR}"
    environment = analysis["Environment"]
    assert json.loads(environment["dataset_format"]) == {
        "sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}
    }
    assert environment["analysis_type"] == "MODEL_QUALITY"
    assert environment["problem_type"] == "BinaryClassification"
    assert environment["probability_attribute"] == "0"
    assert environment["probability_threshold_attribute"] == "0.7"
    assert "inference_attribute" not in environment
    (output,) = analysis["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://b/reports/shop/s/2026/03/01/12"


def test_a_merge_that_fails_is_the_executions_end(scored: Watched) -> None:
    scored.jobs.endings = ["Failed: AlgorithmError: none of the 3 labels belongs"]
    scored.schedule("s", NOW, "q", KIND)
    scored.run_due()
    (execution,) = scored.executions()
    assert execution["MonitoringExecutionStatus"] == "Failed"
    assert "none of the 3 labels belongs" in execution["FailureReason"]
    assert len(scored.jobs.started) == 1


@pytest.mark.parametrize("missing", [f"labels/{HOUR}/some.jsonl", f"captured/shop/v1/{HOUR}/10-00-000-a.jsonl"])
def test_without_labels_or_requests_nothing_runs(scored: Watched, missing: str) -> None:
    scored.aws.s3.keys.remove(missing)
    scored.schedule("s", NOW, "q", KIND)
    scored.run_due()
    (execution,) = scored.executions()
    assert (execution["MonitoringExecutionStatus"], execution["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert scored.jobs.started == []


@pytest.mark.parametrize(
    ("endings", "status", "reason"),
    [
        (["hold"], "Failed", INTERRUPTED),  # the merge was done, the analysis had not begun
        (["Completed: merged", "hold"], "Completed", None),  # the analysis was done, but nobody had said so
    ],
)
def test_a_kill_after_a_job_ends_the_execution(
    scored: Watched, endings: list[str], status: str, reason: str | None
) -> None:
    scored.jobs.endings = list(endings)
    scored.schedule("s", NOW, "q", KIND)
    scored.monitoring.run_due()
    scored.jobs.until_started(len(endings))
    scored.restart("Completed: done")
    (execution,) = scored.executions()
    assert (execution["MonitoringExecutionStatus"], execution.get("FailureReason")) == (status, reason)


def test_two_jobs_share_the_hour(scored: Watched) -> None:
    scored.define(
        "long",
        KIND,
        source=SOURCE,
        inputs={"GroundTruthS3Input": {"S3Uri": "s3://b/labels"}},
        StoppingCondition={"MaxRuntimeInSeconds": 1801},
    )
    assert "at most 1800" in refused(lambda: scored.schedule("s", HOURLY, "long", KIND))
