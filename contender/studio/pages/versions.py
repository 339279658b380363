"""The versions of a dimension's model, the newest first: their stages, approval, metrics, gate, and who waits."""

from __future__ import annotations

import math

from starlette.requests import Request
from starlette.responses import Response

from contender.executions.listing import address_of
from contender.naming import checked_dimension
from contender.studio.desk import Desk
from contender.studio.reading import versions
from contender.studio.reading.versions import ROWS
from contender.studio.rendering import render

MOVING_S, RESTING_S = 2, 10


def page(desk: Desk, request: Request) -> Response:
    dimension = checked_dimension(request.path_params["dimension"])
    waiting = desk.later(lambda: versions.refused(desk, dimension))
    found = versions.models(desk, dimension)
    pages = max(math.ceil(len(found) / ROWS), 1)
    asked = request.query_params.get("page", "1")
    number = min(max(int(asked) if asked.isdecimal() and len(asked) < 6 else 1, 1), pages)
    shown = found[(number - 1) * ROWS : number * ROWS]
    return render(
        request,
        "versions.html",
        desk=desk,
        every_s=MOVING_S if any(each.moves for each in found) else RESTING_S,
        dimension=dimension,
        total=len(found),
        rows=shown,
        measured=versions.measured(desk, shown),
        refused=[(record, address_of(record.execution)) for record in waiting.result()],
        number=number,
        pages=pages,
    )
