"""Tells people in words what a monitoring execution found, and by setting trains again with the newest data.

    SageMaker Processing Job State Change of a monitoring job that is over ─► DescribeProcessingJob
        violations        DriftViolations in CloudWatch · one message · a message on the queue of uploads, if set
        none              DriftViolations 0, which ends the alarm; nobody is told
        failed, stopped   one message: what serves is not being watched

An hour without requests is none of these: SageMaker starts no job then, and lists the execution as failed for want of
data (`contender monitoring status` shows it). An event may come twice; `contender/watching/told.py` says what holds.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from contender.lambdas.log_line import log_line
from contender.lambdas.watch_settings import DriftSettings
from contender.watching import findings, measure
from contender.watching.alarms import DRIFT, RUNBOOK, VIOLATIONS
from contender.watching.findings import Examination
from contender.watching.newest import knows, newest
from contender.watching.told import Told

OVER = frozenset({"Completed", "Failed", "Stopped"})
MERGE = "groundtruth-merge-"
"""How the jobs are named that only prepare one; what they complete is no result yet."""
MOST_SUBJECT = 100
WHAT = {"data": "requests", "quality": "answers"}


@dataclass(frozen=True, slots=True)
class Clients:
    sagemaker: Any
    s3: Any
    sns: Any
    sqs: Any
    cloudwatch: Any
    dynamodb: Any


class Reporter:
    def __init__(self, settings: DriftSettings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients
        self._told = Told(clients.dynamodb, settings.table)

    def handle(self, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """What was made of an event. Any exception means: it must come back."""
        name = event["detail"]["ProcessingJobName"]
        job = self._clients.sagemaker.describe_processing_job(ProcessingJobName=name)
        seen = findings.examination(job, self._settings.names)
        if seen is None or seen.status not in OVER or (seen.completed and name.startswith(MERGE)):
            return {"job": name, "outcome": "nothing to tell"}
        if not self._told.claim(seen.job_arn, now):
            return {"job": name, "outcome": "told before"}
        try:
            answer = self._report(seen, now)
        except Exception:
            self._told.give_back(seen.job_arn, now)
            raise
        self._told.tell(seen.job_arn, now)
        return {"job": name, "dimension": seen.dimension, "kind": seen.kind, **answer}

    def _report(self, seen: Examination, now: datetime) -> dict[str, Any]:
        if not seen.completed:
            self._send(f"{seen.dimension}: {WHAT[seen.kind]} could not be compared", _failure(seen))
            return {"outcome": "failed", "reason": seen.reason}
        found = findings.sentences(self._clients.s3, seen)
        unmeasured = self._measure(seen, len(found))
        if not found:
            return {"outcome": "as before", "violations": 0, "unmeasured": unmeasured}
        training = self._train(seen, now) if seen.kind == "data" else ""
        self._send(
            f"{seen.dimension}: {len(found)} {'violation' if len(found) == 1 else 'violations'} in its "
            f"{WHAT[seen.kind]}",
            _message(seen, found, training),
        )
        return {
            "outcome": "told",
            "violations": len(found),
            "sentences": found,
            "training": training,
            "unmeasured": unmeasured,
        }

    def _measure(self, seen: Examination, violations: int) -> str:
        dimensions = {"Project": self._settings.names.project, "Dimension": seen.dimension, "Kind": seen.kind}
        return measure.put(self._clients.cloudwatch, VIOLATIONS, violations, dimensions, seen.ended_at)

    def _train(self, seen: Examination, now: datetime) -> str:
        """Ask for a training with the newest upload, once for each; a sentence about it."""
        settings, clients = self._settings, self._clients
        if settings.retrain != "newest":
            return ""
        data = newest(clients.s3, settings.data_bucket, settings.data_prefix, seen.dimension)
        if data is None:
            return f"No training starts: there is no data under {settings.data_prefix}{seen.dimension}/."
        champion = knows(clients.sagemaker, settings.names, seen.dimension, data)
        known = f" The champion, {champion}, was trained on it already: upload newer rows." if champion else ""
        if self._told.trained(seen.dimension, data.token):
            return f"No training starts: drift had one started with {data.uri} before.{known}"
        clients.sqs.send_message(QueueUrl=settings.queue_url, MessageBody=data.message())
        self._told.train(seen.dimension, data.token, now)
        return f"A training with {data.uri} starts as soon as the dimension is free.{known}"

    def _send(self, subject: str, message: str) -> None:
        line = f"{self._settings.names.project} {subject}"
        self._clients.sns.publish(TopicArn=self._settings.topic_arn, Subject=line[:MOST_SUBJECT], Message=message)


def _message(seen: Examination, found: Sequence[str], training: str) -> str:
    what = (
        "What is asked of it is not like the rows that its champion was trained on"
        if seen.kind == "data"
        else "Its answers are not as right as its champion's were on held-out rows"
    )
    parts = [
        f"Dimension {seen.dimension}, endpoint {seen.endpoint}, {seen.begin} to {seen.end}. {what}:",
        findings.listed(found),
        *([training] if training else []),
        f"Report: {seen.report}/\nWhat to do: {RUNBOOK}#{DRIFT}",
    ]
    return "\n\n".join(parts)


def _failure(seen: Examination) -> str:
    reason = seen.reason or "SageMaker gave no reason"
    return (
        f"Dimension {seen.dimension}, endpoint {seen.endpoint}: the job that compares its {WHAT[seen.kind]} with the "
        f"baseline is {seen.status}, so nobody knows whether they are as they were. {reason}\n\n"
        f"Job: {seen.job_arn}\nWhat to do: {RUNBOOK}#monitoring-failed"
    )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("drift") as line:
        reply = _reporter().handle(event, datetime.now(UTC))
        line |= reply
        return reply


@functools.cache
def _reporter() -> Reporter:
    services = ("sagemaker", "s3", "sns", "sqs", "cloudwatch", "dynamodb")
    return Reporter(DriftSettings.from_environ(os.environ), Clients(*(boto3.client(each) for each in services)))
