"""Executions of the project's pipelines, the newest first, a page at a time however many there are.

ListPipelineExecutions          what runs and what ran, 100 a call, no further than is shown
Search, of trial components     when they ended and what came of them, 100 a call
DescribePipelineExecution       when those ended that left no record; a few a page, the others the next time
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from contender.errors import NotFoundError
from contender.executions.listing import recent
from contender.executions.snapshot import ANY_FAILURE
from contender.studio.desk import Desk
from contender.studio.reading.summary import Summary
from contender.trials import lookup
from contender.trials.record import Record

ROWS = 50
LOOKS = 1000
"""Summaries that are looked through for a page that leaves some out."""
DESCRIBED = 14
SEARCHED = 100
LIST_S, ENDED_S, JUST_ENDED_S = 1.0, 3600.0, 4.0
SETTLED = timedelta(minutes=2)
"""After it an execution without a record is taken to have none: the event that writes one takes seconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which executions are wanted; what is empty or None leaves none out. A `*` in a dimension stands for anything."""

    dimension: str = ""
    state: str = ""
    pipeline: str = ""
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """When an execution ended, and its record where it left one."""

    at: datetime
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Row(Summary):
    """An execution of the list; `ended` is None while it runs, or while it is not known."""

    ended: Ended | None = None

    @property
    def record(self) -> Record | None:
        return self.ended.record if self.ended else None

    @property
    def why(self) -> str:
        return self.record.reason if self.record and self.record.reason else self.reason.removeprefix(ANY_FAILURE)

    def took(self, now: datetime) -> timedelta | None:
        """How long it ran, or has run until now; None where it is not known when it ended."""
        if self.running:
            return now - self.started
        return self.ended.at - self.started if self.ended else None


@dataclass(frozen=True, slots=True)
class Listing:
    """`older`: before when further ones are looked for; None where there are none."""

    rows: tuple[Row, ...]
    looked: int
    older: datetime | None


def listing(desk: Desk, choice: Choice) -> Listing:
    """The newest that are wanted, and when those ended that have."""
    found = desk.kept.get(("executions listed", choice), LIST_S, lambda: _listed(desk, choice))
    ends = _ends(desk, [row for row in found.rows if not row.running])
    return replace(found, rows=tuple(replace(row, ended=ends.get(row.arn)) for row in found.rows))


def _listed(desk: Desk, choice: Choice) -> Listing:
    pipelines = (choice.pipeline,) if choice.pipeline else desk.names.pipelines
    rows: list[Row] = []
    looked, last = 0, None
    try:
        for summary in recent(desk.client("sagemaker"), pipelines, choice.before):
            # Several may have started at the same moment: a page ends between two moments.
            if (len(rows) >= ROWS or looked >= LOOKS) and summary["StartTime"] != last:
                return Listing(tuple(rows), looked, last)
            looked, last = looked + 1, summary["StartTime"]
            row = Row.of(summary)
            if _fits(row, choice):
                rows.append(row)
    except NotFoundError:
        return Listing((), 0, None)
    return Listing(tuple(rows), looked, None)


def _fits(row: Row, choice: Choice) -> bool:
    if choice.state and not (row.running if choice.state == "Executing" else row.status == choice.state):
        return False
    return not choice.dimension or fnmatchcase((row.dimension or row.name).lower(), choice.dimension.lower())


def _ends(desk: Desk, rows: Sequence[Row]) -> dict[str, Ended]:
    known = {row.arn: desk.kept.known(_key(row)) for row in rows}
    if missing := [row for row in rows if known[row.arn] is None]:
        records = _records(desk, min(row.started for row in missing))
        for row in missing:
            if record := records.get(row.arn):
                known[row.arn] = _keep(desk, row, Ended(record.ended, record))
        unrecorded = [row for row in missing if known[row.arn] is None]
        # Those that are left out are asked for the next time: the page looks again by itself.
        described = [(row, desk.later(_describing(desk, row))) for row in unrecorded[:DESCRIBED]]
        for row, waiting in described:
            known[row.arn] = _keep(desk, row, Ended(waiting.result()["LastModifiedTime"]))
    return {arn: ended for arn, ended in known.items() if ended is not None}


def _describing(desk: Desk, row: Row) -> Any:
    return lambda: desk.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=row.arn)


def _records(desk: Desk, since: datetime) -> dict[str, Record]:
    found: Iterable[Record] = desk.kept.get(
        ("records since", since),
        LIST_S,
        lambda: lookup.since(desk.client("sagemaker"), desk.names, since, SEARCHED),
    )
    return {record.execution: record for record in found}


def _keep(desk: Desk, row: Row, ended: Ended) -> Ended:
    settled = ended.record is not None or desk.clock() - ended.at > SETTLED
    desk.kept.put(_key(row), ENDED_S if settled else JUST_ENDED_S, ended)
    return ended


def _key(row: Row) -> tuple[str, str, str]:
    """One that is retried ends a second time, mostly with another status."""
    return "execution ended", row.arn, row.status
