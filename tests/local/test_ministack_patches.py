"""Each private name of MiniStack that we touch, seen from outside: an upgrade that moves one fails here."""

from __future__ import annotations

import contextvars
import json
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    running = MiniStack(tmp_path_factory.mktemp("ministack"))
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def queue(ministack: MiniStack) -> str:
    return deliver_events_to_a_queue(ministack)


def put_rule(ministack: MiniStack, name: str, source: str) -> None:
    """A function that events from `test.<name>` call."""
    arn, events = put_function(ministack, name, source), ministack.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"test.{name}"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn}])


def put_event(ministack: MiniStack, name: str) -> None:
    entry = {"Source": f"test.{name}", "DetailType": "any", "Detail": "{}"}
    ministack.client("events").put_events(Entries=[entry])


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
    eventually(lambda: text_of(tries) == "xx")


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
    eventually(lambda: len(list(tmp_path.iterdir())) == 8 and all(map(text_of, tmp_path.iterdir())))
    assert len({text_of(path) for path in tmp_path.iterdir()}) == 2


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
