"""Every step of the pipeline on data as it changes between two uploads: what is checked, and what is said of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from contender.naming import object_key
from tests.project import NAMES, Project, as_csv, table, until

CHECKS = ("DataQuality", "DataBias", "ModelQuality", "ModelBias", "Explainability")
STEPS = {
    "Preprocess", *CHECKS, "Train", "Package", "Champion", "Evaluate", "Gate", "CreateModel", "Transform", "Register",
    "Deploy",
}  # fmt: skip
JOBS = ("Preprocess", "Train", "Package", "Evaluate", "Transform", *CHECKS)
FIRST = table("west", seed=1, rows=2500)

Rows = list[list[str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("every-step")).deploy()
    yield project
    project.contender("local", "down")


@pytest.fixture(scope="module")
def west(project: Project) -> str:
    """A dimension with a champion, and the baselines that came with it."""
    project.serve("west", FIRST, "first.csv")
    return "west"


def run(project: Project, dimension: str, body: bytes, name: str) -> dict[str, Any]:
    """Upload, and the execution that came of it once it has ended."""
    count = len(project.executions(dimension))
    project.upload(dimension, name, body)
    return until(
        lambda: next(
            (each for each in project.executions(dimension)[count:] if each["PipelineExecutionStatus"] != "Executing"),
            None,
        ),
        f"the execution for {name} to end",
    )


def checked(project: Project, execution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The metadata of each check step that has run, by its name."""
    steps = project.steps(execution["PipelineExecutionArn"])
    return {
        name: next(iter(steps[name]["Metadata"].values())) for name in CHECKS if steps.get(name, {}).get("Metadata")
    }


