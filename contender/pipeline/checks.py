"""What the SageMaker SDK compiles without complaint and SageMaker refuses, or finds only while running."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contender.errors import DeploymentError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(r"(Parameters|Steps)\.([^.\[]+)")


def check(document: Mapping[str, Any]) -> None:
    """Illegal and repeated step names, unknown parameters and steps, cycles. Raises DeploymentError naming the step."""
    parameters = {parameter["Name"] for parameter in document.get("Parameters", [])}
    steps = dict(_steps(document["Steps"]))
    needs = {name: set[str]() for name in steps}
    for name, step in steps.items():
        inner = {child for child, _ in _steps(_branches(step))}
        for kind, target in _references(step):
            if kind == "Parameters" and target not in parameters:
                raise DeploymentError(f"step {name!r} uses parameter {target!r}, which the pipeline does not have")
            if kind == "Steps" and target not in steps:
                raise DeploymentError(f"step {name!r} refers to step {target!r}, which the pipeline does not have")
            if kind == "Steps" and target not in inner:
                needs[name].add(target)
        for child in inner:
            needs[child].add(name)
    if circle := _circle(needs):
        raise DeploymentError(f"steps wait for each other in a circle: {' -> '.join(circle)}")


def _steps(listed: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All steps, those within conditions too, by name."""
    seen = set()
    queue = list(listed)
    while queue:
        step = queue.pop(0)
        name = step["Name"]
        if not _NAME.fullmatch(name):
            raise DeploymentError(f"step name {name!r} is illegal: use up to 64 letters, digits, - and _")
        if name in seen:
            raise DeploymentError(f"two steps are called {name!r}")
        seen.add(name)
        yield name, step
        queue += _branches(step)


def _branches(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    if step["Type"] != "Condition":
        return []
    return [*step["Arguments"].get("IfSteps", []), *step["Arguments"].get("ElseSteps", [])]


def _references(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in step.get("DependsOn", []):
        yield "Steps", item["Step"] if isinstance(item, Mapping) else item
    if step["Type"] == "Condition":
        yield from _gets(step["Arguments"]["Conditions"])
    else:
        # Not its arguments alone: a check step is told beside them whether to skip, and which model to ask.
        yield from _gets({key: value for key, value in step.items() if key != "DependsOn"})


def _gets(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("Get"), str) and (match := _REFERENCE.match(value["Get"])):
            yield match[1], match[2]
        for inner in value.values():
            yield from _gets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _gets(inner)


def _circle(needs: Mapping[str, set[str]]) -> list[str]:
    """One circle in the graph, or nothing."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for needed in sorted(needs[name]):
                if found := walk(needed, [*path, name]):
                    return found
            done.add(name)
        return []

    for name in needs:
        if found := walk(name, []):
            return found
    return []
