"""The engine: one coordinating thread an execution, one thread a running step, nothing polls.

    StartPipelineExecution ─► Engine.run ─► coordinator ─► Plan.ready ─► a thread a step ─► Ended ─► coordinator
                                                └── nothing runs, nothing is ready ─► the execution's last status

Steps of branches that do not depend on a failed step go on; a Fail step ends everything.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping
from typing import Any

from contender.local.context import Context
from contender.local.pipelines.attempt import Ended, StepTask, Wait
from contender.local.pipelines.definition import Definition
from contender.local.pipelines.parser import parse
from contender.local.pipelines.plan import ENDED, Plan
from contender.local.pipelines.records import DEFINITION, EXECUTION, RUNNING, Records
from contender.local.pipelines.steps import RUNNERS
from contender.local.pipelines.steps.runner import StepRunner, StopSignal
from contender.local.store import Document, Filter

logger = logging.getLogger(__name__)

STEPS_FAILED = "Step failure: One or multiple steps failed."
CLOSE_TIMEOUT_S = 2.0


class Engine:
    """Runs executions that stand in the store as Executing."""

    def __init__(
        self,
        context: Context,
        runners: Mapping[str, StepRunner] = RUNNERS,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self._context = context
        self._runners = runners
        self._wait = wait
        self._coordinators: dict[str, _Coordinator] = {}
        self._lock = threading.Lock()
        self._closing = False

    def read_definition(self, text: str) -> Definition:
        """Raises DefinitionError."""
        return parse(text, self._runners, self._context.dispatcher.model)

    def run(self, execution_id: str) -> None:
        """Begin, or go on with, an execution that the store says is Executing."""
        text = self._context.store.get(DEFINITION, execution_id)["PipelineDefinition"]
        coordinator = _Coordinator(self, execution_id, self.read_definition(text))
        with self._lock:
            if self._closing:
                return
            self._coordinators[execution_id] = coordinator
        coordinator.start()

    def stop(self, execution_id: str) -> None:
        """Start nothing more, stop the jobs that run; the execution ends as Stopped."""
        self._tell(execution_id, _Stop())

    def look(self, execution_id: str) -> None:
        """The execution has changed in the store, perhaps its parallelism: see what may start."""
        self._tell(execution_id, _Look())

    def join(self, execution_id: str, timeout_s: float) -> bool:
        """Wait for an execution's end; False if it takes longer."""
        with self._lock:
            coordinator = self._coordinators.get(execution_id)
        return coordinator is None or coordinator.join(timeout_s)

    def recover(self) -> None:
        """After a start: executions that the last stop interrupted are Failed, and say how to go on."""
        for status in RUNNING:
            for execution in self._context.store.page(EXECUTION, Filter(status=status)):
                self._interrupt(execution)

    def close(self) -> None:
        """Stop coordinating and recording: what still runs was interrupted, and the next start says so."""
        with self._lock:
            self._closing = True
            coordinators = list(self._coordinators.values())
        for coordinator in coordinators:
            coordinator.tell(_Close())
        for coordinator in coordinators:
            coordinator.join(CLOSE_TIMEOUT_S)

    def is_open(self) -> bool:
        return not self._closing

    def _tell(self, execution_id: str, message: _Stop | _Look) -> None:
        with self._lock:
            coordinator = self._coordinators.get(execution_id)
        if coordinator is not None:
            coordinator.tell(message)

    def _forget(self, execution_id: str, coordinator: _Coordinator) -> None:
        """Unless a retry has put another in its place already."""
        with self._lock:
            if self._coordinators.get(execution_id) is coordinator:
                del self._coordinators[execution_id]

    def _interrupt(self, execution: Document) -> None:
        records = Records(self._context, _id_of(execution), self.is_open)
        running = [step["StepName"] for step in records.steps() if step["StepStatus"] not in ENDED]
        for name in running:
            records.end_step(name, "Failed", reason="Interrupted: local SageMaker was stopped while this step ran.")
        where = f"while {_listed(running)} ran" if running else "between two steps"
        records.set_status(
            "Failed",
            f"Interrupted: local SageMaker was stopped {where}. RetryPipelineExecution continues the execution without "
            "redoing its finished steps.",
        )


class _Stop:
    """The user asked to stop."""


class _Look:
    """Something outside changed: see what may start."""


class _Close:
    """The server is closing."""


