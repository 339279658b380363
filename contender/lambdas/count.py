"""Counts the events of files that Firehose delivered, each once.

    Firehose ─► S3 "Object Created" ─► EventBridge ─► queue ─► here ─► counters in DynamoDB, metrics in CloudWatch

A message ends in one of three ways:

    counted     the file's events are counted, or were before; what is not an event is in the log line, by code
    ignored     not the event of a file, like the test message S3 sends: nothing can be counted
    failed      anything else: it stays in the queue, comes back, and ends in the dead-letter queue after some tries.
                What was counted of its file stays counted and is not counted again
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contender.lambdas.log_line import log_line
from contender.lambdas.pausing import pausing
from contender.lambdas.settings import read
from contender.measurements import files, metrics
from contender.measurements.recorder import Counted, Recorder

pause = pausing(first_s=0.02, longest_s=1.0)


class FileCounter:
    """Counts one file after the other."""

    def __init__(self, s3: Any, cloudwatch: Any, recorder: Recorder, clock: Callable[[], datetime]) -> None:
        self._s3 = s3
        self._cloudwatch = cloudwatch
        self._recorder = recorder
        self._clock = clock

    def count(self, bucket: str, key: str) -> dict[str, Any]:
        """Count a file; what became of its events. Any exception means: it must come back."""
        refused, counted = files.Refused(), Counted()
        try:
            self._recorder.record(files.read(self._s3, bucket, key, refused), counted)
        finally:
            lost = self._publish(counted)
        return {
            "file": f"s3://{bucket}/{key}",
            "outcome": "counted",
            "events": dict(counted.outcomes + refused.codes),
            **({"refused": refused.examples} if refused.examples else {}),
            **({"metrics": lost} if lost else {}),
        }

    def _publish(self, counted: Counted) -> str:
        try:
            metrics.publish(self._cloudwatch, counted.measured, self._clock())
        except (ClientError, BotoCoreError) as error:
            return f"lost: {error}"
        return ""


def answer(counter: FileCounter, event: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The batch's failures as SQS wants them, and every message's outcome."""
    outcomes: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for record in event["Records"]:
        file = file_of(record["body"])
        try:
            outcome = counter.count(*file) if file else {"outcome": "ignored", "body": record["body"][:200]}
        except Exception as error:
            outcome = {"file": file, "outcome": "failed", "reason": f"{type(error).__name__}: {error}"}
            failures.append({"itemIdentifier": record["messageId"]})
        outcomes.append({"message": record["messageId"], **outcome})
    return {"batchItemFailures": failures}, outcomes


def file_of(body: str) -> tuple[str, str] | None:
    """Bucket and key of the file that an S3 event from EventBridge is about; None for any other message."""
    try:
        detail = json.loads(body)["detail"]
        bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    except (ValueError, KeyError, TypeError):
        return None
    return (bucket, key) if isinstance(bucket, str) and isinstance(key, str) else None


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("count") as line:
        reply, line["messages"] = answer(_counter(), event)
        return reply


def _now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def _counter() -> FileCounter:
    tables = read(os.environ, "EXPERIMENTS_TABLE"), read(os.environ, "EVENTS_TABLE")
    recorder = Recorder(boto3.client("dynamodb"), *tables, _now, pause)
    return FileCounter(boto3.client("s3"), boto3.client("cloudwatch"), recorder, _now)
