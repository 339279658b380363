"""One execution: how far each step has come, what it was given, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contender.executions.snapshot import ANY_FAILURE, Snapshot, Step
from contender.pipeline.definitions import words
from contender.pipeline.origin import short
from contender.studio.desk import Desk
from contender.studio.reading import execution as executions
from contender.studio.rendering import render
from contender.studio.views.graph import view

EVERY_S = 2
NARROWEST = 0.6
"""Width of a bar that can still be seen, in percent."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step in time: where its bar begins and how wide it is, in percent of the execution."""

    step: Step
    took: float | None
    x: float = 0.0
    width: float = 0.0


def page(desk: Desk, request: Request) -> Response:
    found = executions.read(desk, request.path_params["pipeline"], request.path_params["id"])
    snapshot, now, graph = found.snapshot, desk.clock(), found.graph
    return render(
        request,
        "execution.html",
        desk=desk,
        every_s=EVERY_S if snapshot.running else 0,
        execution=found,
        snapshot=snapshot,
        reason=snapshot.reason.removeprefix(ANY_FAILURE),
        took=(snapshot.ended or now) - snapshot.started if snapshot.started else None,
        view=view(graph, snapshot) if graph else None,
        rows=list(_rows(snapshot, now)),
        given=list(snapshot.parameters.items()),
        defaults=list(_defaults(found.watcher.definition, snapshot)),
        short=short,
    )


def _rows(snapshot: Snapshot, now: datetime) -> Iterator[Row]:
    begun = [step for step in snapshot.steps if step.started]
    first = min((step.started for step in begun if step.started), default=now)
    last = max((step.ended or now for step in begun), default=now)
    whole = max((last - first).total_seconds(), 0.001)
    for step in sorted(snapshot.steps, key=lambda step: (step.started or last).timestamp()):
        if not step.started:
            yield Row(step, None)
            continue
        took = ((step.ended or now) - step.started).total_seconds()
        x = min((step.started - first).total_seconds() / whole * 100, 100 - NARROWEST)
        yield Row(step, took, round(x, 2), round(min(max(took / whole * 100, NARROWEST), 100 - x), 2))


def _defaults(definition: Mapping[str, Any], snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for each in definition.get("Parameters", ()):
        if each["Name"] not in snapshot.parameters:
            default = each.get("DefaultValue")
            yield each["Name"], "" if default in (None, "") else words.value(default)
