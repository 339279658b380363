"""Pipelines and their executions through the AWS CLI."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import ARN, TABLE, callback_definition, pipeline_definition
from tests.local.running import eventually
from tests.local.serving_models import ROLE


@pytest.fixture(scope="module")
def pipeline(aws: AwsCli) -> str:
    answer = aws(
        "create-pipeline",
        pipeline_name="cli-pipeline",
        pipeline_definition=pipeline_definition(),
        role_arn=ROLE,
        client_request_token="create-cli-pipeline-" + "0" * 32,
    )
    assert answer == {"PipelineArn": f"{ARN}:pipeline/cli-pipeline"}
    return "cli-pipeline"


def test_a_pipeline(aws: AwsCli, pipeline: str) -> None:
    cycle = json.loads(pipeline_definition())
    cycle["Steps"][0]["DependsOn"] = ["Count"]
    bad, taken, unknown = aws.refused(
        ask("update-pipeline", pipeline_name=pipeline, pipeline_definition=json.dumps(cycle)),
        ask("create-pipeline", pipeline_name=pipeline, pipeline_definition=pipeline_definition(), role_arn=ROLE),
        ask("start-pipeline-execution", pipeline_name=pipeline, pipeline_parameters=[{"Name": "X", "Value": "1"}]),
    )
    assert "Count" in bad
    assert "already exists" in taken
    assert "X" in unknown
    aws("update-pipeline", pipeline_name=pipeline, pipeline_description="counts rows")
    described, listed = aws.together(
        ask("describe-pipeline", pipeline_name=pipeline), ask("list-pipelines", pipeline_name_prefix="cli")
    )
    assert described["PipelineDescription"] == "counts rows"
    assert described["PipelineDefinition"] == pipeline_definition()
    assert [each["PipelineName"] for each in listed["PipelineSummaries"]] == [pipeline]


def test_versions_of_a_pipeline(aws: AwsCli, pipeline: str) -> None:
    updated = aws("update-pipeline", pipeline_name=pipeline, pipeline_definition=pipeline_definition())
    number = updated["PipelineVersionId"]
    named = aws(
        "update-pipeline-version",
        pipeline_arn=updated["PipelineArn"],
        pipeline_version_id=number,
        pipeline_version_description="commit 0123abc",
    )
    assert named == updated
    listed, described = aws.together(
        ask("list-pipeline-versions", pipeline_name=pipeline),
        ask("describe-pipeline", pipeline_name=pipeline, pipeline_version_id=1),
    )
    newest, first = listed["PipelineVersionSummaries"]
    assert (newest["PipelineVersionId"], first["PipelineVersionId"]) == (number, 1)
    assert newest["PipelineVersionDescription"] == "commit 0123abc"
    assert described["PipelineDefinition"] == pipeline_definition()
    (missing,) = aws.refused(ask("describe-pipeline", pipeline_name=pipeline, pipeline_version_id=9))
    assert "(ResourceNotFound)" in missing


def test_an_execution_that_failed_is_retried(
    aws: AwsCli, pipeline: str, bucket: str, upload: Callable[[str, str], str], settled: Callable[..., dict[str, Any]]
) -> None:
    given = [{"Name": "Data", "Value": f"s3://{bucket}/cli/late/rows.csv"}]
    start = ask(
        "start-pipeline-execution",
        pipeline_name=pipeline,
        pipeline_parameters=given,
        pipeline_execution_display_name="east-1",
        client_request_token="start-cli-pipeline-" + "1" * 32,
    )
    once, twice = aws.together(start, start)
    assert once == twice
    arn = once["PipelineExecutionArn"]
    wait = {"describe": "describe_pipeline_execution", "status": "PipelineExecutionStatus", "PipelineExecutionArn": arn}
    settled(**wait, wanted="Failed")

    described, steps, parameters, definition, listed = aws.together(
        ask("describe-pipeline-execution", pipeline_execution_arn=arn),
        ask("list-pipeline-execution-steps", pipeline_execution_arn=arn),
        ask("list-pipeline-parameters-for-execution", pipeline_execution_arn=arn),
        ask("describe-pipeline-definition-for-execution", pipeline_execution_arn=arn),
        ask("list-pipeline-executions", pipeline_name=pipeline),
    )
    assert described["PipelineExecutionDisplayName"] == "east-1"
    (step,) = steps["PipelineExecutionSteps"]
    assert (step["StepName"], step["StepStatus"]) == ("Count", "Failed")
    assert "late/rows.csv" in step["FailureReason"]
    assert parameters["PipelineParameters"] == given
    assert definition["PipelineDefinition"] == pipeline_definition()
    assert [each["PipelineExecutionArn"] for each in listed["PipelineExecutionSummaries"]] == [arn]

    upload("late/rows.csv", TABLE)
    aws("update-pipeline-execution", pipeline_execution_arn=arn, pipeline_execution_description="late data")
    aws("retry-pipeline-execution", pipeline_execution_arn=arn)
    settled(**wait, wanted="Succeeded")
    again = aws("describe-pipeline-execution", pipeline_execution_arn=arn)
    assert (again["PipelineExecutionStatus"], again["PipelineExecutionDescription"]) == ("Succeeded", "late data")


def test_an_execution_is_stopped_and_its_pipeline_deleted(
    aws: AwsCli, pipeline: str, upload: Callable[[str, str], str], settled: Callable[..., dict[str, Any]]
) -> None:
    parameters = [{"Name": "Data", "Value": upload("rows.csv", TABLE)}, {"Name": "Seconds", "Value": "60"}]
    started = aws("start-pipeline-execution", pipeline_name=pipeline, pipeline_parameters=parameters)
    arn = started["PipelineExecutionArn"]
    (busy,) = aws.refused(ask("delete-pipeline", pipeline_name=pipeline))
    assert "(ConflictException)" in busy
    aws("stop-pipeline-execution", pipeline_execution_arn=arn)
    settled("describe_pipeline_execution", "PipelineExecutionStatus", "Stopped", PipelineExecutionArn=arn)
    aws("delete-pipeline", pipeline_name=pipeline)
    (gone,) = aws.refused(ask("describe-pipeline", pipeline_name=pipeline))
    assert "(ResourceNotFound)" in gone


def test_callbacks_are_answered_and_one_step_runs_again(
    aws: AwsCli, clients: Callable[[str], Any], settled: Callable[..., dict[str, Any]]
) -> None:
    sqs = clients("sqs")
    queue = sqs.create_queue(QueueName="cli-callbacks")["QueueUrl"]

    def asked() -> dict[str, Any]:
        (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = json.loads(message["Body"])
        return found

    def wait(arn: str, wanted: str) -> None:
        settled("describe_pipeline_execution", "PipelineExecutionStatus", wanted, PipelineExecutionArn=arn)

    name, rows = "cli-callbacks", [{"Name": "rows", "Value": "3"}]
    aws("create-pipeline", pipeline_name=name, pipeline_definition=callback_definition(queue), role_arn=ROLE)
    arn = aws("start-pipeline-execution", pipeline_name=name)["PipelineExecutionArn"]
    answer = aws("send-pipeline-execution-step-success", callback_token=asked()["token"], output_parameters=rows)
    assert answer == {"PipelineExecutionArn": arn}
    check = asked()
    assert check["arguments"] == {"rows": 3}
    failed = ask("send-pipeline-execution-step-failure", callback_token=check["token"], failure_reason="too few")
    aws.together(failed)
    wait(arn, "Failed")
    (late,) = aws.refused(failed)
    assert "(ConflictException)" in late

    selected = {"SourcePipelineExecutionArn": arn, "SelectedSteps": [{"StepName": "Check"}]}
    again = aws("start-pipeline-execution", pipeline_name=name, selective_execution_config=selected)
    aws("send-pipeline-execution-step-success", callback_token=asked()["token"])
    wait(again["PipelineExecutionArn"], "Succeeded")
    described, listed = aws.together(
        ask("describe-pipeline-execution", pipeline_execution_arn=again["PipelineExecutionArn"]),
        ask("list-pipeline-execution-steps", pipeline_execution_arn=again["PipelineExecutionArn"]),
    )
    assert described["SelectiveExecutionConfig"] == selected
    results = {each["StepName"]: each.get("SelectiveExecutionResult") for each in listed["PipelineExecutionSteps"]}
    assert results == {"Ask": {"SourcePipelineExecutionArn": arn}, "Check": None}
    aws("delete-pipeline", pipeline_name=name)
