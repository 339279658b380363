"""The count: what becomes of each message, and what the log line says of its file."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody

from contender.lambdas.count import FileCounter, answer, file_of
from tests.measurements.test_metrics import CloudWatch
from tests.measurements.world import World


class Bucket:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        body = self.files[Key]
        return {"Body": StreamingBody(io.BytesIO(body), len(body))}


class Function:
    """The handler with fake clients; messages come as SQS hands them over."""

    def __init__(self) -> None:
        self.world = World()
        self.bucket = Bucket()
        self.cloudwatch: Any = CloudWatch()

    def put(self, key: str, *lines: bytes) -> str:
        self.bucket.files[key] = b"".join(lines)
        return message(key)

    def call(self, *bodies: str) -> tuple[list[str], list[dict[str, Any]]]:
        """The messages that are to come back, and what became of each."""
        counter = FileCounter(self.bucket, self.cloudwatch, self.world.recorder(), lambda: self.world.now)
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        reply, outcomes = answer(counter, {"Records": records})
        json.dumps(outcomes)
        return [failure["itemIdentifier"] for failure in reply["batchItemFailures"]], outcomes


def message(key: str) -> str:
    detail = {"bucket": {"name": "contender-events"}, "object": {"key": key, "size": 1, "sequencer": "00"}}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def test_a_file_is_counted_and_the_log_line_says_so() -> None:
    function = Function()
    world = function.world
    body = function.put("events/1", world.request("a").line(), world.reward("a").line(), b"no event\n")
    failures, (outcome,) = function.call(body)
    assert failures == []
    assert outcome == {
        "message": "0",
        "file": "s3://contender-events/events/1",
        "outcome": "counted",
        "events": {"counted": 1, "credited": 1, "malformed": 1},
        "refused": ["line 3: the line is not JSON"],
    }
    assert world.total("v1").judged.n == 1


def test_a_file_delivered_again_counts_nothing_and_tells_no_metric() -> None:
    function = Function()
    body = function.put("events/1", function.world.request("a").line())
    function.call(body)
    told = function.cloudwatch.sums()
    failures, outcomes = function.call(body, body)
    assert failures == []
    assert [outcome["events"] for outcome in outcomes] == [{"duplicate": 1}, {"duplicate": 1}]
    assert function.cloudwatch.sums() == told
    assert function.world.total("v1").judged.n == 1


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "contender-events"}),
        json.dumps({"detail": {"bucket": "contender-events"}}),
        json.dumps({"detail": {"bucket": {"name": 3}, "object": {"key": "a"}}}),
        json.dumps(["detail"]),
        "no JSON",
        "",
    ],
)
def test_a_message_about_no_file_is_done_with(body: str) -> None:
    failures, (outcome,) = Function().call(body)
    assert failures == []
    assert outcome["outcome"] == "ignored"
    assert file_of(body) is None


def test_a_file_that_cannot_be_read_comes_back_and_the_others_are_counted() -> None:
    function = Function()
    body = function.put("events/1", function.world.request("a").line())
    failures, outcomes = function.call(message("events/none"), body)
    assert failures == ["0"]
    assert outcomes[0]["reason"].startswith("ClientError")
    assert outcomes[1]["outcome"] == "counted"


def test_what_was_counted_before_an_error_is_told_and_not_counted_again() -> None:
    function = Function()
    world = function.world
    body = function.put("events/1", *(world.request(str(number)).line() for number in range(100)))
    writes = 0

    def fail(operation: str) -> None:
        nonlocal writes
        writes += operation == "transact_write_items"
        if writes == 2:
            writes += 1
            raise EndpointConnectionError(endpoint_url="dynamodb")

    world.dynamodb.before = fail
    assert function.call(body)[0] == ["0"]
    assert function.cloudwatch.sums() == {("Invocations", "contender-SM-1", "v1"): 40}
    failures, (outcome,) = function.call(body)
    assert (failures, outcome["events"]) == ([], {"duplicate": 40, "counted": 60})
    assert function.cloudwatch.sums() == {("Invocations", "contender-SM-1", "v1"): 100}
    assert world.total("v1").judged.n == 100


def test_metrics_that_cloudwatch_does_not_take_cost_no_counts() -> None:
    class Silent:
        def put_metric_data(self, **request: Any) -> None:
            raise EndpointConnectionError(endpoint_url="cloudwatch")

    function = Function()
    function.cloudwatch = Silent()
    failures, (outcome,) = function.call(function.put("events/1", function.world.request("a").line()))
    assert failures == []
    assert outcome["metrics"].startswith("lost: Could not connect")
    assert function.world.total("v1").judged.n == 1
