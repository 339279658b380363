"""What tests make on a MiniStack, and look at: functions, uploads, their events, delivery streams."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.local.running import MiniStack, eventually

FUNCTION = """
import os
def handler(event, context):
    print("called")
    return {"pid": os.getpid(), **{k: v for k, v in os.environ.items() if k.startswith("AWS_ENDPOINT_URL")}}
"""


def deliver_events_to_a_queue(ministack: MiniStack) -> str:
    """The URL of a queue that all events of S3 and SageMaker are delivered to."""
    sqs, events = ministack.client("sqs"), ministack.client("events")
    url = str(sqs.create_queue(QueueName="events")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="events", EventPattern=json.dumps({"source": ["aws.s3", "aws.sagemaker"]}))
    events.put_targets(Rule="events", Targets=[{"Id": "queue", "Arn": arn}])
    return url


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


def invoke(ministack: MiniStack, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.load(ministack.client("lambda").invoke(FunctionName=name)["Payload"])
    return answer


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


def text_of(path: Path) -> str:
    """A file's text, "" if there is none."""
    return path.read_text() if path.exists() else ""
