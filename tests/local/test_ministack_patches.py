"""Each private name of MiniStack that we touch, seen from outside: an upgrade that moves one fails here."""

from __future__ import annotations

import contextvars
import gzip
import io
import json
import time
import urllib.error
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from contender.local.launcher.ministack import in_saving_order
from contender.local.launcher.processes import alive, identify
from tests.local.running import MiniStack, eventually

FUNCTION = """
import os
def handler(event, context):
    print("called")
    return {"pid": os.getpid(), **{k: v for k, v in os.environ.items() if k.startswith("AWS_ENDPOINT_URL")}}
"""


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    running = MiniStack(tmp_path_factory.mktemp("ministack"))
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def queue(ministack: MiniStack) -> str:
    return deliver_events_to_a_queue(ministack)


def deliver_events_to_a_queue(ministack: MiniStack) -> str:
    """The URL of a queue that all events of S3 and SageMaker are delivered to."""
    sqs, events = ministack.client("sqs"), ministack.client("events")
    url = str(sqs.create_queue(QueueName="events")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="events", EventPattern=json.dumps({"source": ["aws.s3", "aws.sagemaker"]}))
    events.put_targets(Rule="events", Targets=[{"Id": "queue", "Arn": arn}])
    return url


def test_queues_are_saved_right_after_the_tables_that_say_what_their_messages_told() -> None:
    from ministack import app

    services = dict.fromkeys(sorted(app._state_map, reverse=True))
    groups = list(in_saving_order(services))
    assert list(groups[0]) == ["dynamodb", "sqs"]
    assert sorted(service for group in groups for service in group) == sorted(services)


def next_event(ministack: MiniStack, queue: str) -> dict[str, Any]:
    sqs = ministack.client("sqs")
    messages = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    event: dict[str, Any] = json.loads(messages[0]["Body"])
    return event


def upload(ministack: MiniStack, bucket: str, *, versioned: bool) -> dict[str, Any]:
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=bucket)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    answer: dict[str, Any] = s3.put_object(Bucket=bucket, Key="data/SM-1/a file.csv", Body=b"1,2")
    return answer


def put_function(ministack: MiniStack, name: str, source: str = FUNCTION) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("work.py", source)
    created = ministack.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="work.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": code.getvalue()},
    )
    return str(created["FunctionArn"])


def put_rule(ministack: MiniStack, name: str, source: str) -> None:
    """A function that events from `test.<name>` call."""
    arn, events = put_function(ministack, name, source), ministack.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"test.{name}"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn}])


def put_event(ministack: MiniStack, name: str) -> None:
    entry = {"Source": f"test.{name}", "DetailType": "any", "Detail": "{}"}
    ministack.client("events").put_events(Entries=[entry])


def invoke(ministack: MiniStack, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.load(ministack.client("lambda").invoke(FunctionName=name)["Payload"])
    return answer


def test_the_version_is_the_one_the_patches_were_written_for() -> None:
    assert version("ministack") == "1.5.33"


def test_an_event_of_an_aws_service_reaches_a_rule(ministack: MiniStack, queue: str) -> None:
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Endpoint State Change",
        "Detail": json.dumps({"EndpointName": "contender-SM-1"}),
        "Resources": ["arn:aws:sagemaker:us-east-1:000000000000:endpoint/contender-sm-1"],
    }
    answer = json.loads(ministack.post("/_contender/events", json.dumps({"Entries": [entry]}).encode()))
    assert answer["FailedEntryCount"] == 0
    event = next_event(ministack, queue)
    assert (event["source"], event["detail-type"]) == ("aws.sagemaker", "SageMaker Endpoint State Change")
    assert event["detail"] == {"EndpointName": "contender-SM-1"}
    assert event["resources"] == entry["Resources"]
    assert (event["account"], event["region"]) == ("000000000000", "us-east-1")


def test_the_public_door_still_refuses_aws_sources(ministack: MiniStack) -> None:
    entry = {"Source": "aws.sagemaker", "DetailType": "any", "Detail": "{}"}
    assert ministack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Entries": [{"Source": "aws.s3", "Detail": "no JSON"}]}'])
