"""Files to predictions: bucket, queue, endpoint, table; a row is one item, a message many rows."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.case import Case, Line

PART = "inference"
ROWS_PER_MESSAGE = 1_000
MESSAGE_CALLS = 3
"""Sent, received, deleted, each at most ten at once; counted alone, as they may come."""
MESSAGE_MS, MESSAGE_MB = 1_500, 1024
"""Most of it writing the answers."""
FILE_MS, FILE_MB = 2_000, 1769
OBJECT_WRITES = 3
"""The upload, its copy among the processed, a report."""
POLLS = 2 * 657_000
"""Lambda's of two queues: of files, and of messages."""
ITEM_BYTES = 300


def lines(case: Case) -> Iterator[Line]:
    if not case.assumed.files_per_day:
        return
    rows = case.files * case.assumed.rows_per_file
    messages, kept = rows / ROWS_PER_MESSAGE, case.assumed.months_kept
    yield case.line(PART, "predictions written", rows, "table_writes", lower="fewer or smaller files to predict")
    yield case.line(PART, "predictions kept", rows * ITEM_BYTES / 1e9 * kept, "table_storage")
    yield case.line(PART, "queues", POLLS + messages * MESSAGE_CALLS, "queue_calls")
    yield from case.computing(PART, "messages", messages, MESSAGE_MS, MESSAGE_MB)
    yield from case.computing(PART, "files", case.files, FILE_MS, FILE_MB)
    yield case.line(PART, "notices of files", case.files, "object_events")
    yield case.line(PART, "files written", case.files * OBJECT_WRITES, "object_writes")
    yield case.line(PART, "files kept", rows * case.assumed.row_bytes / 1e9 * kept, "object_storage")
