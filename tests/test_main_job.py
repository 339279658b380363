"""The main job as its user meets it: the commands of the README, on a laptop of its own that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.demo.main_job import raw_rows
from contender.sample_data import COLUMNS
from tests.conftest import REPOSITORY
from tests.project import Project, table, until


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    home = tmp_path_factory.mktemp("main-job")
    project = Project(home).deploy()
    yield project
    project.contender("local", "down")


@pytest.fixture(scope="module")
def north(project: Project) -> str:
    """A dimension with a champion."""
    project.serve("north", table("north", seed=1), "first.csv")
    return "north"


def test_an_upload_becomes_a_champion_and_the_next_one_a_challenger_beside_it(project: Project) -> None:
    demo = project.demo()
    project.serve("south", table("south", seed=1), "first.csv")
    project.serve("south", table("south", seed=2), "second.csv")
    rows = raw_rows(table("south", seed=2), "Churn?", 100)
    outcome = demo.outcome("south", demo.invoke("south", rows, 300))
    assert (outcome.champion, outcome.challenger) == ("v1", "v2")
    assert outcome.asked == pytest.approx({"v1": 0.9, "v2": 0.1})
    assert 0 < outcome.observed["v2"] < 0.25
    assert outcome.champion_auc > 0.8


def test_raw_rows_are_answered_whatever_is_unknown_or_missing_in_them(project: Project, north: str) -> None:
    (row,) = raw_rows(table(north, seed=3), "Churn?", 1)
    record = dict(zip([column for column in COLUMNS if column != "Churn?"], row.split(","), strict=True))
    probability = float(project.invoke(north, row))
    as_json = json.loads(project.invoke(north, json.dumps([record]), "application/json", "application/json"))
    assert as_json["predictions"][0]["probability"] == pytest.approx(probability, abs=1e-6)
    strange = ",".join(["" if value == record["Day Mins"] else value for value in row.split(",")])
    strange = strange.replace(f",{record['State']},", ",Atlantis,")
    assert "Atlantis" in strange
    assert 0 <= float(project.invoke(north, strange)) <= 1


def test_a_row_with_the_wrong_number_of_columns_is_the_callers_error(project: Project, north: str) -> None:
    with pytest.raises(ClientError) as error:
        project.invoke(north, "1,2,3")
    answer = error.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["OriginalStatusCode"] == 400
    assert "21" in answer["OriginalMessage"]
    assert "3" in answer["OriginalMessage"]


WHOLE = table("north", seed=4, rows=600).decode()
BROKEN = {
    "without-label.csv": (WHOLE.replace("Churn?", "Churned", 1).encode(), "Churn?"),
    "one-class.csv": (WHOLE.replace("False.", "True.").encode(), "one class only"),
    "empty.csv": (b"", "empty"),
    "latin-1.csv": (WHOLE.replace(",yes,", ",ä,").encode("latin-1"), "UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_fails_its_execution_in_words_and_the_champion_serves_on(
    project: Project, north: str, name: str
) -> None:
    body, words = BROKEN[name]
    count = len(project.executions(north))
    project.upload(north, name, body)
    failed = until(
        lambda: [e for e in project.executions(north)[count:] if e["PipelineExecutionStatus"] == "Failed"],
        f"the execution for {name} to fail",
    )
    reason = failed[0]["FailureReason"]
    assert "Preprocess" in reason
    assert words in reason
    (row,) = raw_rows(table(north, seed=3), "Churn?", 1)
    assert 0 <= float(project.invoke(north, row)) <= 1


def test_the_same_event_twice_starts_one_execution(project: Project) -> None:
    body = table("twice", seed=1)
    project.serve("twice", body, "once.csv")
    sqs, queue = project.clients("sqs"), project.outputs["QueueUrl"]
    head = project.clients("s3").head_object(Bucket=project.outputs["DataBucket"], Key="data/twice/once.csv")
    item = {"key": "data/twice/once.csv", "size": len(body), "etag": head["ETag"].strip('"'), "sequencer": "00A1"}
    event = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": project.outputs["DataBucket"]}, "object": item},
    }
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    until(lambda: _is_empty(sqs, queue), "the queue to empty")
    executions = until(
        lambda: (
            (found := project.executions("twice"))
            and all(e["PipelineExecutionStatus"] == "Succeeded" for e in found)
            and found
        ),
        "the executions to end",
    )
    assert len(executions) == 2, "one for the upload itself, one for an event that came three times"


def _is_empty(sqs: Any, queue: str) -> bool:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return all(int(attributes[name]) == 0 for name in names)


def test_a_challenger_below_the_floor_is_refused_with_the_rule_and_the_figure(project: Project, north: str) -> None:
    strict = {"CONTENDER_GATES_MIN_AUC": "0.9999"}
    project.contender("pipeline", "upsert", env=strict)
    try:
        count = len(project.executions(north))
        project.upload(north, "refused.csv", table(north, seed=5))
        (refused,) = until(
            lambda: [e for e in project.executions(north)[count:] if e["PipelineExecutionStatus"] == "Failed"],
            "the execution to be refused",
        )
    finally:
        project.contender("pipeline", "upsert")
    assert "0.9999" in refused["FailureReason"]
    assert "AUC" in refused["FailureReason"]
    assert "north" in refused["FailureReason"]


def test_a_kill_during_an_execution_loses_nothing_and_retry_goes_on(project: Project, north: str) -> None:
    (server,) = (
        each for each in json.loads(project.contender("local", "status", "--json")) if each["name"] == "sagemaker"
    )
    project.upload("killed", "first.csv", table("killed", seed=1, rows=20_000))
    execution = until(lambda: project.executions("killed"), "the execution to start")[0]["PipelineExecutionArn"]
    until(
        lambda: project.steps(execution).get("Preprocess", {}).get("StepStatus") == "Succeeded", "the first step to end"
    )
    finished = project.steps(execution)["Preprocess"]
    os.kill(server["pid"], signal.SIGKILL)
    project.up()

    interrupted = project.executions("killed")[0]
    assert interrupted["PipelineExecutionStatus"] == "Failed"
    assert "Interrupted" in interrupted["FailureReason"]
    (row,) = raw_rows(table(north, seed=3), "Churn?", 1)
    until(lambda: _answers(project, north, row), "the champion to serve again")

    project.contender("pipeline", "retry", "killed")
    until(lambda: project.executions("killed")[0]["PipelineExecutionStatus"] == "Succeeded", "the retry to succeed")
    assert project.steps(execution)["Preprocess"] == finished, "a finished step is not done again"
    until(lambda: _answers(project, "killed", row), "the new champion to serve")


def _answers(project: Project, dimension: str, row: str) -> bool:
    try:
        return 0 <= float(project.invoke(dimension, row)) <= 1
    except ClientError:
        return False


def test_requests_unlike_the_training_rows_are_told_in_words_and_train_again(project: Project) -> None:
    """From a captured request through schedule, job, event and functions to the message and the next execution."""
    sqs, alerts = project.clients("sqs"), "arn:aws:sns:us-east-1:000000000000:contender-alerts"
    place = "arn:aws:sqs:us-east-1:000000000000:told"
    topics = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**topics, "Resource": place}]}
    inbox = sqs.create_queue(QueueName="told", Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    project.clients("sns").subscribe(TopicArn=alerts, Protocol="sqs", Endpoint=place)
    captured = {"CONTENDER_ENDPOINT_DATA_CAPTURE_PERCENT": "100", "CONTENDER_MONITORING_RETRAIN": "newest"}
    project.contender("deploy", "core", "monitoring", env=captured)
    project.serve("east", table("east", seed=1), "first.csv")
    sagemaker = project.clients("sagemaker")
    until(
        lambda: sagemaker.list_monitoring_schedules(NameContains="contender-east-data")["MonitoringScheduleSummaries"],
        "the schedule",
    )

    def ask(rows: list[str]) -> dict[str, Any]:
        captures = "capture/contender-east/"
        before = project.keys(captures)
        project.invoke("east", "\n".join(rows))
        until(lambda: project.keys(captures) - before, "the capture")
        found: dict[str, Any] = json.loads(project.contender("monitoring", "run", "east", "--json"))
        return found

    usual = raw_rows(table("east", seed=2), "Churn?", 300)
    found = ask(usual)
    assert (found["status"], found["sentences"]) == ("Completed", [])
    minutes = [column for column in COLUMNS if column != "Churn?"].index("Day Mins")
    values = [row.split(",") for row in usual]
    talkative = [[*row[:minutes], str(1.8 * float(row[minutes])), *row[minutes + 1 :]] for row in values]
    (sentence, *_) = ask([",".join(row) for row in talkative] * 4)["sentences"]
    assert sentence.startswith("Day Mins rose, its mean from ")

    def told() -> list[str]:
        got = sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10).get("Messages", [])
        return [message for each in got if "Dimension east" in (message := json.loads(each["Body"])["Message"])]

    (message,) = until(told, "the message")
    assert sentence in message
    assert "The champion, v1, was trained on it already: upload newer rows." in message
    execution = until(lambda: project.executions("east")[1:], "the training")[0]
    arn = execution["PipelineExecutionArn"]
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {"Name": "RegisterNewDataQualityBaseline", "Value": "true"} in given


def test_the_demo_serves_anyones_files(real_data: Path) -> None:
    command = [sys.executable, "-m", "contender.cli.main", "demo", "--json", "--data", str(real_data / "training")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    dimensions = json.loads(done.stdout)["dimensions"]
    assert [each["dimension"] for each in dimensions] == ["DummyDim1", "DummyDim2", "DummyDim3"]
    for each in dimensions:
        assert min(each["champion_auc"], each["challenger_auc"]) >= 0.97
        assert each["asked"] == pytest.approx({"v1": 0.9, "v2": 0.1})
        assert 0 < each["observed"]["v2"] < 0.25