def test_what_is_no_event_is_refused_with_the_shape(ministack: MiniStack, body: bytes) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ministack.post("/_contender/events", body)
    assert refused.value.code == 400
    assert b"Entries" in refused.value.read()


def test_an_upload_to_a_versioned_bucket_names_its_version(ministack: MiniStack, queue: str) -> None:
    answer = upload(ministack, "versioned", versioned=True)
    uploaded = next_event(ministack, queue)["detail"]["object"]
    assert uploaded["version-id"] == answer["VersionId"]
    assert uploaded["etag"] == answer["ETag"].strip('"')
    assert uploaded["key"] == "data/SM-1/a file.csv"
    assert uploaded["sequencer"]


def test_an_upload_to_a_plain_bucket_names_no_version(ministack: MiniStack, queue: str) -> None:
    upload(ministack, "plain", versioned=False)
    assert "version-id" not in next_event(ministack, queue)["detail"]["object"]


def test_a_rules_lambda_that_fails_is_tried_again(ministack: MiniStack, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    put_rule(
        ministack,
        "failing",
        f"""
def handler(event, context):
    with open({str(tries)!r}, "a") as file:
        file.write("x")
    assert open({str(tries)!r}).read() == "xx", "not yet"
    print("done")
""",
    )
    put_event(ministack, "failing")
    eventually(lambda: _text(tries) == "xx")


def test_a_burst_of_events_is_handled_by_two_processes(ministack: MiniStack, tmp_path: Path) -> None:
    put_rule(
        ministack,
        "burst",
        f"""
import os, time
def handler(event, context):
    time.sleep(0.05)
    with open({str(tmp_path)!r} + "/" + event["id"], "w") as file:
        file.write(str(os.getpid()))
    print("done")
""",
    )
    for _ in range(8):
        put_event(ministack, "burst")
    eventually(lambda: len(list(tmp_path.iterdir())) == 8 and all(map(_text, tmp_path.iterdir())))
    assert len({_text(path) for path in tmp_path.iterdir()}) == 2


def test_a_caller_that_waits_need_not_wait_its_turn(ministack: MiniStack) -> None:
    """A function that calls itself and waits would wait for ever if its own calls queued."""
    put_function(
        ministack,
        "recursive",
        """
import boto3, json
def handler(event, context):
    print("called")
    depth = event["depth"]
    if depth == 0:
        return 0
    payload = json.dumps({"depth": depth - 1})
    answer = boto3.client("lambda").invoke(FunctionName="recursive", Payload=payload)
    return 1 + json.load(answer["Payload"])
""",
    )
    answer = ministack.client("lambda").invoke(FunctionName="recursive", Payload=b'{"depth": 3}')
    assert json.load(answer["Payload"]) == 3


def test_clients_of_an_api_share_four_processes(ministack: MiniStack) -> None:
    source = """
import json, os, time
def handler(event, context):
    print("called")
    time.sleep(0.1)
    return {"statusCode": 200, "body": json.dumps(os.getpid())}
"""
    arn = put_function(ministack, "behind-an-api", source)
    gateway = ministack.client("apigateway")
    api = gateway.create_rest_api(name="shared")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="POST", authorizationType="NONE")
    gateway.put_integration(
        restApiId=api,
        resourceId=root,
        httpMethod="POST",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    gateway.create_deployment(restApiId=api, stageName="live")
    with ThreadPoolExecutor(12) as clients:
        answers = clients.map(lambda _: ministack.post(f"/_aws/execute-api/{api}/live/", b"{}"), range(24))
        assert 1 <= len(set(answers)) <= 4


def test_metrics_of_sagemaker_are_taken(ministack: MiniStack) -> None:
    cloudwatch = ministack.client("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": "contender-SM-1"}, {"Name": "VariantName", "Value": "v1"}]
    metric = {"MetricName": "Invocations", "Value": 3, "Unit": "Count", "Dimensions": dimensions}
    cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=[metric])
    assert cloudwatch.list_metrics(Namespace="AWS/SageMaker")["Metrics"][0]["Dimensions"] == dimensions


