"""What happened, in SQLite: executions and their steps. A transition is committed first and announced after that.

pipeline-execution             nearly DescribePipelineExecution's answer, and the values of the parameters
pipeline-execution-definition  the definition as it was at start
pipeline-step                  nearly a row of ListPipelineExecutionSteps, and what the step put out
pipeline-cache                 the latest success of a step with caching, by pipeline, step and signature
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contender.local.context import Context
from contender.local.pipelines.definition import Step
from contender.local.pipelines.iterations import Iteration
from contender.local.store import AlreadyExists, Document, Filter

PIPELINE = "pipeline"
EXECUTION = "pipeline-execution"
DEFINITION = "pipeline-execution-definition"
STEP = "pipeline-step"
CACHE = "pipeline-cache"

RUNNING = ("Executing", "Stopping")
EXECUTION_EVENT = "SageMaker Model Building Pipeline Execution Status Change"
STEP_EVENT = "SageMaker Model Building Pipeline Execution Step Status Change"

# A step only goes on in this order: a stop asked for while it ends does not undo the end.
PROGRESS = ("Starting", "Executing", "Stopping", "Stopped", "Failed", "Succeeded")

MAX_EXECUTION_REASON = 1300
MAX_STEP_REASON = 1024


@dataclass(slots=True)
class Records:
    """The documents of one execution. Only its coordinator and its steps' threads write them."""

    context: Context
    execution_id: str
    open: Callable[[], bool]  # False once the server is closing: what ends then was interrupted, and is not recorded
    _last_start: datetime | None = None

    def execution(self) -> Document:
        return self.context.store.get(EXECUTION, self.execution_id)

    def steps(self) -> list[Document]:
        """Steps that have started, oldest first."""
        return self.context.store.page(STEP, Filter(parent=self.execution_id))

    def keep_succeeded(self) -> list[Document]:
        """Before a try: the steps that succeeded or were taken over; others are as if they had never begun."""
        kept = []
        with self.context.store.transaction():
            for step in self.steps():
                if step["StepStatus"] == "Succeeded" or "SelectiveExecutionResult" in step:
                    kept.append(step)
                else:
                    self.context.store.delete(STEP, self._name(step["StepName"]))
        return kept

    def forget_step(self, name: str) -> None:
        """It is as if the step had never begun."""
        if self.open():
            self.context.store.delete(STEP, self._name(name))

    def set_status(self, status: str, reason: str | None = None) -> None:
        """The execution's own transition. A reason of None leaves none."""
        if not self.open():
            return
        store, now = self.context.store, self.context.clock()
        with store.transaction():
            before = self.execution()
            changes = {
                "PipelineExecutionStatus": status,
                "LastModifiedTime": now,
                "FailureReason": reason[:MAX_EXECUTION_REASON] if reason else None,
            }
            after = store.update(EXECUTION, self.execution_id, changes, now=now, status=status)
        announce_execution(self.context, after, before["PipelineExecutionStatus"])

    def begin_step(self, step: Step, iteration: Iteration | None = None) -> None:
        """Starting."""
        if not self.open():
            return
        now = self._start_time()
        body: Document = {
            "StepName": step.name,
            "StepType": step.type,
            "StepDisplayName": step.display_name,
            "StepDescription": step.description,
            "StartTime": now,
            "StepStatus": "Starting",
            "AttemptCount": 1,
            "Metadata": {},
        }
        if iteration is not None:
            body["IterationContext"] = {
                "ParentStepName": iteration.loop,
                "Index": iteration.index,
                "Item": iteration.text,
            }
        body = {key: value for key, value in body.items() if value is not None}
        self.context.store.insert(
            STEP, self._name(step.name), body, now=now, parent=self.execution_id, status="Starting"
        )
        self._announce_step(body, None)

    def move_step(self, step: str, status: str, **changes: Any) -> None:
        """Any later transition, with the fields it brings. A step that has ended meanwhile is left as it ended."""
        if not self.open():
            return
        store, name, now = self.context.store, self._name(step), self.context.clock()
        with store.transaction():
            before = store.get(STEP, name)
            if PROGRESS.index(status) < PROGRESS.index(before["StepStatus"]):
                return
            after = store.update(STEP, name, {"StepStatus": status, **changes}, now=now, status=status)
        if before["StepStatus"] != status:
            self._announce_step(after, before["StepStatus"])

    def note_metadata(self, step: str, metadata: Mapping[str, Any]) -> None:
        """What the step works on, while it still runs."""
        if self.open():
            self.context.store.update(STEP, self._name(step), {"Metadata": dict(metadata)}, now=self.context.clock())

    def end_step(
        self,
        step: str,
        status: str,
        *,
        outputs: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        reason: str | None = None,
        cache_name: str | None = None,
        cached_from: str | None = None,
    ) -> None:
        """Succeeded, Failed or Stopped. Under `cache_name` a success is kept for later executions."""
        now = self.context.clock()
        changes: dict[str, Any] = {"EndTime": now, "FailureReason": reason[:MAX_STEP_REASON] if reason else None}
        if outputs:
            changes["Outputs"] = dict(outputs)
        if metadata:
            changes["Metadata"] = dict(metadata)
        if cached_from:
            changes["CacheHitResult"] = {"SourcePipelineExecutionArn": cached_from}
        if cache_name and self.open():
            self._keep(cache_name, outputs or {}, metadata or {}, now)
        self.move_step(step, status, **changes)

    def find_cached(self, cache_name: str, expire_after: timedelta | None) -> Document | None:
        """The latest success under that name, unless it is older than `expire_after`."""
        found = self.context.store.find(CACHE, cache_name)
        if found and expire_after is not None and self.context.clock() - found["EndTime"] > expire_after:
            return None
        return found

    def _keep(self, name: str, outputs: Mapping[str, Any], metadata: Mapping[str, Any], now: datetime) -> None:
        body = {
            "Name": name,
            "SourcePipelineExecutionArn": self.execution()["PipelineExecutionArn"],
            "EndTime": now,
            "Outputs": dict(outputs),
            "Metadata": dict(metadata),
        }
        with self.context.store.transaction():
            try:
                self.context.store.insert(CACHE, name, body, now=now, parent=name.partition("/")[0])
            except AlreadyExists:
                self.context.store.update(CACHE, name, body, now=now)

    def _name(self, step: str) -> str:
        return f"{self.execution_id}/{step}"

    def _start_time(self) -> datetime:
        """Now, and later than every start before, so that a list of steps keeps their order."""
        now = self.context.clock()
        if self._last_start is not None and now <= self._last_start:
            now = self._last_start + timedelta(milliseconds=1)
        self._last_start = now
        return now

    def _announce_step(self, step: Document, before: str | None) -> None:
        execution = self.execution()
        detail = {
            "failureReason": step.get("FailureReason"),
            "cacheHitResult": _camel(step.get("CacheHitResult")),
            "metadata": _camel(step.get("Metadata")),
            "stepStartTime": _iso(step["StartTime"]),
            "stepEndTime": _iso(step.get("EndTime")),
            "stepName": step["StepName"],
            "stepType": step["StepType"],
            "previousStepStatus": before,
            "currentStepStatus": step["StepStatus"],
        }
        _publish(self.context, STEP_EVENT, execution, detail)