class _Coordinator:
    """One execution: starts what is ready, hears what ended, until nothing runs and nothing is ready."""

    def __init__(self, engine: Engine, execution_id: str, definition: Definition) -> None:
        self._engine = engine
        self._context = engine._context
        self._id = execution_id
        self._definition = definition
        self._plan = Plan(definition)
        self._records = Records(engine._context, execution_id, engine.is_open)
        self._inbox: queue.SimpleQueue[Ended | _Stop | _Look | _Close] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"execution-{execution_id}", daemon=True)
        self._statuses: dict[str, str] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, StopSignal] = {}
        self._stopping = False
        self._failed_for_good = False

    def start(self) -> None:
        self._thread.start()

    def tell(self, message: Ended | _Stop | _Look | _Close) -> None:
        self._inbox.put(message)

    def join(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._load()
            self._coordinate()
        except Exception:  # the edge of the thread: an execution must not stay Executing for ever
            logger.exception("execution %s", self._id)
            self._records.set_status("Failed", "InternalServerError: a defect of local SageMaker; its log says more")
        finally:
            self._engine._forget(self._id, self)

    def _load(self) -> None:
        """What an earlier try of the execution has left, and whether it was stopped before it began."""
        self._stopping = self._records.execution()["PipelineExecutionStatus"] == "Stopping"
        for step in self._records.keep_succeeded():
            self._statuses[step["StepName"]] = "Succeeded"
            self._outputs[step["StepName"]] = step.get("Outputs", {})

    def _coordinate(self) -> None:
        self._start_ready()
        while self._running:
            message = self._inbox.get()
            match message:
                case _Close():
                    return
                case _Stop():
                    self._stopping = True
                    self._stop_running()
                case Ended(step, status, outputs, ends_execution):
                    del self._running[step]
                    self._statuses[step] = status
                    self._outputs[step] = outputs
                    if ends_execution:
                        self._failed_for_good = True
                        self._stop_running()
            self._start_ready()
        self._finish()

    def _start_ready(self) -> None:
        if self._stopping or self._failed_for_good:
            return
        outcomes = {
            name: outputs["Outcome"]
            for name, outputs in self._outputs.items()
            if self._definition.steps[name].type == "Condition" and "Outcome" in outputs
        }
        for name in self._plan.ready(self._statuses, outcomes):
            if len(self._running) >= self._limit():
                return
            self._start(name)

    def _limit(self) -> float:
        configured = self._records.execution().get("ParallelismConfiguration") or {}
        limit: float = configured.get("MaxParallelExecutionSteps", float("inf"))
        return limit

    def _start(self, name: str) -> None:
        step, execution, signal = self._definition.steps[name], self._records.execution(), StopSignal()
        self._statuses[name] = "Starting"
        self._running[name] = signal
        self._records.begin_step(step)
        task = StepTask(
            context=self._context,
            records=self._records,
            definition=self._definition,
            step=step,
            runner=self._engine._runners[step.type],
            parameters=execution["ParameterValues"],
            variables=variables_of(execution),
            outputs=dict(self._outputs),
            stop=signal,
            wait=self._engine._wait,
        )
        thread = threading.Thread(target=lambda: self.tell(task.run()), name=f"step-{self._id}-{name}", daemon=True)
        thread.start()

    def _stop_running(self) -> None:
        for name, signal in list(self._running.items()):
            self._records.move_step(name, "Stopping")
            signal.set()

    def _finish(self) -> None:
        status = self._plan.ended_as(self._statuses)
        if self._failed_for_good:
            status = "Failed"
        elif self._stopping:
            # As AWS does: a step that fails while the execution is being stopped makes it Failed.
            status = "Failed" if "Failed" in self._statuses.values() else "Stopped"
        self._records.set_status(status, self._failure_reason() if status == "Failed" else None)

    def _failure_reason(self) -> str:
        """AWS's sentence, and after it which step failed and why."""
        failed = [step for step in self._records.steps() if step["StepStatus"] == "Failed"]
        reasons = [f"{step['StepName']}: {step['FailureReason']}" for step in failed if step.get("FailureReason")]
        return " ".join([STEPS_FAILED, *reasons])


def variables_of(execution: Document) -> dict[str, str]:
    """What Get reads under Execution, but for the current time."""
    pipeline = execution["PipelineArn"]
    return {
        "StartDateTime": execution["CreationTime"].isoformat().replace("+00:00", "Z"),
        "PipelineName": pipeline.rpartition("/")[2],
        "PipelineArn": pipeline,
        "PipelineExecutionId": _id_of(execution),
        "PipelineExecutionArn": execution["PipelineExecutionArn"],
    }


def _id_of(execution: Document) -> str:
    return str(execution["PipelineExecutionArn"].rpartition("/")[2])


def _listed(names: list[str]) -> str:
    return f"step {names[0]}" if len(names) == 1 else f"steps {', '.join(names)}"
