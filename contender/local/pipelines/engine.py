"""The engine: one coordinating thread an execution, one thread a running step, nothing polls.

StartPipelineExecution ─► Engine.run ─► Coordinator ─► Plan.ready ─► a thread a step ─► Ended ─► Coordinator
                                            └── nothing runs, nothing is ready ─► the execution's last status
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from contender.local.context import Context
from contender.local.pipelines.attempt import Wait
from contender.local.pipelines.callbacks import Callbacks
from contender.local.pipelines.coordinator import Coordinator
from contender.local.pipelines.definition import Definition
from contender.local.pipelines.parser import parse
from contender.local.pipelines.plan import ENDED
from contender.local.pipelines.records import DEFINITION, EXECUTION, RUNNING, Records, id_of
from contender.local.pipelines.steps import RUNNERS
from contender.local.pipelines.steps.runner import StepRunner
from contender.local.store import Document, Filter

CLOSE_TIMEOUT_S = 2.0


class Engine:
    """Runs executions that stand in the store as Executing."""

    def __init__(
        self,
        context: Context,
        runners: Mapping[str, StepRunner] = RUNNERS,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self.callbacks = Callbacks(context)
        self._context = context
        self._runners = runners
        self._wait = wait
        self._coordinators: dict[str, Coordinator] = {}
        self._lock = threading.Lock()
        self._closing = False

    def read_definition(self, text: str) -> Definition:
        """Raises DefinitionError."""
        return parse(text, self._runners, self._context.dispatcher.model)

    def run(self, execution_id: str) -> None:
        """Begin, or go on with, an execution that the store says is Executing."""
        text = self._context.store.get(DEFINITION, execution_id)["PipelineDefinition"]
        coordinator = Coordinator(
            context=self._context,
            definition=self.read_definition(text),
            records=Records(self._context, execution_id, self.is_open),
            runners=self._runners,
            wait=self._wait,
            on_end=lambda ended: self._forget(execution_id, ended),
        )
        with self._lock:
            if self._closing:
                return
            self._coordinators[execution_id] = coordinator
        coordinator.start()

    def stop(self, execution_id: str) -> None:
        """Start nothing more, stop the jobs that run; the execution ends as Stopped."""
        if coordinator := self._find(execution_id):
            coordinator.stop()

    def look(self, execution_id: str) -> None:
        """The execution has changed in the store, perhaps its parallelism: see what may start."""
        if coordinator := self._find(execution_id):
            coordinator.look()

    def join(self, execution_id: str, timeout_s: float) -> bool:
        """Wait for an execution's end; False if it takes longer."""
        coordinator = self._find(execution_id)
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
            coordinator.close()
        for coordinator in coordinators:
            coordinator.join(CLOSE_TIMEOUT_S)

    def is_open(self) -> bool:
        return not self._closing

    def _find(self, execution_id: str) -> Coordinator | None:
        with self._lock:
            return self._coordinators.get(execution_id)

    def _forget(self, execution_id: str, coordinator: Coordinator) -> None:
        """Unless a retry has put another in its place already."""
        with self._lock:
            if self._coordinators.get(execution_id) is coordinator:
                del self._coordinators[execution_id]

    def _interrupt(self, execution: Document) -> None:
        records = Records(self._context, id_of(execution), self.is_open)
        running = [step["StepName"] for step in records.steps() if step["StepStatus"] not in ENDED]
        for name in running:
            records.end_step(name, "Failed", reason="Interrupted: local SageMaker was stopped while this step ran.")
        where = f"while {_listed(running)} ran" if running else "between two steps"
        records.set_status(
            "Failed",
            f"Interrupted: local SageMaker was stopped {where}. RetryPipelineExecution continues the execution without "
            "redoing its finished steps.",
        )


def _listed(names: list[str]) -> str:
    return f"step {names[0]}" if len(names) == 1 else f"steps {', '.join(names)}"
