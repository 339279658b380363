"""One execution at one moment, and what it was made of.

DescribePipelineDefinitionForExecution, ListPipelineParametersForExecution      once
DescribePipelineExecution, ListPipelineExecutionSteps                           at every look, while it runs
"""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from contender.errors import NotFoundError
from contender.executions.advice import advice
from contender.executions.snapshot import Snapshot, Step, Watcher
from contender.pipeline.definitions.graph import Graph, readable
from contender.pipeline.versions import Note
from contender.studio.desk import Desk
from contender.studio.kept import LARGE
from contender.studio.reading.pipelines import describe
from contender.studio.refusals import ABSENT

OVER_S = 600.0
"""What is over stays as it is."""
SEEN_S = 1.0


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of one of the project's pipelines. `commit` is of its version; "" where nobody knows."""

    pipeline: str
    id: str
    snapshot: Snapshot
    watcher: Watcher
    commit: str = ""

    @property
    def graph(self) -> Graph | None:
        """None for a definition that cannot be read."""
        return readable(self.watcher.definition)

    @property
    def advice(self) -> str:
        """What to do about one that did not succeed, in one line; "" where the same would only fail again."""
        return "" if self.snapshot.running or self.snapshot.status == "Succeeded" else advice(self.snapshot)

    @property
    def begun(self) -> int:
        """Steps that have begun; the others wait, or are left out."""
        return sum(step.started is not None for step in self.snapshot.steps)

    @property
    def version(self) -> str:
        """Number of the model version that it registered; "" where it registered none."""
        arns = (step.metadata.get("RegisterModel", {}).get("Arn", "") for step in self.snapshot.steps)
        return next((arn.rpartition("/")[2] for arn in arns if arn), "")

    def step(self, name: str) -> Step:
        """NotFoundError if it has none of this name."""
        for step in self.snapshot.steps:
            if step.name == name:
                return step
        known = ", ".join(step.name for step in self.snapshot.steps)
        raise NotFoundError(f"execution {self.id} has no step {name!r}: its steps are {known}")


def read(desk: Desk, pipeline: str, identity: str) -> Execution:
    """NotFoundError if there is no such execution, or it is none of the project's."""
    watcher, snapshot = look(desk, pipeline, identity)
    return Execution(pipeline, identity, snapshot, watcher, _commit(desk, pipeline, snapshot.version))


def look(desk: Desk, pipeline: str, identity: str) -> tuple[Watcher, Snapshot]:
    """The same without its version's commit: how far it is, and who can tell again."""
    arn = f"{describe(desk, pipeline)['PipelineArn']}/execution/{identity}"
    sagemaker = desk.client("sagemaker")
    try:
        watcher = desk.kept.get(("watcher", arn), OVER_S, lambda: Watcher(sagemaker, arn), LARGE)
        return watcher, desk.kept.get(("snapshot", arn), SEEN_S, watcher.snapshot)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        raise NotFoundError(
            f"pipeline {pipeline!r} has no execution {identity!r}: `contender pipeline list` names those that it has"
        ) from error


def _commit(desk: Desk, pipeline: str, version: int | None) -> str:
    if version is None:
        return ""
    note = Note.read(describe(desk, pipeline, version).get("PipelineVersionDescription", ""))
    return note.commit if note else ""
