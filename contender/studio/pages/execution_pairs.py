"""Two executions side by side: parameters, data, metrics, outcome, and how long each step took."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contender.errors import NotFoundError
from contender.studio.desk import Desk
from contender.studio.reading import execution_pairs
from contender.studio.rendering import render

MOST = 3
RUNNING_S = 2


def page(desk: Desk, request: Request) -> Response:
    """`of` is given once for each: `<pipeline>/<id>`; of more than three the first three are shown."""
    chosen = [_pair(each) for each in dict.fromkeys(request.query_params.getlist("of"))][:MOST]
    sides = execution_pairs.sides(desk, chosen)
    return render(
        request,
        "execution_pairs.html",
        desk=desk,
        every_s=RUNNING_S if any(side.snapshot.running for side in sides) else 0,
        sides=sides,
        parameters=execution_pairs.parameter_rows(sides),
        first_run=execution_pairs.first_run_rows(sides),
        figures=execution_pairs.figure_rows(sides),
        steps=execution_pairs.step_rows(sides),
        now=desk.clock(),
    )


def _pair(text: str) -> tuple[str, str]:
    pipeline, slash, execution = text.partition("/")
    if not slash or not execution.isalnum():
        raise NotFoundError(f"{text[:80]!r} names no execution: choose two from the list of executions")
    return pipeline, execution
