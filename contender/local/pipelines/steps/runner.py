"""What a step type is to the engine: how it is checked, what it puts out, and how one attempt of it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from contender.local.context import Context
from contender.local.pipelines.definition import Step, StepKind
from contender.local.pipelines.iterations import Loop


class StopSignal:
    """Tells a running step to stop: an event to wait on, and calls to make at that moment."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._calls: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def set(self) -> None:
        with self._lock:
            self.event.set()
            calls = list(self._calls)
        for call in calls:
            call()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Inside, `call` is made when the signal is set, or at once if it is set already."""
        with self._lock:
            already = self.event.is_set()
            self._calls.append(call)
        if already:
            call()
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(call)


FanOut = Callable[[Sequence[Any], int], Loop]


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt of a step. `arguments` and `fields` are resolved; `token` makes the names of this attempt unique.
    `experiment` names the experiment and trial that its jobs belong to, empty without them.

    `started` makes known what the step works on (its job's ARN) while it still runs; `fan_out` runs the iterations of
    a ForEach step for these items, at most so many steps at once, and answers when they have ended.
    """

    context: Context
    step: Step
    arguments: Mapping[str, Any]
    fields: Mapping[str, Any]
    execution_arn: str
    experiment: Mapping[str, str]
    token: str
    stop: StopSignal
    started: Callable[[Mapping[str, Any]], None]
    fan_out: FanOut

    @property
    def execution_id(self) -> str:
        return self.execution_arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Result:
    """`outputs` is what Get expressions read of the step; `metadata` what ListPipelineExecutionSteps shows."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class StepFailed(Exception):
    """The attempt failed; `exception_type` is what retry policies go by, None for what no retry mends."""

    def __init__(
        self,
        reason: str,
        *,
        exception_type: str | None = None,
        result: Result = Result(),
        ends_execution: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.exception_type = exception_type
        self.result = result
        self.ends_execution = ends_execution


class StepStopped(Exception):
    """The step's work was stopped before it was done."""

    def __init__(self, result: Result = Result()) -> None:
        super().__init__("stopped")
        self.result = result


class StepRunner(StepKind, Protocol):
    """A step type. `run` raises StepFailed or StepStopped."""

    def run(self, run: Run) -> Result: ...


@runtime_checkable
class Preparing(Protocol):
    """A step type whose work depends on more than the definition says."""

    def prepare(self, context: Context, step: Step, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields with what was looked up, which then counts for the cache. Raises StepFailed."""

    def still_holds(self, context: Context, fields: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
        """Whether the outputs of an earlier run may stand for a new one. Raises StepFailed."""
