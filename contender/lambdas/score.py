"""Scores rows of files, many in one request: see `contender/scoring/score.py`.

    queue of rows ─► here ─► endpoint ─► table of predictions

A message whose endpoint gives no answer comes back, after a time that doubles with every try. One that this function
has no time for any more comes back at once.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from contender.lambdas.coming_back import ComingBack, tries
from contender.lambdas.log_line import log_line
from contender.lambdas.pausing import pausing
from contender.lambdas.settings import names_from_environ, read
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.finishing import Finishing
from contender.scoring.score import Parts, Scoring
from contender.scoring.scorer import Scorers
from contender.scoring.store import Store

RETURNED = ("failed", "not begun")
RESERVE_S = 90
"""With less time than this no message is begun, and no further request made to find rows that are refused: what was
answered is still to be written, and a request may take a minute."""
pause = pausing(first_s=0.05, longest_s=5.0)


class Worker:
    """Handles the messages of one batch, one after the other. A message's last try is its `most_tries`."""

    def __init__(self, scoring: Scoring, coming_back: ComingBack, most_tries: int) -> None:
        self._scoring = scoring
        self._coming_back = coming_back
        self._most_tries = most_tries

    def answer(self, event: Mapping[str, Any], context: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The batch's failures as SQS wants them, and every message's outcome."""
        outcomes: list[dict[str, Any]] = []
        failures: list[dict[str, str]] = []
        for record in event["Records"]:
            outcome = self._outcome(record, context)
            if outcome["outcome"] in RETURNED:
                failures.append({"itemIdentifier": record["messageId"]})
            outcomes.append({"message": record["messageId"], **outcome})
        return {"batchItemFailures": failures}, outcomes

    def _outcome(self, record: Mapping[str, Any], context: Any) -> dict[str, Any]:
        def has_time() -> bool:
            return bool(context.get_remaining_time_in_millis() >= RESERVE_S * 1000)

        if not has_time():
            self._coming_back.at(record, 0)
            return {"outcome": "not begun", "reason": "no time was left for this message"}
        count = tries(record)
        try:
            return self._scoring.score(
                record["body"],
                delivered_before=count > 1,
                last_try=count >= self._most_tries,
                has_time=has_time,
            )
        except Exception as error:
            again_after_s = self._coming_back.put_off(record)
            reason = f"{type(error).__name__}: {error}"
            return {"outcome": "failed", "reason": reason, "tries": count, "again_after_s": again_after_s}


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    with log_line("score") as line:
        reply, line["messages"] = _worker().answer(event, context)
        return reply


def _now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def _worker() -> Worker:
    names = names_from_environ(os.environ)
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    # The queue repeats what fails, later and later; a client that waits and repeats by itself only takes time.
    runtime = boto3.client("sagemaker-runtime", config=Config(retries={"max_attempts": 1, "mode": "standard"}))
    queue_url = read(os.environ, "QUEUE_URL")
    table, keep_days = read(os.environ, "PREDICTIONS_TABLE"), int(read(os.environ, "KEEP_DAYS"))
    store = Store(boto3.client("dynamodb"), table, keep_days, pause)
    parts = Parts(
        names=names,
        s3=s3,
        runtime=runtime,
        scorers=Scorers(boto3.client("sagemaker"), s3, names),
        store=store,
        finishing=Finishing(s3, store),
        dead_letters=DeadLetters(sqs, read(os.environ, "DEAD_LETTER_QUEUE_URL")),
        send=lambda body: sqs.send_message(QueueUrl=queue_url, MessageBody=body),
        clock=_now,
    )
    coming_back = ComingBack(sqs, queue_url, int(read(os.environ, "RETRY_DELAY_SECONDS")))
    return Worker(Scoring(parts), coming_back, int(read(os.environ, "TRIES")))
