"""What a step waits for, in words, and which arrows a drawing of the graph needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from contender.pipeline.definitions import words
from contender.pipeline.definitions.diff import branch_words, need_words
from contender.pipeline.definitions.graph import Graph, Kind, Node

MARKS = {"Condition": "◆", "Fail": "×"}
"""Signs of steps that are not like the others."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a step does not begin at once. `branch`: `if Gate is true`; `asks`: what a condition wants to hold."""

    branch: str = ""
    reads: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    asks: str = ""

    @classmethod
    def of(cls, node: Node, order: Sequence[str], followers: Mapping[str, Sequence[str]]) -> Self:
        """`order` and `followers` are the graph's; a branch is told of the steps that it begins with."""
        first = node.inside is not None and node.name in followers[node.inside[0]]
        reads = sorted({need.step for need in node.needs if need.kind is Kind.DATA}, key=order.index)
        asked = node.body.get("Arguments", {}).get("Conditions", []) if node.type == "Condition" else None
        return cls(
            branch_words(*node.inside) if first and node.inside else "",
            tuple(reads),
            tuple(need_words(need) for need in node.needs if need.kind is Kind.ORDER and need.step not in reads),
            "" if asked is None else words.conditions(asked),
        )


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line from a step to one that waits for it. `detail` is the branch, or the trigger of an order."""

    source: str
    target: str
    kind: Kind
    detail: str = ""


def drawn(graph: Graph) -> tuple[Arrow, ...]:
    """The arrows that tell everything: one that follows from others of its kind is left out.

    Data that comes along a way of data needs no arrow of its own; an order that any way keeps needs none either, and a
    branch is drawn to the steps that it begins with.
    """
    data = {name: {need.step for need in node.needs if need.kind is Kind.DATA} for name, node in graph.nodes.items()}
    every = {name: set(graph.needs(name)) for name in graph.nodes}
    return tuple(arrow for name in graph.order() for arrow in _to(graph.nodes[name], data, every))


def _to(node: Node, data: Mapping[str, set[str]], every: Mapping[str, set[str]]) -> Iterator[Arrow]:
    for need in node.needs:
        if need.kind is Kind.ORDER and need.step in data[node.name]:
            continue
        ways = data if need.kind is Kind.DATA else every
        if not any(need.step in _before(ways, other) for other in ways[node.name] - {need.step}):
            yield Arrow(need.step, node.name, need.kind, need.detail)


def _before(ways: Mapping[str, set[str]], name: str) -> set[str]:
    """All that a step waits for, at any distance."""
    found: set[str] = set()
    left = [name]
    while left:
        for step in ways[left.pop()] - found:
            found.add(step)
            left.append(step)
    return found