def test_a_lambda_finds_every_service_whatever_the_callers_shell_says(ministack: MiniStack) -> None:
    put_function(ministack, "finder")
    seen = invoke(ministack, "finder")
    del seen["pid"]
    assert seen == {
        "AWS_ENDPOINT_URL": ministack.url,
        "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://127.0.0.1:2",
    }


def test_a_killed_one_comes_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        before = _fill(running)
        state = tmp_path / "ministack" / "state"
        written = {"dynamodb": "last-item", "sqs": "held", "cloudwatch_logs": "last line", "cloudwatch": "2.5"}
        eventually(lambda: all(last in _text(state / f"{service}.json") for service, last in written.items()))
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
        eventually(lambda: "bucket-1" in _text(tmp_path / "ministack" / "state" / "s3.json"))
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
        eventually(lambda: _text(tmp_path / "ministack" / "events.jsonl") == "")
    finally:
        running.close()


def test_dynamodb_adds_as_exactly_as_on_aws(ministack: MiniStack) -> None:
    dynamodb = ministack.client("dynamodb")
    dynamodb.create_table(
        TableName="sums",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    large = "99999999999999999999999999.000000000001"  # 38 digits
    add = {
        "TableName": "sums",
        "Key": {"id": {"S": "sum"}},
        "UpdateExpression": "ADD added :more",
        "ExpressionAttributeValues": {":more": {"N": large}},
    }
    dynamodb.update_item(**add)
    dynamodb.transact_write_items(
        TransactItems=[{"Update": {**add, "ExpressionAttributeValues": {":more": {"N": "-0.000000000002"}}}}]
    )
    item = dynamodb.get_item(TableName="sums", Key={"id": {"S": "sum"}})["Item"]
    assert Decimal(item["added"]["N"]) == Decimal("99999999999999999999999998.999999999999")


def test_records_of_a_delivery_stream_come_together(ministack: MiniStack) -> None:
    put_stream(ministack, "together")
    firehose = ministack.client("firehose")
    lines = [f"{number}\n".encode() for number in range(50)]
    for line in lines[:10]:
        firehose.put_record(DeliveryStreamName="together", Record={"Data": line})
    batch = firehose.put_record_batch(DeliveryStreamName="together", Records=[{"Data": line} for line in lines[10:]])
    assert batch["FailedPutCount"] == 0
    objects = delivered(ministack, "together", b"".join(lines))
    assert len(objects) < 5
    assert all(key.startswith("events/20") for key in objects)


def test_a_delivery_stream_compresses_its_objects_if_it_shall(ministack: MiniStack) -> None:
    put_stream(ministack, "zipped", CompressionFormat="GZIP")
    ministack.client("firehose").put_record(DeliveryStreamName="zipped", Record={"Data": b"line\n"})
    ((key, body),) = delivered(ministack, "zipped", b"line\n").items()
    assert key.endswith(".gz")
    assert body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_ending_right_after_a_record_was_taken_loses_none(tmp_path: Path, end: str) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        put_stream(running, "kept")
        state = tmp_path / "ministack" / "state"
        eventually(lambda: "kept" in _text(state / "firehose.json") and "kept" in _text(state / "s3.json"))
        firehose = running.client("firehose")
        lines = [f"{number}\n".encode() for number in range(30)]
        for line in lines:
            firehose.put_record(DeliveryStreamName="kept", Record={"Data": line})
        getattr(running, end)()
        running.start()
        delivered(running, "kept", b"".join(lines))
        eventually(lambda: _text(tmp_path / "ministack" / "records.jsonl") == "")
    finally:
        running.close()


def put_stream(running: MiniStack, name: str, **destination: str) -> None:
    """A delivery stream into a bucket of its name."""
    running.client("s3").create_bucket(Bucket=name)
    running.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "BucketARN": f"arn:aws:s3:::{name}",
            "RoleARN": "arn:aws:iam::000000000000:role/any",
            "Prefix": "events/!{timestamp:yyyy/MM/dd/HH}/",
            **destination,
        },
    )


