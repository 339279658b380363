"""Takes in files that were uploaded to be scored, and the results of large ones: see `contender/scoring/intake.py`.

S3 "Object Created" ───────────────────┐
batch pipeline's execution has ended ──┴─► EventBridge ─► queue of files ─► here ─► queue of rows
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from contender.lambdas.coming_back import ComingBack
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import names_from_environ, read
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.intake import Intake, Limits, Parts
from contender.scoring.refusing import Refusing
from contender.scoring.scorer import Scorers
from contender.scoring.store import Store


def answer(
    intake: Intake, coming_back: ComingBack, event: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The batch's failures as SQS wants them, and every message's outcome."""
    outcomes: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for record in event["Records"]:
        try:
            outcome = intake.take(record["body"])
        except Exception as error:
            again_after_s = coming_back.put_off(record)
            reason = f"{type(error).__name__}: {error}"
            outcome = {"outcome": "failed", "reason": reason, "again_after_s": again_after_s}
            failures.append({"itemIdentifier": record["messageId"]})
        outcomes.append({"message": record["messageId"], **outcome})
    return {"batchItemFailures": failures}, outcomes


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("intake") as line:
        reply, line["messages"] = answer(*_intake(), event)
        return reply


def _now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def _intake() -> tuple[Intake, ComingBack]:
    names = names_from_environ(os.environ)
    s3, sqs, sagemaker = boto3.client("s3"), boto3.client("sqs"), boto3.client("sagemaker")
    limits = Limits(
        rows_per_message=int(read(os.environ, "ROWS_PER_MESSAGE")),
        max_bytes=int(float(read(os.environ, "MAX_FILE_MB")) * 1_000_000),
    )
    store = Store(boto3.client("dynamodb"), read(os.environ, "PREDICTIONS_TABLE"), int(read(os.environ, "KEEP_DAYS")))
    dead_letters = DeadLetters(sqs, read(os.environ, "DEAD_LETTER_QUEUE_URL"))
    coming_back = ComingBack(sqs, read(os.environ, "FILES_QUEUE_URL"), int(read(os.environ, "RETRY_DELAY_SECONDS")))
    parts = Parts(
        names=names,
        limits=limits,
        s3=s3,
        sqs=sqs,
        sagemaker=sagemaker,
        queue_url=read(os.environ, "QUEUE_URL"),
        scorers=Scorers(sagemaker, s3, names),
        store=store,
        refusing=Refusing(s3, store, dead_letters),
        dead_letters=dead_letters,
        clock=_now,
    )
    return Intake(parts), coming_back
