"""One step of an execution: what did its work, what it said, what it wrote, and what its reports hold.

Describe… of its job        inputs, outputs, metrics
GetLogEvents                the end of its log, for each stream
ListObjectsV2               its files, for each output
GetObject                   its reports, those that are known
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from contender.executions.logs import Line, of_step
from contender.executions.snapshot import Step
from contender.executions.tail import tail
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.kept import LARGE
from contender.studio.reading import files, jobs
from contender.studio.reading.execution import OVER_S, Execution
from contender.studio.reading.files import MOST_OUTPUTS, Content, File, Listing
from contender.studio.reading.jobs import Work
from contender.studio.reports.known import KNOWN

LINES_READ = 1000
SEEN_S = 1.0
SETTLES_AFTER = timedelta(minutes=1)
"""Lines of a log arrive after the step that wrote them has ended."""
MOST_REPORTS = 6


@dataclass(frozen=True, slots=True)
class Looked:
    """A step, looked at. `lines` are the last ones of its log; `settled`: nothing of it changes any more.

    `reports`: the files that hold one, each with its text. `gaps`: what of it could not be read, and why.
    """

    step: Step
    work: Work | None
    lines: tuple[Line, ...]
    listing: Listing
    reports: tuple[tuple[File, str], ...]
    settled: bool
    gaps: Mapping[str, str]
    unread_log: bool


def look(desk: Desk, execution: Execution, name: str) -> Looked:
    """A step of an execution with all that its page shows, read at the same time; NotFoundError if there is none."""
    step, gaps = execution.step(name), Gaps()
    settled = step.ended is not None and desk.clock() - step.ended > SETTLES_AFTER
    work = gaps.fill("What did the work", None, lambda: work_of(desk, execution, step))
    outputs = work.outputs if work else {}
    key, seconds = _key(execution, step), OVER_S if settled else SEEN_S
    waiting_log = desk.later(
        lambda: desk.kept.get(
            ("log", *key), seconds, lambda: _log(desk, step, execution.snapshot.dimension or ""), LARGE
        )
    )
    waiting_files = [
        desk.later(functools.partial(_files, desk, key, seconds, name, uri))
        for name, uri in islice(outputs.items(), MOST_OUTPUTS)
    ]
    listing = files.together(gaps.fill("The list of its files", Listing(), each.result) for each in waiting_files)
    waiting = [(file, desk.later(functools.partial(_text, desk, file, seconds))) for file in _reports(listing)]
    said = gaps.fill("The log", None, waiting_log.result)
    reports = tuple((file, gaps.fill(file.path, "", text.result)) for file, text in waiting)
    return Looked(
        step,
        work,
        tuple(said or ()),
        listing,
        reports,
        settled and not gaps.sentences,
        gaps.sentences,
        said is None,
    )


def work_of(desk: Desk, execution: Execution, step: Step) -> Work | None:
    """What did the step's work; a job that has ended is described once."""
    seconds = OVER_S if step.ended_as else SEEN_S
    return desk.kept.get(
        ("work", *_key(execution, step)), seconds, lambda: (jobs.read(desk.client("sagemaker"), step),)
    )[0]


def file_of(desk: Desk, execution: Execution, step: Step, address: str) -> tuple[File, Content]:
    """A file that the step wrote, by its address within the step; NotFoundError if it wrote none such."""
    work, s3 = work_of(desk, execution, step), desk.client("s3")
    file = files.find(s3, work.outputs if work else {}, address)
    return file, files.read(s3, file)


def _key(execution: Execution, step: Step) -> tuple[Any, ...]:
    """The same step, tried again, is another thing."""
    return execution.snapshot.arn, step.name, step.started, step.status


def _log(desk: Desk, step: Step, dimension: str) -> list[Line]:
    record: Mapping[str, Any] = {
        "StepName": step.name,
        "Metadata": step.metadata,
        **({"StartTime": step.started} if step.started else {}),
        **({"EndTime": step.ended} if step.ended else {}),
    }
    places = list(of_step(desk.client("sagemaker"), record, dimension))
    return tail(desk.client("logs"), places, LINES_READ)


def _files(desk: Desk, key: tuple[Any, ...], seconds: float, name: str, uri: str) -> Listing:
    return desk.kept.get(("files", name, *key), seconds, lambda: files.listed(desk.client("s3"), name, uri))


def _reports(listing: Listing) -> list[File]:
    """The files that hold a report, what says most first."""
    order = list(KNOWN)
    found = [file for file in listing.files if file.path.rpartition("/")[2] in order]
    return sorted(found, key=lambda file: order.index(file.path.rpartition("/")[2]))[:MOST_REPORTS]


def _text(desk: Desk, file: File, seconds: float) -> str:
    """All of it, or nothing: half a report tells nothing."""

    def read() -> str:
        content = files.read(desk.client("s3"), file)
        return "" if content.cut else content.text or ""

    return desk.kept.get(("report", file), seconds, read, LARGE)
