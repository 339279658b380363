"""One execution: starts what is ready, hears what ended, until nothing runs and nothing is ready.

Steps of branches that do not depend on a failed step go on; a Fail step ends everything. A ForEach step hands its
iterations over and waits until they have ended: they are started here, among the other steps.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contender.local.context import Context
from contender.local.pipelines.attempt import Ended, StepTask, Wait
from contender.local.pipelines.definition import Definition, Step
from contender.local.pipelines.iterations import Iteration, Loop
from contender.local.pipelines.plan import Plan
from contender.local.pipelines.records import Records, variables_of
from contender.local.pipelines.selection import steps_to_run
from contender.local.pipelines.steps.runner import StepRunner, StopSignal
from contender.local.store import Document

logger = logging.getLogger(__name__)

STEPS_FAILED = "Step failure: One or multiple steps failed."


class _Stop:
    """The user asked to stop."""


class _Look:
    """Something outside changed: see what may start."""


class _Close:
    """The server is closing."""


@dataclass(frozen=True, slots=True)
class _FanOut:
    """A ForEach step has its iterations; `over` is set when the last of them has ended."""

    loop: Loop
    over: threading.Event


class Coordinator:
    """The thread of one execution; `on_end` hears of its end, whatever it is."""

    def __init__(
        self,
        *,
        context: Context,
        definition: Definition,
        records: Records,
        runners: Mapping[str, StepRunner],
        wait: Wait,
        on_end: Callable[[Coordinator], None],
    ) -> None:
        self._context = context
        self._definition = definition
        self._records = records
        self._runners = runners
        self._wait = wait
        self._on_end = on_end
        self._to_run = steps_to_run(definition, records.execution())
        self._plan = Plan(self._to_run)
        self._inbox: queue.SimpleQueue[Ended | _Stop | _Look | _Close | _FanOut] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"execution-{records.execution_id}", daemon=True)
        self._statuses: dict[str, str] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, StopSignal] = {}
        self._loops: dict[str, _FanOut] = {}
        self._kept_iterations: dict[str, Document] = {}
        self._stopping = False
        self._failed_for_good = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._inbox.put(_Stop())

    def look(self) -> None:
        self._inbox.put(_Look())

    def close(self) -> None:
        self._inbox.put(_Close())

    def join(self, timeout_s: float) -> bool:
        """False if it goes on for longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._load()
            self._coordinate()
        except Exception:  # the edge of the thread: an execution must not stay Executing for ever
            logger.exception("execution %s", self._records.execution_id)
            self._records.set_status("Failed", "InternalServerError: a defect of local SageMaker; its log says more")
        finally:
            self._on_end(self)

    def _load(self) -> None:
        """What an earlier try of the execution has left, and whether it was stopped before it began."""
        self._stopping = self._records.execution()["PipelineExecutionStatus"] == "Stopping"
        for step in self._records.keep_succeeded():
            if "IterationContext" in step:
                self._kept_iterations[step["StepName"]] = step
            else:
                self._statuses[step["StepName"]] = step["StepStatus"]
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
                case _FanOut(loop):
                    self._take_up(loop)
                    self._loops[loop.step.name] = message
                case Ended():
                    self._hear(message)
            self._start_ready()
            self._end_loops()
        self._finish()

    def _hear(self, ended: Ended) -> None:
        del self._running[ended.step]
        loop = self._loop_of(ended.step)
        if loop is not None:
            loop.end(ended.step, ended.status, ended.outputs)
        else:
            self._statuses[ended.step] = ended.status
            self._outputs[ended.step] = ended.outputs
        if ended.ends_execution:
            self._failed_for_good = True
            self._stop_running()

    def _start_ready(self) -> None:
        if self._halted():
            return
        outcomes = {
            name: outputs["Outcome"]
            for name, outputs in self._outputs.items()
            if self._definition.steps[name].type == "Condition" and "Outcome" in outputs
        }
        for name in self._plan.ready(self._statuses, outcomes):
            if not self._has_room():
                return
            self._statuses[name] = "Starting"
            self._start(self._definition.steps[name], None, self._outputs)
        for fan_out in self._loops.values():
            for iteration in fan_out.loop.ready():
                if not self._has_room():
                    return
                siblings = fan_out.loop.begin(iteration)
                self._start(iteration.step, iteration, {**self._outputs, **siblings})

    def _halted(self) -> bool:
        return self._stopping or self._failed_for_good

    def _has_room(self) -> bool:
        """A ForEach step only waits, so it takes no place."""
        configured = self._records.execution().get("ParallelismConfiguration") or {}
        limit: float = configured.get("MaxParallelExecutionSteps", float("inf"))
        return len(self._running) - len(self._loops) < limit

    def _start(self, step: Step, iteration: Iteration | None, outputs: Mapping[str, Mapping[str, Any]]) -> None:
        execution, signal = self._records.execution(), StopSignal()
        self._running[step.name] = signal
        self._records.begin_step(step, iteration)
        task = StepTask(
            context=self._context,
            records=self._records,
            definition=self._definition,
            step=step,
            iteration=iteration,
            runner=self._runners[step.type],
            parameters=execution["ParameterValues"],
            variables=variables_of(execution),
            experiment=execution.get("PipelineExperimentConfig", {}),
            outputs=dict(outputs),
            stop=signal,
            wait=self._wait,
            fan_out=lambda items, at_once: self._fan_out(step, items, at_once),
        )
        name = f"step-{self._records.execution_id}-{step.name}"
        threading.Thread(target=lambda: self._inbox.put(task.run()), name=name, daemon=True).start()

    def _stop_running(self) -> None:
        for name, signal in list(self._running.items()):
            self._records.move_step(name, "Stopping")
            signal.set()

    def _fan_out(self, step: Step, items: Sequence[Any], at_once: int) -> Loop:
        """In the thread of a ForEach step: let its iterations run, and wait for them."""
        message = _FanOut(Loop(step, self._definition, items, at_once), threading.Event())
        self._inbox.put(message)
        message.over.wait()
        return message.loop

    def _take_up(self, loop: Loop) -> None:
        """Iterations that an earlier try of the execution finished are not run again, if their items are the same."""
        kept = [name for name, step in self._kept_iterations.items() if _parent(step) == loop.step.name]
        for name in kept:
            step = self._kept_iterations.pop(name)
            iteration = loop.iterations.get(name)
            if iteration is not None and iteration.text == step["IterationContext"]["Item"]:
                loop.end(name, step["StepStatus"], step.get("Outputs", {}))
            else:
                self._records.forget_step(name)

    def _loop_of(self, name: str) -> Loop | None:
        return next((each.loop for each in self._loops.values() if name in each.loop.iterations), None)

    def _end_loops(self) -> None:
        for name, fan_out in list(self._loops.items()):
            if not fan_out.loop.is_running() and (self._halted() or not fan_out.loop.ready()):
                del self._loops[name]
                fan_out.over.set()

    def _finish(self) -> None:
        status = self._plan.ended_as(self._statuses)
        if self._failed_for_good:
            status = "Failed"
        elif self._stopping:
            # As AWS does: a step that fails while the execution is being stopped makes it Failed.
            failed = any(status == "Failed" for name, status in self._statuses.items() if name in self._to_run)
            status = "Failed" if failed else "Stopped"
        self._records.set_status(status, self._failure_reason() if status == "Failed" else None)

    def _failure_reason(self) -> str:
        """AWS's sentence, and after it which step failed and why."""
        ran = [step for step in self._records.steps() if "SelectiveExecutionResult" not in step]
        failed = [step for step in ran if step["StepStatus"] == "Failed"]
        reasons = [f"{step['StepName']}: {step['FailureReason']}" for step in failed if step.get("FailureReason")]
        return " ".join([STEPS_FAILED, *reasons])


def _parent(step: Document) -> str:
    return str(step["IterationContext"]["ParentStepName"])
