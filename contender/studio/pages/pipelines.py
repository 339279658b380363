"""The project's pipelines, and one of them: its graph, parameters and versions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contender.pipeline.definitions import words
from contender.pipeline.origin import short
from contender.studio.desk import Desk
from contender.studio.reading import pipelines
from contender.studio.rendering import render
from contender.studio.views.graph import view

EVERY_S = 10


def listed(desk: Desk, request: Request) -> Response:
    return render(
        request, "pipelines.html", desk=desk, every_s=EVERY_S, pipelines=pipelines.pipelines(desk), short=short
    )


def one(desk: Desk, request: Request) -> Response:
    pipeline = pipelines.read(desk, request.path_params["name"])
    graph = pipeline.graph
    parameters = [
        (each["Name"], each["Type"], words.value(each["DefaultValue"]) if "DefaultValue" in each else "")
        for each in pipeline.definition.get("Parameters", ())
    ]
    return render(
        request,
        "pipeline.html",
        desk=desk,
        every_s=EVERY_S,
        pipeline=pipeline,
        view=view(graph) if graph else None,
        parameters=parameters,
        short=short,
    )