def delivered(running: MiniStack, bucket: str, content: bytes) -> dict[str, bytes]:
    """The bucket's objects by key, once they hold all of the content; each part may be there twice."""
    s3 = running.client("s3")

    def objects() -> dict[str, bytes]:
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        bodies = {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}
        text = b"".join(gzip.decompress(body) if key.endswith(".gz") else body for key, body in bodies.items())
        return bodies if sorted(set(text.splitlines())) == sorted(content.splitlines()) else {}

    return eventually(objects)


def test_a_message_that_was_in_flight_when_it_was_killed_comes_back_at_once(tmp_path: Path) -> None:
    running = MiniStack(tmp_path)
    running.start()
    try:
        sqs = running.client("sqs")
        queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="received")
        sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        eventually(lambda: message["ReceiptHandle"] in _text(tmp_path / "ministack" / "state" / "sqs.json"))
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


def _text(path: Path) -> str:
    """A file's text, "" if there is none."""
    return path.read_text() if path.exists() else ""


def test_a_part_of_an_object_version_is_answered_as_a_part(ministack: MiniStack) -> None:
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket="parts")
    s3.put_bucket_versioning(Bucket="parts", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="parts", Key="key", Body=b"one,two")["VersionId"]
    s3.put_object(Bucket="parts", Key="key", Body=b"three")
    answer = s3.get_object(Bucket="parts", Key="key", VersionId=version, Range="bytes=4-5")
    assert (answer["Body"].read(), answer["ContentRange"]) == (b"tw", "bytes 4-5/7")
    assert s3.get_object(Bucket="parts", Key="key", VersionId=version)["Body"].read() == b"one,two"


def test_a_batch_of_messages_is_allowed_by_the_action_of_one() -> None:
    """A role is asked for what IAM knows; see also tests/infra/test_inference.py, where one is enforced."""
    from ministack.core import iam_actions

    from contender.local.launcher import ministack_patches

    original = iam_actions.extract_iam_action
    try:
        ministack_patches.allow_batches_by_their_single_action()
        for batch in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility"):
            headers = {"x-amz-target": f"AmazonSQS.{batch}Batch"}
            assert iam_actions.extract_iam_action("sqs", "POST", "/", headers, b"{}", {}) == f"sqs:{batch}"
        headers = {"x-amz-target": "DynamoDB_20120810.BatchWriteItem"}
        assert iam_actions.extract_iam_action("dynamodb", "POST", "/", headers, b"{}", {}) == "dynamodb:BatchWriteItem"
    finally:
        iam_actions.extract_iam_action = original


def test_what_comes_over_loopback_counts_as_tls() -> None:
    """Buckets deny all else, and MiniStack speaks no TLS here; tests/infra enforce roles on such buckets."""
    from ministack import app
    from ministack.core import iam_evaluator

    from contender.local.launcher import ministack_patches

    def pinned() -> bool:
        app.pin_request_origin("127.0.0.1", False)
        return bool(iam_evaluator._request_origin.get()[1])

    original = app.pin_request_origin
    try:
        assert not contextvars.copy_context().run(pinned)
        ministack_patches.take_loopback_for_tls()
        assert contextvars.copy_context().run(pinned)
    finally:
        app.pin_request_origin = original


def test_a_policy_can_narrow_metrics_by_their_namespace() -> None:
    from ministack.core import iam_actions

    from contender.local.launcher import ministack_patches

    def asked(action: str, body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = iam_actions.request_tag_context("monitoring", action, body, {})
        return context

    original = iam_actions.request_tag_context
    body = b'{"Namespace": "Contender", "MetricData": []}'
    try:
        assert asked("cloudwatch:PutMetricData", body) == {}
        ministack_patches.tell_namespaces_of_metrics()
        assert asked("cloudwatch:PutMetricData", body) == {"cloudwatch:namespace": "Contender"}
        assert asked("cloudwatch:PutMetricData", b"no JSON") == {}
        assert asked("cloudwatch:ListMetrics", body) == {}
    finally:
        iam_actions.request_tag_context = original
