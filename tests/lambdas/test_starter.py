"""Every uploaded file starts one execution, no dimension runs twice at once, and no message is lost."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contender.lambdas.settings import StarterSettings
from contender.lambdas.starter import Starter, Upload, answer
from contender.naming import Names
from tests.lambdas.fakes import FakeDynamoDB, FakeSageMaker, FakeSqs, Killed, client_error
from tests.lambdas.test_warm_start import DEFINITION, add_version

QUEUE, DEAD = "https://queue/uploads", "https://queue/uploads-dead"
SETTINGS = StarterSettings(Names("contender"), "data/", QUEUE, DEAD, "contender-locks", 60)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def body(key: str = "data/A/x.csv", *, sequencer: str = "01", etag: str = "e1", **more: Any) -> str:
    """The event as EventBridge puts it into the queue."""
    item = {"key": key, "size": 12, "etag": etag, "sequencer": sequencer, **more}
    return json.dumps(
        {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"version": "0", "bucket": {"name": "contender-data"}, "object": item, "reason": "PutObject"},
        }
    )


class Desk:
    """A starter with its queue: what waits is delivered again, what is not acknowledged too."""

    def __init__(self) -> None:
        self.sagemaker, self.sqs, self.dynamodb = FakeSageMaker(), FakeSqs(), FakeDynamoDB()
        self.starter = Starter(SETTINGS, self.sagemaker, self.sqs, self.dynamodb)
        self.now = NOW
        self.read = 0

    def handle(self, *bodies: str) -> list[str]:
        records = [{"messageId": str(number), "body": text} for number, text in enumerate(bodies)]
        self.reply, self.outcomes = answer(self.starter, {"Records": records}, self.now)
        return [outcome["outcome"] for outcome in self.outcomes]

    def waiting(self) -> list[str]:
        """Bodies of the copies put into the queue since the last look."""
        sent = self.sqs.sent_to(QUEUE)
        new, self.read = sent[self.read :], len(sent)
        return [message["MessageBody"] for message in new]

    def finish(self, status: str = "Succeeded") -> None:
        for execution in self.sagemaker.executions.values():
            execution["status"] = status


def test_an_upload_starts_an_execution_with_its_dimension_and_object() -> None:
    desk = Desk()
    assert desk.handle(body()) == ["started"]
    (request,) = desk.sagemaker.made("StartPipelineExecution")
    assert request["PipelineName"] == "contender"
    assert {item["Name"]: item["Value"] for item in request["PipelineParameters"]} == {
        "Dimension": "A",
        "InputDataUri": "s3://contender-data/data/A/x.csv",
        "DataVersion": "e1",
    }
    assert request["PipelineExecutionDisplayName"] == f"A-{request['ClientRequestToken'][:8]}"
    assert desk.reply == {"batchItemFailures": []}


def test_a_dimension_without_an_approved_version_registers_baselines() -> None:
    desk = Desk()
    parameters = ["SkipDataQualityCheck", "RegisterNewDataQualityBaseline", "FailOnDataQualityViolation"]
    desk.sagemaker.definition = json.dumps({"Parameters": [{"Name": name, "Type": "Boolean"} for name in parameters]})
    desk.sagemaker.register("contender-A", "PendingManualApproval")
    desk.handle(body())
    (request,) = desk.sagemaker.made("StartPipelineExecution")
    given = {item["Name"]: item["Value"] for item in request["PipelineParameters"]}
    assert given["SkipDataQualityCheck"] == given["RegisterNewDataQualityBaseline"] == "true"
    assert "FailOnDataQualityViolation" not in given


def test_a_training_for_drift_is_compared_with_nothing_and_registers_what_later_ones_are_compared_with() -> None:
    desk = Desk()
    checks = ("DataQuality", "ModelQuality")
    parameters = [
        f"{name}{check}{last}" for check in checks for name, last in (("Skip", "Check"), ("RegisterNew", "Baseline"))
    ]
    desk.sagemaker.definition = json.dumps({"Parameters": [{"Name": name, "Type": "Boolean"} for name in parameters]})
    files = {name: {"ContentType": "json", "S3Uri": f"s3://artifacts/{name}"} for name in ("Statistics", "Constraints")}
    package = desk.sagemaker.packages[desk.sagemaker.register("contender-A")]
    package["DriftCheckBaselines"] = {"ModelDataQuality": files, "ModelQuality": files}
    message = json.loads(body(sequencer="drift"))
    message["detail"]["reason"] = "drift"
    assert desk.handle(body(), json.dumps(message)) == ["started", "waiting"]
    desk.finish()
    desk.handle(*desk.waiting())
    usual, drifted = (
        {item["Name"]: item["Value"] for item in request["PipelineParameters"]}
        for request in desk.sagemaker.made("StartPipelineExecution")
    )
    assert "SkipDataQualityCheck" not in usual
    assert drifted["SkipDataQualityCheck"] == drifted["RegisterNewDataQualityBaseline"] == "true"
    assert "SkipModelQualityCheck" not in drifted


def test_the_data_version_is_the_objects_version_where_there_is_one() -> None:
    assert Upload.from_event(body(**{"version-id": "v7"}), Names("contender"), "data/").version == "v7"


def test_the_same_event_twice_starts_one_execution() -> None:
    desk = Desk()
    assert desk.handle(body(), body()) == ["started", "duplicate"]
    desk.finish()
    assert desk.handle(body()) == ["duplicate"]
    assert len(desk.sagemaker.executions) == 1


def test_the_same_file_uploaded_again_starts_another() -> None:
    desk = Desk()
    desk.handle(body())
    desk.finish()
    assert desk.handle(body(sequencer="02")) == ["started"]
    assert len(desk.sagemaker.executions) == 2


def test_a_dimension_that_runs_makes_the_next_upload_wait_with_a_delay() -> None:
    desk = Desk()
    second = body("data/A/y.csv")
    assert desk.handle(body(), second) == ["started", "waiting"]
    (copy,) = desk.sqs.sent_to(QUEUE)
    assert (copy["MessageBody"], copy["DelaySeconds"]) == (second, 60)
    assert desk.reply == {"batchItemFailures": []}
    assert desk.outcomes[1]["execution"] in desk.sagemaker.executions


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped"])
def test_a_finished_execution_lets_the_next_one_in(status: str) -> None:
    desk = Desk()
    desk.handle(body())
    desk.finish(status)
    assert desk.handle(body("data/A/y.csv")) == ["started"]


def test_a_stopping_execution_still_holds_its_dimension() -> None:
    desk = Desk()
    desk.handle(body())
    desk.finish("Stopping")
    assert desk.handle(body("data/A/y.csv")) == ["waiting"]


def test_an_execution_that_is_gone_lets_the_next_one_in() -> None:
    desk = Desk()
    desk.handle(body())
    desk.sagemaker.executions.clear()
    assert desk.handle(body("data/A/y.csv")) == ["started"]


def test_a_second_search_runs_in_the_pipeline_that_continues_the_first_and_says_so() -> None:
    desk = Desk()
    desk.sagemaker.definition = json.dumps(DEFINITION)
    assert desk.handle(body()) == ["started"]
    assert desk.outcomes[0]["reason"] == "the search begins from nothing: there is none to continue"
    desk.finish()
    add_version(desk.sagemaker, data="e1", tuning="first", previous="none")
    assert desk.handle(body(etag="e2")) == ["started"]
    first, second = desk.sagemaker.made("StartPipelineExecution")
    assert (first["PipelineName"], second["PipelineName"]) == ("contender", "contender-warm")
    assert {"Name": "PreviousTuningJob", "Value": "first"} in second["PipelineParameters"]
    assert desk.outcomes[0]["reason"] == "the search continues tuning job first"


def test_a_dimension_runs_in_one_of_the_two_pipelines_at_a_time() -> None:
    desk = Desk()
    desk.sagemaker.definition = json.dumps(DEFINITION)
    add_version(desk.sagemaker, data="e1", tuning="first", previous="none")
    assert desk.handle(body(etag="e2"), body("data/A/y.csv")) == ["started", "waiting"]
    desk.finish()
    assert desk.handle(*desk.waiting()) == ["started"]


def test_similar_dimensions_run_side_by_side() -> None:
    desk = Desk()
    assert desk.handle(body("data/SM-1/x.csv"), body("data/SM-10/x.csv")) == ["started", "started"]


def test_at_the_accounts_limit_uploads_wait_and_their_dimension_stays_free() -> None:
    desk = Desk()
    desk.sagemaker.capacity = 1
    assert desk.handle(body("data/A/x.csv"), body("data/B/x.csv")) == ["started", "waiting"]
    assert set(desk.dynamodb.items) == {"A"}
    desk.finish()
    assert desk.handle(*desk.waiting()) == ["started"]


def test_throttling_is_waited_out() -> None:
    desk = Desk()
    desk.sagemaker.refusals["StartPipelineExecution"] = client_error("x", "ThrottlingException", "Rate exceeded")
    assert desk.handle(body()) == ["waiting"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (body("data/x.csv"), "not of the form data/<dimension>/<file>.csv"),
        (body("data/A/"), "names no .csv file"),
        (body("data/a_b/x.csv"), "dimension 'a_b' cannot be a name"),
        (body("other/A/x.csv"), "not under 'data/'"),
        (body(f"data/A/{'x' * 1020}.csv"), "use up to 100"),
        ("{", "not an S3 event from EventBridge"),
        ("[]", "not an S3 event from EventBridge"),
        ('{"Records": []}', "not an S3 event from EventBridge"),
    ],
)
def test_what_is_no_upload_goes_to_the_dead_letter_queue_with_the_reason(bad: str, says: str) -> None:
    desk = Desk()
    assert desk.handle(bad) == ["refused"]
    (message,) = desk.sqs.sent_to(DEAD)
    assert message["MessageBody"] == bad
    assert says in message["MessageAttributes"]["Reason"]["StringValue"]
    assert says in desk.outcomes[0]["reason"]
    assert desk.reply == {"batchItemFailures": []}
    assert not desk.dynamodb.items


def test_an_empty_file_is_let_through_so_that_its_execution_says_what_is_wrong() -> None:
    assert Desk().handle(body(size=0)) == ["started"]


def test_keys_are_taken_as_they_are() -> None:
    desk = Desk()
    desk.handle(body("data/A/a+b @20c.csv"))
    (request,) = desk.sagemaker.made("StartPipelineExecution")
    assert {"Name": "InputDataUri", "Value": "s3://contender-data/data/A/a+b @20c.csv"} in request["PipelineParameters"]


def test_any_other_failure_leaves_only_that_message_in_the_queue() -> None:
    desk = Desk()
    desk.sagemaker.refusals["StartPipelineExecution"] = client_error("x", "ResourceNotFound", "no pipeline contender")
    assert desk.handle(body("data/x.csv"), body()) == ["refused", "failed"]
    assert desk.reply == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert "no pipeline contender" in desk.outcomes[1]["reason"]
    assert not desk.dynamodb.items


def test_after_a_server_error_the_claim_stays_for_the_same_upload() -> None:
    desk = Desk()
    desk.sagemaker.refusals["StartPipelineExecution"] = client_error("x", "InternalFailure", "oops", status=500)
    assert desk.handle(body(), body("data/A/y.csv")) == ["failed", "waiting"]
    desk.sagemaker.refusals.clear()
    assert desk.handle(body()) == ["started"]


def test_a_claim_that_nobody_came_back_for_lapses() -> None:
    desk = Desk()
    desk.sagemaker.refusals["StartPipelineExecution"] = client_error("x", "InternalFailure", "oops", status=500)
    desk.handle(body())
    desk.sagemaker.refusals.clear()
    assert desk.handle(body("data/A/y.csv")) == ["waiting"]
    desk.now = NOW + timedelta(minutes=31)
    assert desk.handle(body("data/A/y.csv")) == ["started"]


def test_two_uploads_that_find_the_same_finished_execution_do_not_both_start() -> None:
    desk = Desk()
    desk.handle(body())
    desk.finish()
    rival = Starter(SETTINGS, desk.sagemaker, desk.sqs, desk.dynamodb)
    describe = desk.sagemaker.describe_pipeline_execution

    def slow(**request: Any) -> Any:
        desk.sagemaker.describe_pipeline_execution = describe  # type: ignore[method-assign]
        found = describe(**request)
        rival.handle(body("data/A/rival.csv"), NOW)
        return found

    desk.sagemaker.describe_pipeline_execution = slow  # type: ignore[method-assign]
    assert desk.handle(body("data/A/y.csv")) == ["waiting"]
    assert len(desk.sagemaker.running("A")) == 1


@pytest.mark.parametrize("fake", ["sagemaker", "sqs", "dynamodb"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("call", range(1, 9))
def test_killed_anywhere_every_upload_is_run_once_and_alone(fake: str, before: bool, call: int) -> None:
    desk = Desk()
    queue = [body("data/A/x.csv"), body("data/A/y.csv"), body("data/bad.csv"), body("data/B/x.csv")]
    getattr(desk, fake).process.kill_at = (call, before)
    for delivery in range(60):
        message = queue.pop(0)
        with contextlib.suppress(Killed):
            desk.starter.handle(message, desk.now)
            message = ""
        queue += [message] if message else []
        queue += desk.waiting()
        assert len(desk.sagemaker.running("A")) <= 1
        if delivery % 5 == 4:
            desk.finish()
        if not queue:
            break
    assert not queue
    started = [
        execution["request"]["PipelineParameters"][1]["Value"] for execution in desk.sagemaker.executions.values()
    ]
    assert sorted(started) == [f"s3://contender-data/data/{file}.csv" for file in ("A/x", "A/y", "B/x")]
    assert {message["MessageBody"] for message in desk.sqs.sent_to(DEAD)} == {body("data/bad.csv")}