def read_json(project: Project, uri: str) -> Any:
    place = urlsplit(uri)
    answer = project.clients("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    return json.loads(answer["Body"].read())


def violations(project: Project, metadata: dict[str, Any]) -> list[str]:
    """The sentences of a check's constraint_violations.json."""
    if not metadata.get("ViolationReport"):
        return []
    return [json.dumps(each) for each in read_json(project, metadata["ViolationReport"])["violations"]]


def test_a_first_execution_registers_baselines_and_a_second_checks_against_them(project: Project, west: str) -> None:
    first = project.executions(west)[0]
    assert {name for name, step in project.steps(first["PipelineExecutionArn"]).items()} == STEPS
    for metadata in checked(project, first).values():
        assert metadata["SkipCheck"] is True
        assert metadata["RegisterNewBaseline"] is True

    second = run(project, west, FIRST, "again.csv")
    steps = project.steps(second["PipelineExecutionArn"])
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert set(steps) == STEPS
    for name, metadata in checked(project, second).items():
        assert metadata["SkipCheck"] is False, name
        assert metadata["BaselineUsedForDriftCheckConstraints"] != metadata["CalculatedBaselineConstraints"], name
        assert violations(project, metadata) == [], name


def test_a_version_carries_its_figures_its_baselines_and_where_it_came_from(project: Project, west: str) -> None:
    sagemaker = project.clients("sagemaker")
    group = NAMES.endpoint(west)
    first = sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Ascending")
    arn = first["ModelPackageSummaryList"][0]["ModelPackageArn"]
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    metrics, baselines = package["ModelMetrics"], package["DriftCheckBaselines"]
    named = [
        metrics["ModelQuality"]["Statistics"], metrics["ModelQuality"]["Constraints"],
        metrics["ModelDataQuality"]["Statistics"], metrics["ModelDataQuality"]["Constraints"],
        metrics["Bias"]["PreTrainingReport"], metrics["Bias"]["PostTrainingReport"],
        metrics["Explainability"]["Report"],
        baselines["ModelQuality"]["Statistics"], baselines["ModelQuality"]["Constraints"],
        baselines["ModelDataQuality"]["Statistics"], baselines["ModelDataQuality"]["Constraints"],
        baselines["Bias"]["PreTrainingConstraints"], baselines["Bias"]["PostTrainingConstraints"],
        baselines["Bias"]["ConfigFile"], baselines["Explainability"]["Constraints"],
        baselines["Explainability"]["ConfigFile"],
    ]  # fmt: skip
    for source in named:
        assert read_json(project, source["S3Uri"]), source
    execution = project.executions(west)[0]["PipelineExecutionArn"]
    origin = package["CustomerMetadataProperties"]
    assert origin["dimension"] == west
    assert origin["executionArn"] == execution
    assert origin["dataUri"].endswith(object_key("data/", west, "first.csv"))
    assert origin["dataVersion"]
    assert origin["codeVersion"]
    assert package["ModelLifeCycle"]["Stage"] == "Champion"


def test_an_unchanged_execution_runs_no_job_again(project: Project, west: str) -> None:
    """The third of the same object: its baselines are those of the second."""
    key = object_key("data/", west, "first.csv")
    arns = []
    for _ in range(2):
        data = f"s3://{project.outputs['DataBucket']}/{key}"
        words = ("pipeline", "start", "--dimension", west, "--data", data, "--json")
        arns.append(json.loads(project.contender(*words))["execution"])
        until(lambda: project.executions(west)[-1]["PipelineExecutionStatus"] == "Succeeded", "the execution to end")
    hits = {
        name
        for name, step in project.steps(arns[-1]).items()
        if step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    }
    assert hits == set(JOBS)


def change(*columns: str, rows: Callable[[np.random.Generator, list[str]], list[str]]) -> bytes:
    """The first upload with the named columns of each row changed by `rows`."""
    header, *body = csv.reader(io.StringIO(FIRST.decode()))
    chance = np.random.default_rng(3)
    places = [header.index(column) for column in columns]
    for row in body:
        for place, value in zip(places, rows(chance, [row[place] for place in places]), strict=True):
            row[place] = value
    return as_csv([header, *body])


def without(column: str) -> bytes:
    header, *body = csv.reader(io.StringIO(FIRST.decode()))
    place = header.index(column)
    return as_csv([row[:place] + row[place + 1 :] for row in (header, *body)])


REFUSED = {
    "mean-shift.csv": (
        change("Day Mins", rows=lambda chance, row: [f"{float(row[0]) + 60:.1f}"]),
        ["Day Mins", "baseline_drift_check"],
    ),
    "new-category.csv": (
        change("State", rows=lambda chance, row: ["Atlantis" if chance.random() < 0.1 else row[0]]),
        ["State", "categorical_values_check", "Atlantis"],
    ),
    "missing-values.csv": (
        change("Eve Mins", rows=lambda chance, row: ["" if chance.random() < 0.2 else row[0]]),
        ["Eve Mins", "completeness_check"],
    ),
    "dropped-column.csv": (without("Night Calls"), ["Night Calls", "missing_column_check"]),
    "changed-type.csv": (
        change("CustServ Calls", rows=lambda chance, row: ["many" if int(row[0]) > 2 else "few"]),
        ["CustServ Calls", "data_type_check"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_shifted_data_is_refused_before_training_in_words(project: Project, west: str, name: str) -> None:
    body, words = REFUSED[name]
    execution = run(project, west, body, name)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "DataQuality" in execution["FailureReason"]
    found = violations(project, checked(project, execution)["DataQuality"])
    assert any(all(word in sentence for word in words) for sentence in found), found
    assert words[0] in execution["FailureReason"]
    steps = project.steps(execution["PipelineExecutionArn"])
    assert "Train" not in steps
    assert "Register" not in steps


def test_labels_flipped_for_one_group_are_bias_and_a_worse_model(project: Project, west: str) -> None:
    def flip(chance: np.random.Generator, row: list[str]) -> list[str]:
        plan, label = row
        return [plan, "True." if plan == "yes" and chance.random() < 0.7 else label]

    execution = run(project, west, change("Int'l Plan", "Churn?", rows=flip), "flipped.csv")
    found = violations(project, checked(project, execution)["DataBias"])
    assert any("DPL" in sentence and "Int'l Plan" in sentence for sentence in found), found


def test_labels_flipped_at_random_are_refused_by_the_gate(project: Project, west: str) -> None:
    def flip(chance: np.random.Generator, row: list[str]) -> list[str]:
        return [("False." if row[0] == "True." else "True.") if chance.random() < 0.4 else row[0]]

    execution = run(project, west, change("Churn?", rows=flip), "noise.csv")
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "AUC" in execution["FailureReason"]
    steps = project.steps(execution["PipelineExecutionArn"])
    assert steps["Gate"]["StepStatus"] == "Succeeded"
    assert "Register" not in steps


def test_a_worse_model_that_may_pass_is_registered_with_its_violations(project: Project) -> None:
    def flip(chance: np.random.Generator, row: list[str]) -> list[str]:
        return [("False." if row[0] == "True." else "True.") if chance.random() < 0.08 else row[0]]

    project.serve("east", FIRST, "first.csv")
    execution = run(project, "east", change("Churn?", rows=flip), "noise.csv")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    found = violations(project, checked(project, execution)["ModelQuality"])
    assert any("accuracy" in sentence for sentence in found), found


def test_the_churn_files_go_through_every_step_twice(project: Project, real_data: Path) -> None:
    for folder in sorted((real_data / "training").iterdir()):
        (file,) = folder.glob("*.csv")
        project.serve(folder.name, file.read_bytes(), "first.csv")
        second = run(project, folder.name, file.read_bytes(), "second.csv")
        steps = project.steps(second["PipelineExecutionArn"])
        assert set(steps) == STEPS
        assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
        for name, metadata in checked(project, second).items():
            assert violations(project, metadata) == [], (folder.name, name)
