"""The versions of a dimension's model, the newest first: their stages, approval, metrics, gate, and who waits."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contender.executions.listing import address_of
from contender.naming import checked_dimension
from contender.studio.desk import Desk
from contender.studio.query import Paged
from contender.studio.reading import versions
from contender.studio.reading.versions import ROWS
from contender.studio.rendering import render

MOVING_S, RESTING_S = 2, 10


def page(desk: Desk, request: Request) -> Response:
    dimension = checked_dimension(request.path_params["dimension"])
    waiting = desk.later(lambda: versions.refused(desk, dimension))
    found = versions.models(desk, dimension)
    paged = Paged.of(found, ROWS, request.query_params.get("page", ""))
    return render(
        request,
        "versions.html",
        desk=desk,
        every_s=MOVING_S if any(each.moves for each in found) else RESTING_S,
        dimension=dimension,
        total=len(found),
        rows=paged.rows,
        measured=versions.measured(desk, paged.rows),
        refused=[(record, address_of(record.execution)) for record in waiting.result()],
        number=paged.number,
        pages=paged.pages,
    )