def take_over(context: Context, execution_id: str, steps: Sequence[Document], now: datetime) -> None:
    """Steps of another execution stand for those of this one, which is about to begin."""
    for step in steps:
        name, status = f"{execution_id}/{step['StepName']}", step["StepStatus"]
        context.store.insert(STEP, name, step, now=now, parent=execution_id, status=status)


def variables_of(execution: Document) -> dict[str, str]:
    """What Get reads under Execution, but for the current time."""
    pipeline = execution["PipelineArn"]
    return {
        "StartDateTime": execution["CreationTime"].isoformat().replace("+00:00", "Z"),
        "PipelineName": pipeline.rpartition("/")[2],
        "PipelineArn": pipeline,
        "PipelineExecutionId": id_of(execution),
        "PipelineExecutionArn": execution["PipelineExecutionArn"],
    }


def id_of(execution: Document) -> str:
    return str(execution["PipelineExecutionArn"].rpartition("/")[2])


def announce_execution(context: Context, execution: Document, before: str | None) -> None:
    """Tell EventBridge the execution's status; `before` is None when it has just started."""
    status = execution["PipelineExecutionStatus"]
    detail = {
        "pipelineExecutionDisplayName": execution.get("PipelineExecutionDisplayName"),
        "pipelineExecutionDescription": execution.get("PipelineExecutionDescription"),
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": before,
        "executionStartTime": _iso(execution["CreationTime"]),
        "executionEndTime": None if status in RUNNING else _iso(execution["LastModifiedTime"]),
    }
    _publish(context, EXECUTION_EVENT, execution, detail)


def _publish(context: Context, detail_type: str, execution: Document, detail: dict[str, Any]) -> None:
    arns = {"pipelineArn": execution["PipelineArn"], "pipelineExecutionArn": execution["PipelineExecutionArn"]}
    given = {key: value for key, value in detail.items() if value is not None}
    context.publish(detail_type, list(arns.values()), {**given, **arns})


def _camel(value: Any) -> Any:
    """Events write the API's field names with a small first letter."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    return [_camel(item) for item in value] if isinstance(value, list) else value


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
