"""What the SageMaker SDK compiles without complaint and SageMaker refuses, or finds only while running."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contender.errors import DeploymentError
from contender.pipeline.definitions.graph import gets, nodes

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PARAMETER = re.compile(r"Parameters\.([^.\[]+)")


def check(document: Mapping[str, Any]) -> None:
    """Illegal and repeated step names, unknown parameters and steps, cycles. Raises DeploymentError naming the step."""
    parameters = {parameter["Name"] for parameter in document.get("Parameters", [])}
    steps = list(nodes(document["Steps"]))
    needs: dict[str, set[str]] = {}
    for step in steps:
        if not _NAME.fullmatch(step.name):
            raise DeploymentError(f"step name {step.name!r} is illegal: use up to 64 letters, digits, - and _")
        if step.name in needs:
            raise DeploymentError(f"two steps are called {step.name!r}")
        needs[step.name] = {need.step for need in step.needs}
    for step in steps:
        # Not its arguments alone: a check step is told beside them whether to skip, and which model to ask.
        for used in (found[1] for path in gets(step.body) if (found := _PARAMETER.match(path))):
            if used not in parameters:
                raise DeploymentError(f"step {step.name!r} uses parameter {used!r}, which the pipeline does not have")
        for needed in sorted(needs[step.name]):
            if needed not in needs:
                raise DeploymentError(f"step {step.name!r} refers to step {needed!r}, which the pipeline does not have")
    if circle := _circle(needs):
        raise DeploymentError(f"steps wait for each other in a circle: {' -> '.join(circle)}")


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
