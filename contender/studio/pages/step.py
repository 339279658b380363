"""One step of an execution, and one file that it wrote."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contender.executions.listing import address_of
from contender.pipeline.definitions import words
from contender.pipeline.definitions.graph import Node
from contender.studio.desk import Desk
from contender.studio.reading import execution as executions
from contender.studio.reading import step
from contender.studio.reading.files import MOST_BYTES, MOST_FILES, MOST_OUTPUTS
from contender.studio.reading.jobs import without_secrets
from contender.studio.rendering import render
from contender.studio.reports.known import told
from contender.studio.views import training
from contender.studio.views.file import shown
from contender.studio.views.graph import view

RUNNING_S, SETTLING_S = 2, 10
LINES_SHOWN = 200


def page(desk: Desk, request: Request) -> Response:
    name = request.path_params["step"]
    found = executions.read(desk, request.path_params["pipeline"], request.path_params["id"])
    looked = step.look(desk, found, name)
    graph = found.graph
    boxes = {box.name: box for box in view(graph, found.snapshot).boxes} if graph else {}
    node = graph.nodes.get(name) if graph else None
    over = looked.step.ended_as is not None
    return render(
        request,
        "step.html",
        desk=desk,
        every_s=RUNNING_S if not over else 0 if looked.settled or not looked.step.started else SETTLING_S,
        execution=found,
        looked=looked,
        lines=looked.lines[-LINES_SHOWN:],
        reports=[(file, report) for file, text in looked.reports if (report := told(file.path, text))],
        curve=training.curve(looked.work, looked.lines),
        step=looked.step,
        work=looked.work,
        box=boxes.get(name),
        took=(looked.step.ended or desk.clock()) - looked.step.started if looked.step.started else None,
        source=address_of(looked.step.reused_from),
        asked=_asked(node.body if node else {}, found.snapshot.parameters),
        definition=_written(node),
        most_files=MOST_FILES,
        most_outputs=MOST_OUTPUTS,
    )


def file(desk: Desk, request: Request) -> Response:
    found = executions.read(desk, request.path_params["pipeline"], request.path_params["id"])
    one = found.step(request.path_params["step"])
    which, content = step.file_of(desk, found, one, request.path_params["file"])
    return render(
        request,
        "file.html",
        desk=desk,
        execution=found,
        step=one,
        file=which,
        content=content,
        shown=shown(which.path, content),
        report=told(which.path, content.text or "") if not content.cut else None,
        command=f"aws s3 cp {shlex.quote(which.uri)} .",
        most_bytes=MOST_BYTES,
    )


def _asked(body: Mapping[str, Any], parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the definition gives to a function, or says when it fails; jobs tell their own inputs."""
    if body.get("Type") not in ("Lambda", "Fail", "Callback", "Condition"):
        return []
    arguments = body.get("Arguments", {})
    if body["Type"] == "Condition":
        return [("has to hold", words.condition(each)) for each in arguments.get("Conditions", ())]
    given = {words.value({"Get": f"Parameters.{name}"}): value for name, value in parameters.items()}
    return [(str(name), given.get(said := words.value(value), said)) for name, value in arguments.items()]


def _written(node: Node | None) -> str:
    return json.dumps(_told(node.body), indent=2, ensure_ascii=False) if node else ""


def _told(value: Any) -> Any:
    """A definition holds the environments of jobs as they are."""
    if isinstance(value, list):
        return [_told(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: without_secrets(each) if name == "Environment" and isinstance(each, Mapping) else _told(each)
        for name, each in value.items()
    }
