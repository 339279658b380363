"""What uploads and jobs leave in S3, and the project's own key."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.case import POLLS, Case, Line

PART = "storage"
COPIES = 4
"""Times a file's rows are in S3 once its pipeline has run: the upload, its splits, the rows to check, their scores."""
OBJECTS = 60
"""That the jobs of an execution write."""
REPORT_MB = 3
"""Model, statistics and reports of an execution."""


def lines(case: Case) -> Iterator[Line]:
    assumed = case.assumed
    gb_each = assumed.rows_per_file * assumed.row_bytes * COPIES / 1e9 + REPORT_MB / 1e3
    yield case.line(PART, "uploads and artifacts", case.executions * gb_each * assumed.months_kept, "object_storage")
    yield case.line(PART, "objects of jobs", case.executions * OBJECTS, "object_writes")
    yield case.line(PART, "notices of uploads", case.executions, "object_events")
    yield case.line(PART, "queue of uploads", POLLS + 3 * case.executions, "queue_calls")
    if case.settings.stacks.encryption == "project":
        yield case.line(PART, "key", 1, "keys")
