"""The iterations of a ForEach step: every body step once for every item, as steps named <body step>-<index>."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contender.local.pipelines.definition import Definition, Step
from contender.local.pipelines.plan import ENDED, Plan


@dataclass(frozen=True, slots=True)
class Iteration:
    """One body step for one item; `step` carries the name of its own, `body` is its name in the definition."""

    step: Step
    loop: str
    body: str
    index: int
    item: Any

    @property
    def text(self) -> str:
        """The item as the API shows it."""
        return self.item if isinstance(self.item, str) else json.dumps(self.item)


class Loop:
    """The iterations of one ForEach step, and how far they are; its coordinator alone changes it while they run."""

    def __init__(self, step: Step, definition: Definition, items: Sequence[Any], at_once: int) -> None:
        bodies = [definition.steps[name] for name in (step.body.steps if step.body else ())]
        self.step = step
        self.items = items
        self.statuses: dict[str, str] = {}
        self.outputs: dict[str, Mapping[str, Any]] = {}
        self.iterations = {
            iteration.step.name: iteration
            for index, item in enumerate(items)
            for iteration in (Iteration(_numbered(body, index), step.name, body.name, index, item) for body in bodies)
        }
        self._at_once = at_once
        self._plan = Plan({name: iteration.step for name, iteration in self.iterations.items()})

    def ready(self) -> list[Iteration]:
        """What may start now, no more than may run at once."""
        running = sum(status not in ENDED for status in self.statuses.values())
        return [self.iterations[name] for name in self._plan.ready(self.statuses, {})][: self._at_once - running]

    def begin(self, iteration: Iteration) -> dict[str, Mapping[str, Any]]:
        """It starts; the answer is what the steps of its own iteration have put out, by their names in the body."""
        self.statuses[iteration.step.name] = "Starting"
        return self.outputs_of(iteration.index)

    def end(self, name: str, status: str, outputs: Mapping[str, Any]) -> None:
        self.statuses[name] = status
        self.outputs[name] = outputs

    def is_running(self) -> bool:
        return any(status not in ENDED for status in self.statuses.values())

    def ended_as(self) -> str:
        """Succeeded, Failed or Stopped; a failure that a step of the body runs on is dealt with."""
        status = self._plan.ended_as(self.statuses)
        return "Succeeded" if status == "CompletedWithFailures" else status

    def outputs_of(self, index: int) -> dict[str, Mapping[str, Any]]:
        return {
            iteration.body: self.outputs[name]
            for name, iteration in self.iterations.items()
            if iteration.index == index and name in self.outputs
        }


def _numbered(body: Step, index: int) -> Step:
    waits_for = tuple(replace(each, step=f"{each.step}-{index}") for each in body.waits_for)
    return replace(body, name=f"{body.name}-{index}", waits_for=waits_for)
