"""Killed or stopped at any moment, MiniStack comes back with what it acknowledged."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contender.local.launcher.ministack import in_saving_order
from contender.local.launcher.processes import alive, identify
from tests.local.ministack_resources import (
    deliver_events_to_a_queue,
    delivered,
    invoke,
    next_event,
    put_function,
    put_stream,
    text_of,
    upload,
)
from tests.local.running import MiniStack, eventually


def test_queues_are_saved_right_after_the_tables_that_say_what_their_messages_told() -> None:
    from ministack import app

    services = dict.fromkeys(sorted(app._state_map, reverse=True))
    groups = list(in_saving_order(services))
    assert list(groups[0]) == ["dynamodb", "sqs"]
    assert sorted(service for group in groups for service in group) == sorted(services)


def test_a_killed_one_comes_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        before = _fill(running)
        state = tmp_path / "ministack" / "state"
        written = {"dynamodb": "last-item", "sqs": "held", "cloudwatch_logs": "last line", "cloudwatch": "2.5"}
        eventually(lambda: all(last in text_of(state / f"{service}.json") for service, last in written.items()))
        worker = invoke(running, "survivor")["pid"]
        running.kill()
        eventually(lambda: identify(worker) is None)
        leftover = tmp_path / "ministack" / "tmp" / "leftover"
        leftover.touch()
        running.start()
        assert _contents(running) == before
        assert not leftover.exists()
        assert invoke(running, "survivor")["pid"] != worker
    finally:
        running.close()


def test_a_lambda_that_is_at_work_when_it_is_killed_does_not_go_on_in_the_next_one(tmp_path: Path) -> None:
    """What it has done so far is lost: had it gone on, half of its work would have been told as all of it."""
    started = tmp_path / "started"
    source = (
        "import os, pathlib, time\n"
        "def handler(event, context):\n"
        f"    pathlib.Path({str(tmp_path)!r}, 'writing').write_text(str(os.getpid()))\n"
        f"    os.rename({str(tmp_path / 'writing')!r}, {str(started)!r})\n"
        "    time.sleep(60)\n"
    )
    running = MiniStack(tmp_path)
    running.start()
    try:
        put_function(running, "busy", source)
        running.client("lambda").invoke(FunctionName="busy", InvocationType="Event")
        eventually(started.exists)
        worker = identify(int(started.read_text()))
        assert worker is not None
        running.kill()
        assert alive(worker)
        running.start()
        assert not alive(worker)
    finally:
        running.close()


def test_a_kill_right_after_an_upload_loses_no_event(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        queue = deliver_events_to_a_queue(running)
        keys = [upload(running, f"bucket-{number}", versioned=True)["VersionId"] for number in range(2)]
        eventually(lambda: "bucket-1" in text_of(tmp_path / "ministack" / "state" / "s3.json"))
        s3 = running.client("s3")
        keys += [s3.put_object(Bucket="bucket-1", Key=f"{number}", Body=b"")["VersionId"] for number in range(5)]
        running.kill()
        running.start()
        found: dict[str, set[str]] = {}
        while len(found) < len(keys):
            item = next_event(running, queue)["detail"]["object"]
            found.setdefault(item["version-id"], set()).add(item["sequencer"])
        assert set(found) == set(keys)
        assert all(len(sequencers) == 1 for sequencers in found.values()), "what is delivered again is the same event"
        eventually(lambda: text_of(tmp_path / "ministack" / "events.jsonl") == "")
    finally:
        running.close()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_ending_right_after_a_record_was_taken_loses_none(tmp_path: Path, end: str) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        put_stream(running, "kept")
        state = tmp_path / "ministack" / "state"
        eventually(lambda: "kept" in text_of(state / "firehose.json") and "kept" in text_of(state / "s3.json"))
        firehose = running.client("firehose")
        lines = [f"{number}\n".encode() for number in range(30)]
        for line in lines:
            firehose.put_record(DeliveryStreamName="kept", Record={"Data": line})
        getattr(running, end)()
        running.start()
        delivered(running, "kept", b"".join(lines))
        eventually(lambda: text_of(tmp_path / "ministack" / "records.jsonl") == "")
    finally:
        running.close()


def test_a_message_that_was_in_flight_when_it_was_killed_comes_back_at_once(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        sqs = running.client("sqs")
        queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="received")
        sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        eventually(lambda: message["ReceiptHandle"] in text_of(tmp_path / "ministack" / "state" / "sqs.json"))
        running.kill()
        running.start()
        again = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        assert [each["Body"] for each in again] == ["received"]
    finally:
        running.close()


def test_a_clean_stop_keeps_the_last_write(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        running.client("ssm").put_parameter(Name="last", Value="word", Type="String")
        running.stop()
        running.start()
        assert running.client("ssm").get_parameter(Name="last")["Parameter"]["Value"] == "word"
    finally:
        running.close()


def _fill(running: MiniStack) -> dict[str, Any]:
    s3 = running.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="kept", Key="a", Body=b"first", Metadata={"note": "kept too"})
    s3.put_object(Bucket="kept", Key="a", Body=b"second", Metadata={"note": "kept too"})
    put_function(running, "survivor")
    queue = running.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    running.client("sqs").send_message(QueueUrl=queue, MessageBody="held", DelaySeconds=900)
    dynamodb = running.client("dynamodb")
    dynamodb.create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="kept", Item={"id": {"S": "last-item"}})
    logs = running.client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="kept")
    events = [{"timestamp": int(time.time() * 1000), "message": text} for text in ("first line", "last line")]
    logs.put_log_events(logGroupName="kept", logStreamName="kept", logEvents=events)
    metric = {"MetricName": "kept", "Values": [1.0, 2.5]}
    running.client("cloudwatch").put_metric_data(Namespace="kept", MetricData=[metric])
    return _contents(running)


def _contents(running: MiniStack) -> dict[str, Any]:
    s3, sqs = running.client("s3"), running.client("sqs")
    queue = sqs.list_queues()["QueueUrls"][0]
    versions = s3.list_object_versions(Bucket="kept")["Versions"]
    lines = running.client("logs").get_log_events(logGroupName="kept", logStreamName="kept")["events"]
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    values = running.client("cloudwatch").get_metric_statistics(
        Namespace="kept", MetricName="kept", StartTime=now - hour, EndTime=now + hour, Period=7200, Statistics=["Sum"]
    )
    return {
        "lines": [each["message"] for each in lines],
        "sums": [each["Sum"] for each in values["Datapoints"]],
        "objects": [s3.get_object(Bucket="kept", Key="a", VersionId=v["VersionId"])["Body"].read() for v in versions],
        "metadata": s3.head_object(Bucket="kept", Key="a")["Metadata"],
        "items": running.client("dynamodb").scan(TableName="kept")["Items"],
        "waiting": sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"])[
            "Attributes"
        ],
        "functions": [each["FunctionName"] for each in running.client("lambda").list_functions()["Functions"]],
    }
