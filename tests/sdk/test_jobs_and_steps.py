"""What the SDK starts and waits for itself, and a pipeline of the steps that its examples show one by one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Clients
from tests.sdk.conftest import Run

PREFIX = "sdk-jobs"


@pytest.fixture(scope="module")
def jobs(run_program: Run, abalones: str) -> dict[str, Any]:
    return run_program("jobs.py", abalones, PREFIX)


@pytest.fixture(scope="module")
def steps(run_program: Run, abalones: str, jobs: dict[str, Any]) -> dict[str, Any]:
    """The program works on the files that the jobs left."""
    return run_program("steps.py", abalones, PREFIX)


def test_processors_run_and_show_their_logs(jobs: dict[str, Any]) -> None:
    assert jobs["script_processor"]["status"] == "Completed"
    assert "800 rows read" in jobs["script_processor"]["said"]
    assert jobs["framework_processor"] == "Completed"


def test_trainers_train_by_algorithm_and_by_script(jobs: dict[str, Any]) -> None:
    assert jobs["builtin_training"]["status"] == "Completed"
    assert jobs["builtin_training"]["metrics"].keys() == {"train:rmse", "validation:rmse"}
    assert jobs["script_training"]["status"] == "Completed"


def test_a_search_starts_from_an_earlier_one(jobs: dict[str, Any]) -> None:
    tuning = jobs["tuning"]
    assert tuning["best"].startswith(f"{PREFIX}-tune-")
    assert (tuning["status"], tuning["counts"], tuning["parents"]) == ("Completed", 2, 1)
    assert tuning["table"] == 3
    assert {"max-depth", "n-estimators", "FinalObjectiveValue"} <= set(tuning["columns"])


def test_a_built_model_is_registered_served_asked_and_taken_down(jobs: dict[str, Any], clients: Clients) -> None:
    serving = jobs["serving"]
    assert 0 < float(serving["answer"]) < 30
    assert (serving["status"], serving["package"], serving["same"]) == ("InService", "Completed", True)
    assert serving["registered"].endswith(f":model-package/{PREFIX}-group/1")
    left = clients("sagemaker").list_endpoints(NameContains=PREFIX)["Endpoints"]
    assert left == []


def test_a_transformer_scores_and_is_found_again(jobs: dict[str, Any], clients: Clients, bucket: str) -> None:
    assert jobs["transform"]["output"] == f"s3://{bucket}/{PREFIX}/scored"
    lines = clients("s3").get_object(Bucket=bucket, Key=f"{PREFIX}/scored/test.csv.out")["Body"].read().split()
    assert len(lines) == 120
    assert all(len(line.split(b",")) == 2 for line in lines)


def test_steps_tune_build_score_and_tell(steps: dict[str, Any]) -> None:
    warm = steps["warm"]
    assert warm["status"] == "Succeeded", warm["reason"]
    assert set(warm["steps"]) == {"Tune", "Again", "BestModel", "Score", "Tell", "Enough"}
    told = {each["Name"]: each["Value"] for each in warm["steps"]["Tell"]["Metadata"]["Lambda"]["OutputParameters"]}
    assert told == {"Lines": "120", "Told": "true", "Flavour": "plain"}
    assert warm["parallelism"] == {"MaxParallelExecutionSteps": 2}
    assert "CacheHitResult" in warm["steps"]["Tune"]


def test_a_tuning_step_starts_from_the_search_a_parameter_names(steps: dict[str, Any]) -> None:
    assert "there is no tuning job 'sdk-jobs-parent'" in steps["first"]["reason"]
    warm_start = steps["tuning"]["WarmStartConfig"]
    assert warm_start == {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": steps["parent"]}],
        "WarmStartType": "TransferLearning",
    }


def test_a_boolean_parameter_decides(steps: dict[str, Any]) -> None:
    assert steps["strict"]["status"] == "Failed"
    assert steps["strict"]["steps"]["Stop"]["FailureReason"] == "only 120 lines"
