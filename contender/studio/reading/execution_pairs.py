"""Executions beside one another: what they were given, what came of them, and how long their steps took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Semaphore

from contender.executions.snapshot import ANY_FAILURE, Snapshot, Step
from contender.studio.desk import Desk
from contender.studio.reading.execution import look
from contender.studio.reading.pipelines import describe
from contender.trials.comparison import FIRST_RUN, Column, Row, figures, parameters
from contender.trials.gathering import GIVEN, Gathering
from contender.trials.record import Record, component_name, number_or_text, read
from contender.trials.recorder import find

ENDED_S, RUNNING_S = 3600.0, 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """An execution; `record` is None while it runs, and of a pipeline that trains nothing."""

    pipeline: str
    id: str
    snapshot: Snapshot
    record: Record | None

    @property
    def dimension(self) -> str:
        return self.snapshot.parameters.get("Dimension") or self.snapshot.dimension or ""

    @property
    def data(self) -> str:
        return self.snapshot.parameters.get("InputDataUri", "")

    @property
    def data_version(self) -> str:
        return self.snapshot.parameters.get("DataVersion", "")

    @property
    def rows(self) -> float | None:
        """Held-out rows that it was measured on."""
        return self.record.metrics.get("evaluation.rows") if self.record else None

    @property
    def reason(self) -> str:
        return (self.record.reason if self.record else "") or self.snapshot.reason.removeprefix(ANY_FAILURE)

    def took(self, now: datetime) -> timedelta | None:
        started, ended = self.snapshot.started, self.snapshot.ended
        return (ended or now) - started if started else None

    @property
    def column(self) -> Column:
        if self.record:
            return Column(self.id, {}, self.record.parameters, self.record.metrics)
        chosen = self.snapshot.parameters.items()
        given = {f"pipeline.{name}": number_or_text(value) for name, value in chosen if name not in GIVEN}
        return Column(self.id, {}, given)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step by its name, as each execution has it; None where one has no such step."""

    title: str
    steps: tuple[Step | None, ...]


def sides(desk: Desk, chosen: Sequence[tuple[str, str]]) -> list[Side]:
    """NotFoundError where there is no such execution. Records that were lost are not all read together at once."""
    for pipeline in dict.fromkeys(pipeline for pipeline, _ in chosen):
        describe(desk, pipeline)
    lost = Semaphore(2 if len(chosen) <= 2 else 1)
    waiting = [desk.later(partial(_side, desk, *each, lost)) for each in chosen]
    return [each.result() for each in waiting]


def _side(desk: Desk, pipeline: str, execution: str, lost: Semaphore) -> Side:
    key = ("execution side", pipeline, execution)
    if (kept := desk.kept.known(key)) is not None:
        found: Side = kept
        return found
    _, snapshot = look(desk, pipeline, execution)
    trains = not snapshot.running and pipeline in desk.names.training_pipelines
    found = Side(pipeline, execution, snapshot, _record(desk, snapshot, lost) if trains else None)
    settled = not snapshot.running and (found.record is not None or not trains)
    desk.kept.put(key, ENDED_S if settled else RUNNING_S, found)
    return found


def parameter_rows(sides: Sequence[Side]) -> list[Row]:
    """Those that differ first, without those that every first execution has."""
    return sorted((row for row in _parameters(sides) if row.name not in FIRST_RUN), key=lambda row: not row.differs)


def first_run_rows(sides: Sequence[Side]) -> list[Row]:
    """Those that tell of no choice: an execution has them because it is its dimension's first."""
    return [row for row in _parameters(sides) if row.name in FIRST_RUN]


def figure_rows(sides: Sequence[Side]) -> list[Row]:
    return list(figures([each.column for each in sides], everything=True))


def _parameters(sides: Sequence[Side]) -> list[Row]:
    return list(parameters([each.column for each in sides], everything=True))


def step_rows(sides: Sequence[Side]) -> list[StepRow]:
    """Every step that any of them has, in the order of the definitions."""
    by_name = [{step.name: step for step in each.snapshot.steps} for each in sides]
    titles = {step.name: step.title for each in sides for step in each.snapshot.steps}
    return [StepRow(title, tuple(steps.get(name) for steps in by_name)) for name, title in titles.items()]


def _record(desk: Desk, snapshot: Snapshot, lost: Semaphore) -> Record | None:
    """What was written of it when it ended; read together here where that was lost, unless too many were."""
    sagemaker = desk.client("sagemaker")
    component = find(sagemaker, component_name(desk.names, snapshot.arn))
    if component is not None:
        return read(component)
    if not lost.acquire(blocking=False):
        return None
    gathered = Gathering(sagemaker, desk.client("s3"), desk.names).record(snapshot.arn, snapshot.parameters)
    return gathered[0] if gathered else None
