"""A pipeline's graph for a page: its steps in the order that a person reads them, and the arrows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contender.executions.snapshot import Snapshot, Step
from contender.pipeline.definitions.graph import Graph, Node
from contender.pipeline.definitions.waiting import MARKS, Arrow, Waits, drawn


@dataclass(frozen=True, slots=True)
class Box:
    """One step. `title` is its display name; `step` how far it has come, None where nothing runs."""

    name: str
    title: str
    type: str
    description: str
    waits: Waits
    step: Step | None = None

    @property
    def mark(self) -> str:
        """The sign of a step that is not like the others; "" for those that are."""
        return MARKS.get(self.type, "")

    @property
    def words(self) -> str:
        """What it waits for, as a sentence to be read aloud."""
        reads = f"reads {', '.join(self.waits.reads)}" if self.waits.reads else ""
        after = f"after {', '.join(self.waits.after)}" if self.waits.after else ""
        asks = f"asks whether {self.waits.asks}" if self.waits.asks else ""
        return "; ".join(part for part in (self.waits.branch, reads, after, asks) if part) or "begins at once"


@dataclass(frozen=True, slots=True)
class View:
    """Boxes come after those they wait for; a loop's iterations, which no definition names, come last."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def document(self) -> dict[str, Any]:
        """What static/graph.js draws."""
        return {
            "arrows": [
                {"from": arrow.source, "to": arrow.target, "kind": arrow.kind.value, "detail": arrow.detail}
                for arrow in self.arrows
            ]
        }


def view(graph: Graph, snapshot: Snapshot | None = None) -> View:
    order, followers = graph.order(), graph.arrows()
    steps = {step.name: step for step in snapshot.steps} if snapshot else {}
    boxes = [_box(graph.nodes[name], order, followers, steps.pop(name, None)) for name in order]
    boxes += [Box(step.name, step.title, step.type, "", Waits(), step) for step in steps.values()]
    return View(tuple(boxes), drawn(graph))


def _box(node: Node, order: Sequence[str], followers: Mapping[str, Sequence[str]], step: Step | None) -> Box:
    title = str(node.body.get("DisplayName", node.name))
    return Box(node.name, title, node.type, node.description, Waits.of(node, order, followers), step)
