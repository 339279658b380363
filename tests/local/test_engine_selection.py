"""Selective execution: the selected steps run on what an earlier execution of the pipeline left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ResourceNotFound
from tests.local.small_sagemaker import (
    Sagemaker,
    compare,
    condition,
    get,
    json_get,
    lambda_step,
    parameter,
    processing,
    refused,
    training,
)

OUTPUT = "ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri"
REPORT = [{"PropertyFileName": "R", "OutputName": "result", "FilePath": "report.json"}]


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    sagemaker.aws.s3.put("s3://evaluated/report.json", {"auc": 0.9})
    sagemaker.create(
        processing("Prepare", output=get("Parameters.Out")),
        training("Train", data=get(f"Steps.Prepare.{OUTPUT}")),
        processing(
            "Evaluate",
            inputs=[get("Steps.Train.ModelArtifacts.S3ModelArtifacts")],
            output="s3://evaluated",
            PropertyFiles=REPORT,
        ),
        condition(
            "Gate",
            compare(json_get("Evaluate", "R", "auc"), "GreaterThan", get("Parameters.Least")),
            then=[lambda_step("Deploy", {"Model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")})],
            otherwise=[lambda_step("Refuse")],
        ),
        lambda_step("Alarm", DependsOn=[{"Step": "Train", "Trigger": "Failed"}]),
        lambda_step("Other"),
        parameters=[
            parameter("Out", DefaultValue="s3://prepared"),
            parameter("Least", "Float", DefaultValue=0.5),
        ],
    )
    yield sagemaker
    sagemaker.close()


def select(sagemaker: Sagemaker, *steps: str, source: str | None = None, **parameters: str) -> str:
    config: dict[str, Any] = {"SelectedSteps": [{"StepName": step} for step in steps]}
    if source:
        config["SourcePipelineExecutionArn"] = source
    arn: str = sagemaker(
        "StartPipelineExecution",
        PipelineName="p",
        PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
        SelectiveExecutionConfig=config,
        ClientRequestToken=sagemaker.token(),
    )["PipelineExecutionArn"]
    return arn


def first(sagemaker: Sagemaker, **parameters: str) -> str:
    arn: str = sagemaker.finish(sagemaker.begin("p", **parameters))["PipelineExecutionArn"]
    return arn


def test_runs_the_selected_steps_on_what_the_source_left(sagemaker: Sagemaker) -> None:
    source = first(sagemaker, Out="s3://first")
    before = sagemaker.steps(source)
    arn = select(sagemaker, "Train", "Evaluate", source=source)
    execution = sagemaker.finish(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert execution["SelectiveExecutionConfig"] == {
        "SourcePipelineExecutionArn": source,
        "SelectedSteps": [{"StepName": "Train"}, {"StepName": "Evaluate"}],
    }
    steps = sagemaker.steps(arn)
    assert list(steps) == ["Prepare", "Train", "Evaluate"]
    assert steps["Prepare"] == {
        **before["Prepare"],
        "SelectiveExecutionResult": {"SourcePipelineExecutionArn": source},
    }
    assert "SelectiveExecutionResult" not in steps["Train"]
    assert [len(sagemaker.jobs.names(step)) for step in ("Prepare", "Train", "Evaluate")] == [1, 2, 2]
    data = sagemaker.jobs.requests("Train")[1]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert data == "s3://first"


def test_steps_that_take_nothing_from_others_need_no_source(sagemaker: Sagemaker) -> None:
    execution = sagemaker.finish(select(sagemaker, "Prepare", "Other"))
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert set(sagemaker.steps(execution)) == {"Prepare", "Other"}
    assert execution["SelectiveExecutionConfig"]["SelectedSteps"] == [{"StepName": "Prepare"}, {"StepName": "Other"}]


def test_a_property_file_of_the_source_is_read_and_a_new_parameter_counts(sagemaker: Sagemaker) -> None:
    source = first(sagemaker)
    execution = sagemaker.finish(select(sagemaker, "Gate", "Refuse", source=source, Least="0.95"))
    assert list(sagemaker.steps(execution)) == ["Evaluate", "Gate", "Refuse"]


def test_a_step_in_a_branch_runs_if_the_source_took_the_branch(sagemaker: Sagemaker) -> None:
    source = first(sagemaker)
    execution = sagemaker.finish(select(sagemaker, "Deploy", source=source))
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert list(sagemaker.steps(execution)) == ["Gate", "Train", "Deploy"]
    assert sagemaker.aws.function.payloads[-1] == sagemaker.aws.function.payloads[-2]
    assert refused(lambda: select(sagemaker, "Refuse", source=source)) == (
        f"SelectiveExecutionConfig: step 'Refuse' waits for 'Gate', which took the other branch in {source}"
    )


def test_a_failed_source_lends_what_had_succeeded(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Train": ["broken"]}
    source = first(sagemaker)
    assert sagemaker.statuses(source)["Train"] == "Failed"
    execution = sagemaker.finish(select(sagemaker, "Train", source=source))
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert refused(lambda: select(sagemaker, "Evaluate", source=source)) == (
        f"SelectiveExecutionConfig: step 'Evaluate' waits for 'Train', which is Failed in {source}"
    )
    assert refused(lambda: select(sagemaker, "Gate", source=source)) == (
        f"SelectiveExecutionConfig: step 'Gate' waits for 'Evaluate', which did not run in {source}"
    )
    alarm = sagemaker.finish(select(sagemaker, "Alarm", source=source))
    assert alarm["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.statuses(alarm) == {"Train": "Failed", "Alarm": "Succeeded"}


def test_a_selective_execution_can_be_a_source(sagemaker: Sagemaker) -> None:
    second = sagemaker.finish(select(sagemaker, "Train", source=first(sagemaker)))["PipelineExecutionArn"]
    third = sagemaker.finish(select(sagemaker, "Train", "Evaluate", source=second))
    assert third["PipelineExecutionStatus"] == "Succeeded"


def test_a_retry_goes_on_with_the_selected_steps_only(sagemaker: Sagemaker) -> None:
    source = first(sagemaker)
    sagemaker.jobs.outcomes = {"Evaluate": ["broken"]}
    arn = select(sagemaker, "Train", "Evaluate", source=source)
    execution = sagemaker.finish(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed. Evaluate: broken"
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.statuses(arn) == dict.fromkeys(("Prepare", "Train", "Evaluate"), "Succeeded")
    assert len(sagemaker.jobs.names("Train")) == 2


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (["Trian"], "there is no step 'Trian' (did you mean 'Train'?)"),
        (["Train", "Gate"], "step 'Evaluate' lies between 'Train' and 'Gate'; select it too"),
        (["Prepare", "Evaluate"], "step 'Train' lies between 'Prepare' and 'Evaluate'; select it too"),
    ],
)
def test_refuses_steps_that_are_not_connected(sagemaker: Sagemaker, steps: list[str], complaint: str) -> None:
    source = first(sagemaker)
    assert refused(lambda: select(sagemaker, *steps, source=source)) == f"SelectiveExecutionConfig: {complaint}"


def test_refuses_a_step_of_a_body(sagemaker: Sagemaker) -> None:
    each = {"IterableItems": [1], "MaxConcurrency": 1, "ForEachBody": [lambda_step("Do")]}
    sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=sagemaker.token())
    sagemaker.create({"Name": "Each", "Type": "ForEach", "Arguments": each})
    assert refused(lambda: select(sagemaker, "Do")) == (
        "SelectiveExecutionConfig: step 'Do' runs in the body of 'Each' only; select 'Each'"
    )
    execution = sagemaker.finish(select(sagemaker, "Each"))
    assert list(sagemaker.steps(execution)) == ["Each", "Do-0"]


def test_says_which_source_is_missing(sagemaker: Sagemaker) -> None:
    assert refused(lambda: select(sagemaker, "Train")) == (
        "SelectiveExecutionConfig: step 'Train' waits for 'Prepare', which is not selected, so a "
        "SourcePipelineExecutionArn is needed; p has none yet"
    )
    first(sagemaker)
    latest = first(sagemaker)
    assert refused(lambda: select(sagemaker, "Train")).endswith(
        f"a SourcePipelineExecutionArn is needed; the latest is {latest}"
    )


def test_refuses_a_source_that_cannot_lend(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Train": ["Hold"]}
    running = sagemaker.begin()
    sagemaker.jobs.until_created("Train")
    assert refused(lambda: select(sagemaker, "Train", source=running)).endswith(
        f"{running} is Executing; its results are taken when it has ended"
    )
    sagemaker.jobs.release("Train")
    sagemaker.finish(running)
    with pytest.raises(ResourceNotFound, match="does not exist"):
        select(sagemaker, "Train", source=f"{running}x")
    sagemaker.create(lambda_step("A"), name="q")
    other = sagemaker.finish(sagemaker.begin("q"))["PipelineExecutionArn"]
    assert refused(lambda: select(sagemaker, "Train", source=other)) == (
        f"SelectiveExecutionConfig: {other} is not an execution of pipeline p"
    )
