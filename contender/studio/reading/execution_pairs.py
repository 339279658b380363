"""Executions beside one another: what they were given, what came of them, and how long their steps took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import NotFoundError
from contender.executions.snapshot import ANY_FAILURE, Snapshot, Step, Watcher
from contender.studio.desk import Desk
from contender.trials.comparison import FIRST_RUN, Column, Row, figures, parameters
from contender.trials.gathering import GIVEN, Gathering
from contender.trials.record import Record, component_name, number_or_text, read
from contender.trials.recorder import find

ENDED_S, RUNNING_S, PIPELINE_S = 3600.0, 1.0, 600.0
ABSENT = ("ResourceNotFound", "ValidationException")


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


def side(desk: Desk, pipeline: str, execution: str) -> Side:
    """NotFoundError where there is no such execution."""
    arn = f"{_pipeline_arn(desk, pipeline)}/execution/{execution}"
    key = ("execution side", arn)
    if (kept := desk.kept.known(key)) is not None:
        found: Side = kept
        return found
    try:
        snapshot = Watcher(desk.client("sagemaker"), arn).snapshot()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        raise NotFoundError(
            f"pipeline {pipeline!r} has no execution {execution!r}: choose two from the list of executions"
        ) from error
    found = Side(pipeline, execution, snapshot, None if snapshot.running else _record(desk, pipeline, arn))
    desk.kept.put(key, RUNNING_S if snapshot.running else ENDED_S, found)
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


def _pipeline_arn(desk: Desk, pipeline: str) -> str:
    if pipeline not in desk.names.pipelines:
        known = ", ".join(desk.names.pipelines)
        raise NotFoundError(f"project {desk.names.project!r} has no pipeline {pipeline!r}: it has {known}")

    def read_arn() -> str:
        try:
            described: Mapping[str, Any] = desk.client("sagemaker").describe_pipeline(PipelineName=pipeline)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ABSENT:
                raise
            raise NotFoundError(
                f"pipeline {pipeline!r} does not exist: make it with `contender pipeline upsert`"
            ) from error
        return str(described["PipelineArn"])

    return desk.kept.get(("pipeline arn", pipeline), PIPELINE_S, read_arn)


def _record(desk: Desk, pipeline: str, arn: str) -> Record | None:
    """What was written of it when it ended; read together here where that was lost."""
    if pipeline not in desk.names.training_pipelines:
        return None
    sagemaker = desk.client("sagemaker")
    component = find(sagemaker, component_name(desk.names, arn))
    if component is not None:
        return read(component)
    gathered = Gathering(sagemaker, desk.client("s3"), desk.names).record(arn)
    return gathered[0] if gathered else None
