"""The graph of a definition: its steps, those within conditions and loops too, and what each waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

_REFERENCE = re.compile(r"Steps\.([^.\[]+)")
_NESTED = {"Condition": {"IfSteps": "true", "ElseSteps": "false"}, "ForEach": {"ForEachBody": "each"}}


class Kind(Enum):
    """Why a step waits: it reads what another made, it was told to, or it is within a condition or a loop."""

    DATA = "data"
    ORDER = "order"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Need:
    """A step that must come first. `detail` is the branch (`true`, `false`, `each`) or the trigger (`Failed`)."""

    step: str
    kind: Kind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One step. `body` is its part of the definition without the steps within it."""

    name: str
    body: Mapping[str, Any]
    needs: tuple[Need, ...]
    inside: tuple[str, str] | None = None
    """The condition or loop that the step is in, and the branch."""

    @property
    def type(self) -> str:
        return str(self.body.get("Type", "?"))

    @property
    def description(self) -> str:
        return str(self.body.get("Description", ""))


class Graph:
    """Steps by name, in the order of the definition. ValueError if two have one name."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        listed = list(nodes(document.get("Steps", [])))
        self.nodes = {node.name: node for node in listed}
        if len(self.nodes) < len(listed):
            raise ValueError("two steps have one name")
        for name, node in self.nodes.items():  # a name that no step has is somebody else's mistake to report
            known = tuple(need for need in node.needs if need.step in self.nodes and need.step != name)
            self.nodes[name] = Node(name, node.body, known, node.inside)

    def needs(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(need.step for need in self.nodes[name].needs))

    def order(self) -> list[str]:
        """Every step after those it waits for; steps that nothing waits for as early as they can be."""
        awaited = {step for name in self.nodes for step in self.needs(name)}
        left, ordered = list(self.nodes), list[str]()
        while left:
            ready = [name for name in left if not set(self.needs(name)) & set(left)] or left[:1]
            chosen = next((name for name in ready if name not in awaited), ready[0])
            left.remove(chosen)
            ordered.append(chosen)
        return ordered

    def arrows(self) -> dict[str, list[str]]:
        """The followers of each step: only the arrows that are not the sum of others."""
        before: dict[str, set[str]] = {}
        followers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name in self.order():
            needs = [step for step in self.needs(name) if step in before]
            before[name] = set(needs).union(*(before[step] for step in needs))
            for step in needs:
                if not any(step in before[other] for other in needs if other != step):
                    followers[step].append(name)
        return followers


def readable(document: Mapping[str, Any]) -> Graph | None:
    """None for what no service would take, such as two steps of one name: there is no telling steps apart then."""
    try:
        return Graph(document)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def nodes(steps: Any, inside: tuple[str, str] | None = None) -> Iterator[Node]:
    """All steps, those within conditions and loops too, with what they say they need, whether it is there or not."""
    for step in steps:
        name, nested, arguments = str(step["Name"]), _NESTED.get(str(step.get("Type")), {}), step.get("Arguments", {})
        own = {key: item for key, item in arguments.items() if key not in nested or not item}
        body = {**step, "Arguments": own} if "Arguments" in step else step
        branch = [Need(inside[0], Kind.BRANCH, inside[1])] if inside else []
        yield Node(name, body, tuple(dict.fromkeys([*_read(body), *_told(step), *branch])), inside)
        for key, label in nested.items():
            yield from nodes(arguments.get(key) or [], (name, label))


def _read(body: Any) -> list[Need]:
    return [Need(step, Kind.DATA) for step in references(body)]


def _told(step: Mapping[str, Any]) -> Iterator[Need]:
    for item in step.get("DependsOn") or []:
        if isinstance(item, Mapping):
            trigger = item.get("Trigger", "Completed")
            yield Need(str(item.get("Step")), Kind.ORDER, "" if trigger == "Completed" else str(trigger))
        else:
            yield Need(str(item), Kind.ORDER)


def references(item: Any) -> list[str]:
    """The steps whose results are read anywhere within, each once."""
    return list(dict.fromkeys(found[1] for path in gets(item) if (found := _REFERENCE.match(path))))


def gets(item: Any) -> Iterator[str]:
    """Everything that is looked up within: `Parameters.Dimension`, `Steps.Train.ModelArtifacts.S3ModelArtifacts`."""
    if isinstance(item, Mapping):
        if isinstance(item.get("Get"), str):
            yield item["Get"]
        for inner in item.values():
            yield from gets(inner)
    elif isinstance(item, Sequence) and not isinstance(item, str):
        for inner in item:
            yield from gets(inner)
