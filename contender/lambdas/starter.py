"""Starts one pipeline execution for every uploaded file; a dimension never runs twice at the same time.

    S3 "Object Created" ─► EventBridge ─► queue ─► here ─► StartPipelineExecution

Each message ends in exactly one way, and none is lost:

    started     the execution runs; delivered again, the same upload finds its token and starts nothing
    duplicate   it was started before
    waiting     its dimension or the account is busy: a delayed copy goes into the queue, then this one is done.
                A copy counts from zero, so waiting never sends it to the dead-letter queue
    refused     not an upload of ours: into the dead-letter queue with the reason, then done
    failed      anything else: it stays in the queue, comes back, and ends in the dead-letter queue after some tries

What an execution is started with: `contender/executions/request.py`.
The queue is not FIFO: a rule has one MessageGroupId for all its messages, so groups by dimension cannot be had.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from contender.errors import DataError, NamingError
from contender.executions import request
from contender.executions.dimension_lock import Claim, DimensionLock
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import StarterSettings
from contender.naming import Names, parse_object_key

DRIFT = "drift"
"""The `reason` of an event that the drift function sends; S3's own are names of its operations."""
MAX_URI = 256
"""It is recorded with the version, in a property of at most this many characters."""
AT_CAPACITY = frozenset({"ResourceLimitExceeded", "ThrottlingException", "Throttling", "TooManyRequestsException"})


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file. Its token is the same whenever the same event is delivered, and differs for the next upload."""

    dimension: str
    uri: str
    version: str
    token: str
    drifted: bool = False
    """Whether it is here once more because what is asked of the model is not as it was, see `watching/newest.py`."""

    @classmethod
    def from_event(cls, body: str, names: Names, prefix: str) -> Self:
        """Read an S3 event as EventBridge sends it, whose keys are plain text (S3's own notifications encode them)."""
        try:
            detail = json.loads(body)["detail"]
            bucket, item = str(detail["bucket"]["name"]), detail["object"]
            key = str(item["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError("the message is not an S3 event from EventBridge") from error
        dimension = parse_object_key(prefix, key).dimension
        names.endpoint(dimension)
        uri = f"s3://{bucket}/{key}"
        if len(uri) > MAX_URI:
            raise NamingError(f"key {key[:60]!r}… is too long: bucket and key may have {MAX_URI - 6} characters")
        marks = [str(item.get(name, "")) for name in ("version-id", "etag", "sequencer")]
        token = hashlib.sha256("\0".join([bucket, key, *marks]).encode()).hexdigest()
        return cls(dimension, uri, marks[0] or marks[1], token, detail.get("reason") == DRIFT)


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    dimension: str = ""
    execution_arn: str = ""
    reason: str = ""


class Starter:
    """Handles the messages of one batch, one after the other."""

    def __init__(self, settings: StarterSettings, sagemaker: Any, sqs: Any, dynamodb: Any) -> None:
        self._settings = settings
        self._sagemaker = sagemaker
        self._sqs = sqs
        self._lock = DimensionLock(dynamodb, sagemaker, settings.lock_table)

    def handle(self, body: str, now: datetime) -> Outcome:
        """Bring one message to its end. Any exception means: it must come back."""
        try:
            upload = Upload.from_event(body, self._settings.names, self._settings.data_prefix)
        except (DataError, NamingError) as error:
            return self._refuse(body, str(error))
        reasons: list[str] = []
        try:
            claimed = self._lock.start(upload.dimension, upload.token, now, lambda: self._start(upload, reasons))
        except ClientError as error:
            if error.response["Error"]["Code"] not in AT_CAPACITY:
                raise
            return self._wait(body, upload, error.response["Error"].get("Message", "at the account's limit"))
        if claimed.claim is Claim.HELD:
            return self._wait(body, upload, f"dimension {upload.dimension} is busy", claimed.execution_arn)
        name = "duplicate" if claimed.claim is Claim.STARTED_BEFORE else "started"
        return Outcome(name, upload.dimension, claimed.execution_arn, "; ".join(reasons))

    def _start(self, upload: Upload, reasons: list[str]) -> str:
        names = self._settings.names
        definition = json.loads(self._sagemaker.describe_pipeline(PipelineName=names.pipeline)["PipelineDefinition"])
        wanted = request.prepare(
            self._sagemaker,
            names,
            upload.dimension,
            upload.uri,
            upload.version,
            definition,
            drifted=upload.drifted,
        )
        reasons += [wanted.reason] if wanted.reason else []
        return request.send(self._sagemaker, names, wanted, upload.token)

    def _wait(self, body: str, upload: Upload, reason: str, execution_arn: str = "") -> Outcome:
        self._sqs.send_message(
            QueueUrl=self._settings.queue_url, MessageBody=body, DelaySeconds=self._settings.retry_delay_s
        )
        return Outcome("waiting", upload.dimension, execution_arn, reason)

    def _refuse(self, body: str, reason: str) -> Outcome:
        self._sqs.send_message(
            QueueUrl=self._settings.dead_letter_queue_url,
            MessageBody=body,
            MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason}},
        )
        return Outcome("refused", reason=reason)


def answer(starter: Starter, event: Mapping[str, Any], now: datetime) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The batch's failures as SQS wants them, and every message's outcome."""
    outcomes: list[dict[str, str]] = []
    failures: list[dict[str, str]] = []
    for record in event["Records"]:
        try:
            outcome = starter.handle(record["body"], now)
        except Exception as error:
            outcome = Outcome("failed", reason=f"{type(error).__name__}: {error}")
            failures.append({"itemIdentifier": record["messageId"]})
        outcomes.append(
            {
                "message": record["messageId"],
                "outcome": outcome.name,
                "dimension": outcome.dimension,
                "execution": outcome.execution_arn,
                "reason": outcome.reason,
            }
        )
    return {"batchItemFailures": failures}, outcomes


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("starter") as line:
        reply, line["messages"] = answer(_starter(), event, datetime.now(UTC))
        return reply


@functools.cache
def _starter() -> Starter:
    settings = StarterSettings.from_environ(os.environ)
    return Starter(settings, boto3.client("sagemaker"), boto3.client("sqs"), boto3.client("dynamodb"))
