"""Files to predictions: bucket, queue, endpoint, table; a row is one item, a message many rows.

A file that is larger than `inference.max_file_mb` is scored by jobs of the batch pipeline, and its result brought in.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from contender.config import Settings
from contender.cost.assumptions import DAYS_PER_MONTH, HOURS_PER_MONTH
from contender.cost.case import POLLS, Case, Line
from contender.cost.pipelines import LAMBDA_MB, LAMBDA_MS, VOLUME_GB, Job
from contender.scoring.chunk import most_rows

PART = "inference"
MESSAGE_CALLS = 3
"""Sent, received, deleted, each at most ten at once; counted alone, as they may come."""
MESSAGE_MS, MESSAGE_MS_PER_ROW, MESSAGE_MB = 200, 1.3, 1024
"""Most of it writing the answers."""
FILE_MS, FILE_MB = 2_000, 1769
FILE_CALLS = 1
"""And once more when the batch pipeline has ended."""
OBJECT_WRITES = 3
"""The upload, its copy among the processed, a report."""
BATCH_OBJECTS = 10
"""More for a file of the batch pipeline: a copy that it reads, and what its jobs write."""
BATCH_COPIES = 2
"""Times such a file's rows are in S3 besides: as the model reads them, and in the result."""
QUEUES = 2
"""Of files, and of messages."""
ITEM_BYTES = 300
ALARMS = 1


def lines(case: Case) -> Iterator[Line]:
    settings, assumed = case.settings.inference, case.assumed
    if not settings.enabled:
        return
    batch = by_batch(case)
    per_message = most_rows(settings.rows_per_message, scored=batch)
    rows, messages = case.files * assumed.rows_per_file, case.files * ceil(assumed.rows_per_file / per_message)
    yield case.line(PART, "predictions written", rows, "table_writes", lower="fewer or smaller files to predict")
    in_table = settings.keep_days / DAYS_PER_MONTH or assumed.months_kept
    stored = rows * ITEM_BYTES / 1e9 * in_table
    yield case.line(PART, "predictions kept", stored, "table_storage", lower="fewer inference.keep_days")
    yield case.line(PART, "queues", QUEUES * POLLS + messages * MESSAGE_CALLS, "queue_calls")
    ms = MESSAGE_MS + MESSAGE_MS_PER_ROW * (rows / messages if messages else 0)
    yield from case.computing(PART, "messages", messages, ms, MESSAGE_MB)
    yield from case.computing(PART, "files", case.files * (FILE_CALLS + batch), FILE_MS, FILE_MB)
    yield case.line(PART, "notices of files", case.files, "object_events")
    yield case.line(PART, "files written", case.files * (OBJECT_WRITES + BATCH_OBJECTS * batch), "object_writes")
    copies = 1 + BATCH_COPIES * batch
    in_bucket = rows * assumed.row_bytes * copies / 1e9 * assumed.months_kept
    yield case.line(PART, "files kept", in_bucket, "object_storage")
    yield case.line(PART, "alarms", ALARMS, "alarms")
    if batch:
        yield from _batch(case)


def by_batch(case: Case) -> bool:
    """Whether a typical file is larger than what is asked of endpoints."""
    return case.assumed.rows_per_file * case.assumed.row_bytes > case.settings.inference.max_file_mb * 1e6


def batch_jobs(settings: Settings) -> Iterator[Job]:
    """The jobs of one file, in the order of the pipeline; nobody is compared with."""
    yield Job("Prepare", settings.processing.instance_type)
    yield Job("ScoreChampion", settings.checks.model_instance_type)
    yield Job("Collect", settings.processing.instance_type)


def _batch(case: Case) -> Iterator[Line]:
    hours_each = case.assumed.minutes_per_job / 60
    hours = 0.0
    for job in batch_jobs(case.settings):
        used = case.files * hours_each
        lower = "fewer files to predict, or none above inference.max_file_mb"
        yield case.hours(PART, job.step, used, job.instance_type, lower=lower)
        hours += used
    yield case.line(PART, "volumes", hours / HOURS_PER_MONTH * VOLUME_GB, "ml_volume")
    yield from case.computing(PART, "lookup", case.files, LAMBDA_MS, LAMBDA_MB)
