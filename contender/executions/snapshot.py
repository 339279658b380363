"""An execution at one moment: how far each of its steps has come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import parameters_of
from contender.naming import dimension_of_execution

ANY_FAILURE = "Step failure: One or multiple steps failed. "
"""What SageMaker begins the reason of every failed execution with."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an execution; `status` is Waiting before it starts and Skipped when its branch was not taken."""

    name: str
    title: str
    type: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    cached: bool = False
    reason: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the step made: its job, its Lambda, the outcome of a condition, the report of a check."""
    description: str = ""
    attempts: int = 1
    reused_from: str = ""
    """ARN of the execution whose result this is, where nothing was done again."""

    @property
    def ended_as(self) -> str | None:
        """How the step ended; None for one that waits or runs."""
        return None if self.status in ("Waiting", "Starting", "Executing", "Stopping") else self.status

    @property
    def check(self) -> Mapping[str, Any] | None:
        """What a check step was told and found; None for every other step."""
        found: Mapping[str, Any] | None = self.metadata.get("QualityCheck") or self.metadata.get("ClarifyCheck")
        return found

    @property
    def roll_out(self) -> str:
        """How far the Deploy step's Lambda got with its version: `v3 waiting`, `v3 updating`."""
        outputs = self.metadata.get("Lambda", {}).get("OutputParameters", [])
        said = {output["Name"]: output["Value"] for output in outputs}
        return f"{said.get('Variant', '')} {said['Action']}".strip() if "Action" in said else ""

    @property
    def outcome(self) -> str:
        """The branch a condition took: `true` or `false`."""
        return str(self.metadata.get("Condition", {}).get("Outcome", "")).lower()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution at one moment."""

    arn: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    steps: tuple[Step, ...]
    started: datetime | None = None
    ended: datetime | None = None
    version: int | None = None
    """Of the pipeline: the definition that it follows."""

    @property
    def dimension(self) -> str | None:
        return dimension_of_execution({"PipelineExecutionDisplayName": self.name})

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def done(self) -> int:
        return sum(1 for step in self.steps if step.ended_as)


class Watcher:
    """Takes snapshots of one execution; what cannot change is read once."""

    def __init__(self, sagemaker: Any, arn: str) -> None:
        self._sagemaker = sagemaker
        self._arn = arn
        described = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        self.definition: Mapping[str, Any] = json.loads(described["PipelineDefinition"])
        self._planned = list(_planned(self.definition["Steps"]))
        self._parameters = parameters_of(sagemaker, arn)

    def snapshot(self) -> Snapshot:
        # The execution first: once it has ended, no step that is read afterwards can still change.
        execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=self._arn)
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=self._arn)
        found = {item["StepName"]: item for page in pages for item in page["PipelineExecutionSteps"]}
        status = execution["PipelineExecutionStatus"]
        absent = "Waiting" if status in RUNNING else "Skipped"
        steps = [_step(planned, found.pop(planned["Name"], None), absent) for planned in self._planned]
        # What is left are the iterations of a loop: they are named when they start.
        steps += [_step({"Name": name, "Type": "Iteration"}, item, absent) for name, item in sorted(found.items())]
        return Snapshot(
            arn=self._arn,
            name=execution.get("PipelineExecutionDisplayName", self._arn.rpartition("/")[2]),
            status=status,
            reason=execution.get("FailureReason", ""),
            parameters=self._parameters,
            steps=tuple(steps),
            started=execution.get("CreationTime"),
            ended=None if status in RUNNING else execution.get("LastModifiedTime"),
            version=execution.get("PipelineVersionId"),
        )


def _planned(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every step that will be there by this name; those of a loop are there once an item, under other names."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from _planned([*step["Arguments"].get("IfSteps", []), *step["Arguments"].get("ElseSteps", [])])


def _step(planned: Mapping[str, Any], found: Mapping[str, Any] | None, absent: str) -> Step:
    name, title = planned["Name"], planned.get("DisplayName", planned["Name"])
    description = planned.get("Description", "")
    if found is None:
        return Step(name, title, planned["Type"], absent, description=description)
    reused = found.get("CacheHitResult") or found.get("SelectiveExecutionResult") or {}
    return Step(
        name,
        title,
        planned["Type"],
        found["StepStatus"],
        found.get("StartTime"),
        found.get("EndTime"),
        "CacheHitResult" in found or "SelectiveExecutionResult" in found,
        found.get("FailureReason", ""),
        found.get("Metadata", {}),
        description,
        found.get("AttemptCount", 1),
        reused.get("SourcePipelineExecutionArn", ""),
    )
