"""Start, stop, retry, describe and list executions; what a kill leaves, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import (
    ConflictException,
    ResourceLimitExceeded,
    ResourceNotFound,
    ValidationException,
)
from tests.local.small_sagemaker import (
    Sagemaker,
    compare,
    condition,
    definition,
    get,
    lambda_step,
    parameter,
    processing,
    refused,
    training,
)


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path, max_executions=3)
    yield sagemaker
    sagemaker.close()


def stop(sagemaker: Sagemaker, arn: str) -> None:
    sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())


def test_describes_an_execution(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    arn = sagemaker(
        "StartPipelineExecution",
        PipelineName="arn:aws:sagemaker:us-east-1:000000000000:pipeline/p",
        PipelineExecutionDisplayName="west-1",
        PipelineExecutionDescription="a run",
        ClientRequestToken=sagemaker.token(),
    )["PipelineExecutionArn"]
    found = sagemaker.finish(arn)
    assert arn.startswith("arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/")
    assert len(arn.rpartition("/")[2]) == 12
    assert (found["PipelineExecutionDisplayName"], found["PipelineExecutionDescription"]) == ("west-1", "a run")
    assert found["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in found
    assert "LastRunTime" in sagemaker("DescribePipeline", PipelineName="p")


def test_the_experiment_takes_its_names_from_the_execution(sagemaker: Sagemaker) -> None:
    experiment = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}
    sagemaker(
        "CreatePipeline",
        PipelineName="p",
        PipelineDefinition=definition(lambda_step("A"), PipelineExperimentConfig=experiment),
        RoleArn="arn:aws:iam::000000000000:role/pipeline",
        ClientRequestToken=sagemaker.token(),
    )
    found = sagemaker.finish(sagemaker.begin())
    execution_id = found["PipelineExecutionArn"].rpartition("/")[2]
    assert found["PipelineExperimentConfig"] == {"ExperimentName": "p", "TrialName": execution_id}


def test_a_token_starts_once(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    request = {"PipelineName": "p", "ClientRequestToken": sagemaker.token()}
    first, second = (sagemaker("StartPipelineExecution", **request)["PipelineExecutionArn"] for _ in range(2))
    assert first == second
    sagemaker.finish(first)
    assert len(sagemaker.aws.function.payloads) == 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "Parameter 'S' has no default"),
        ({"S": "a", "X": "b"}, "Parameter 'X' is not declared by the pipeline; declared: S, N"),
        ({"S": "a", "N": "many"}, "Parameter 'N': 'many' is not of type Integer"),
        ({"S": "c"}, "Parameter 'S': 'c' is not one of a, b"),
    ],
)
def test_parameters_are_checked_at_start(sagemaker: Sagemaker, values: dict[str, str], complaint: str) -> None:
    declared = [parameter("S", EnumValues=["a", "b"]), parameter("N", "Integer", DefaultValue=1)]
    sagemaker.create(lambda_step("A"), parameters=declared)
    assert complaint in refused(lambda: sagemaker.begin("p", **values))
    assert sagemaker("ListPipelineExecutions", PipelineName="p")["PipelineExecutionSummaries"] == []


def test_lists_the_parameters_that_were_given(sagemaker: Sagemaker) -> None:
    declared = [parameter("A"), parameter("B"), parameter("C", DefaultValue="c")]
    arn = sagemaker.run(lambda_step("L"), parameters=declared, A="1", B="2")["PipelineExecutionArn"]
    whole = sagemaker("ListPipelineParametersForExecution", PipelineExecutionArn=arn)
    assert whole == {"PipelineParameters": [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}]}
    page = sagemaker("ListPipelineParametersForExecution", PipelineExecutionArn=arn, MaxResults=1)
    assert [each["Name"] for each in page["PipelineParameters"]] == ["A"]
    rest = sagemaker("ListPipelineParametersForExecution", PipelineExecutionArn=arn, NextToken=page["NextToken"])
    assert [each["Name"] for each in rest["PipelineParameters"]] == ["B"]


def test_an_execution_keeps_the_definition_it_started_with(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"]}
    sagemaker.create(processing("A"), lambda_step("B", DependsOn=["A"]))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("A")
    sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("Other")))
    sagemaker.jobs.release("A")
    execution = sagemaker.finish(arn)
    assert list(sagemaker.steps(execution)) == ["A", "B"]
    kept = sagemaker("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)["PipelineDefinition"]
    assert kept == definition(processing("A"), lambda_step("B", DependsOn=["A"]))


def test_no_more_executions_at_once_than_the_account_may(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"] * 3}
    sagemaker.create(processing("A"))
    running = [sagemaker.begin() for _ in range(3)]
    with pytest.raises(ResourceLimitExceeded, match="'Concurrent pipeline executions' is 3; 3 run now"):
        sagemaker.begin()
    sagemaker.jobs.release("A")
    for arn in running:
        sagemaker.finish(arn)
    sagemaker.finish(sagemaker.begin())


def test_lists_executions_newest_first_by_pipeline(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    sagemaker.create(lambda_step("A"), name="q")
    mine = [sagemaker.finish(sagemaker.begin())["PipelineExecutionArn"] for _ in range(3)]
    sagemaker.finish(sagemaker.begin("q"))

    def listed(**request: Any) -> list[str]:
        answer = sagemaker("ListPipelineExecutions", PipelineName="p", **request)
        return [each["PipelineExecutionArn"] for each in answer["PipelineExecutionSummaries"]]

    assert listed() == mine[::-1]
    assert listed(SortOrder="Ascending", MaxResults=2) == mine[:2]
    assert listed(SortBy="PipelineExecutionArn", SortOrder="Ascending") == sorted(mine)
    created = sagemaker("DescribePipelineExecution", PipelineExecutionArn=mine[1])["CreationTime"]
    assert listed(CreatedAfter=created) == [mine[2], mine[1]]


def test_lists_steps_newest_first_and_in_pages(sagemaker: Sagemaker) -> None:
    execution = sagemaker.run(lambda_step("A"), lambda_step("B", DependsOn=["A"]), lambda_step("C", DependsOn=["B"]))
    arn = execution["PipelineExecutionArn"]
    page = sagemaker("ListPipelineExecutionSteps", PipelineExecutionArn=arn, MaxResults=2)
    rest = sagemaker("ListPipelineExecutionSteps", PipelineExecutionArn=arn, MaxResults=2, NextToken=page["NextToken"])
    steps = page["PipelineExecutionSteps"] + rest["PipelineExecutionSteps"]
    assert [step["StepName"] for step in steps] == ["C", "B", "A"]
    assert set(steps[0]) == {"StepName", "StartTime", "EndTime", "StepStatus", "Metadata", "AttemptCount"}
    assert steps[0]["StartTime"] > steps[1]["StartTime"] > steps[2]["StartTime"]


@pytest.mark.parametrize(
    "operation",
    ["DescribePipelineExecution", "DescribePipelineDefinitionForExecution", "ListPipelineExecutionSteps"],
)
def test_an_execution_that_is_not_there_is_not_found(sagemaker: Sagemaker, operation: str) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/nope"
    with pytest.raises(ResourceNotFound, match="execution/nope' does not exist"):
        sagemaker(operation, PipelineExecutionArn=arn)


def test_updates_name_and_description(sagemaker: Sagemaker) -> None:
    arn = sagemaker.run(lambda_step("A"))["PipelineExecutionArn"]
    sagemaker(
        "UpdatePipelineExecution",
        PipelineExecutionArn=arn,
        PipelineExecutionDisplayName="named",
        PipelineExecutionDescription="described",
    )
    found = sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)
    assert (found["PipelineExecutionDisplayName"], found["PipelineExecutionDescription"]) == ("named", "described")


def test_stop_stops_the_jobs_that_run_and_starts_nothing_more(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"], "B": ["Hold"]}
    sagemaker.create(processing("A"), training("B"), processing("C", DependsOn=["A"]), lambda_step("D"))
    arn = sagemaker.begin()
    for step in ("A", "B"):
        sagemaker.jobs.until_created(step)
    stop(sagemaker, arn)
    execution = sagemaker.finish(arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert "FailureReason" not in execution
    assert sagemaker.statuses(arn) == {"A": "Stopped", "B": "Stopped", "D": "Succeeded"}
    seen = [detail["currentPipelineExecutionStatus"] for _, _, detail in sagemaker.events if "stepName" not in detail]
    assert seen == ["Executing", "Stopping", "Stopped"]


def test_stopping_waits_for_a_lambda_function(sagemaker: Sagemaker) -> None:
    def answer(_: Any) -> dict[str, Any]:
        stop(sagemaker, arns[0])
        assert sagemaker("DescribePipelineExecution", PipelineExecutionArn=arns[0])["PipelineExecutionStatus"] == (
            "Stopping"
        )
        return {}

    arns: list[str] = []
    sagemaker.aws.function.answer = answer
    sagemaker.jobs.outcomes = {"A": ["Hold"]}
    sagemaker.create(processing("A"), lambda_step("L", DependsOn=["A"]), lambda_step("M", DependsOn=["L"]))
    arns.append(sagemaker.begin())
    sagemaker.jobs.release("A")
    assert sagemaker.finish(arns[0])["PipelineExecutionStatus"] == "Stopped"
    assert sagemaker.statuses(arns[0]) == {"A": "Succeeded", "L": "Succeeded"}


def test_only_what_runs_can_be_stopped(sagemaker: Sagemaker) -> None:
    arn = sagemaker.run(lambda_step("A"))["PipelineExecutionArn"]
    with pytest.raises(ConflictException, match="is Succeeded; only an execution that is Executing can be stopped"):
        stop(sagemaker, arn)


def test_retry_goes_on_without_redoing_what_succeeded(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"B": ["broken", "Completed"]}
    gate = condition("Gate", compare(1, "Equals", 1), then=[lambda_step("Deploy")], DependsOn=["A"])
    read = get("Steps.A.ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri")
    execution = sagemaker.run(processing("A"), gate, training("B", data=read), lambda_step("End", DependsOn=["B"]))
    arn = execution["PipelineExecutionArn"]
    assert sagemaker.statuses(arn) == {"A": "Succeeded", "Gate": "Succeeded", "B": "Failed", "Deploy": "Succeeded"}
    before = sagemaker.steps(arn)["A"]
    again = sagemaker.retry(arn)
    assert again["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in again
    steps = sagemaker.steps(arn)
    assert steps["A"] == before
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert "FailureReason" not in steps["B"]
    assert len(sagemaker.jobs.names("A")) == 1
    assert len(sagemaker.jobs.names("B")) == 2
    assert len(sagemaker.aws.function.payloads) == 2


def test_a_retry_forgets_what_only_the_failure_had_started(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["broken", "Completed"]}
    sagemaker.aws.function.answer = lambda payload: RuntimeError("no mail server")
    notify = lambda_step("Notify", DependsOn=[{"Step": "A", "Trigger": "Failed"}])
    execution = sagemaker.run(processing("A"), notify)
    arn = execution["PipelineExecutionArn"]
    assert sagemaker.statuses(arn) == {"A": "Failed", "Notify": "Failed"}
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.statuses(arn) == {"A": "Succeeded"}


def test_a_token_retries_once(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["broken"] * 3}
    arn = sagemaker.run(processing("A"))["PipelineExecutionArn"]
    token = sagemaker.token()
    for _ in range(2):
        sagemaker("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=token)
        sagemaker.finish(arn)
    assert len(sagemaker.jobs.names("A")) == 2


def test_only_what_failed_or_stopped_can_be_retried(sagemaker: Sagemaker) -> None:
    arn = sagemaker.run(lambda_step("A"))["PipelineExecutionArn"]
    with pytest.raises(ConflictException, match="is Succeeded; only an execution that is Failed or Stopped"):
        sagemaker.retry(arn)


def test_a_kill_leaves_an_execution_that_says_so_and_goes_on(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Train": ["Hold"]}
    read = get("Steps.Prepare.ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri")
    sagemaker.create(processing("Prepare"), training("Train", data=read), lambda_step("Deploy", DependsOn=["Train"]))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("Train")
    old = sagemaker.jobs
    sagemaker.restart()
    old.release("Train")

    execution = sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == (
        "Interrupted: local SageMaker was stopped while step Train ran. RetryPipelineExecution continues the "
        "execution without redoing its finished steps."
    )
    assert sagemaker.statuses(arn) == {"Prepare": "Succeeded", "Train": "Failed"}
    assert "stopped while this step ran" in sagemaker.steps(arn)["Train"]["FailureReason"]

    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.statuses(arn) == {"Prepare": "Succeeded", "Train": "Succeeded", "Deploy": "Succeeded"}
    assert sagemaker.jobs.names("Prepare") == []
    source = sagemaker.jobs.requests("Train")[0]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://out"


def test_a_restart_leaves_finished_executions_alone_and_frees_the_account(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Completed", "Hold", "Hold", "Hold"]}
    sagemaker.create(processing("A"))
    done = sagemaker.finish(sagemaker.begin())
    for _ in range(3):
        sagemaker.begin()
    old = sagemaker.jobs
    sagemaker.restart()
    old.release("A")
    assert sagemaker("DescribePipelineExecution", PipelineExecutionArn=done["PipelineExecutionArn"]) == done
    assert sagemaker.finish(sagemaker.begin())["PipelineExecutionStatus"] == "Succeeded"


def test_a_token_is_remembered_over_a_restart(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    request = {"PipelineName": "p", "ClientRequestToken": sagemaker.token()}
    first = sagemaker("StartPipelineExecution", **request)
    sagemaker.finish(first["PipelineExecutionArn"])
    sagemaker.restart()
    assert sagemaker("StartPipelineExecution", **request) == first


def test_what_is_not_supported_is_refused_by_name(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    with pytest.raises(ValidationException, match="MlflowExperimentName is not supported yet by local SageMaker"):
        sagemaker(
            "StartPipelineExecution", PipelineName="p", ClientRequestToken=sagemaker.token(), MlflowExperimentName="e"
        )
