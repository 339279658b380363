"""One dimension's endpoint: what it serves and how well, how it came to that, and what it was asked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contender.errors import NotFoundError
from contender.naming import checked_dimension
from contender.studio.desk import Desk
from contender.studio.reading import endpoint
from contender.studio.reading.metrics import WINDOWS
from contender.studio.reading.traffic import PERCENTILES
from contender.studio.rendering import render
from contender.studio.views import traffic

EVERY_S, BUSY_S = 10, 2


def page(desk: Desk, request: Request) -> Response:
    dimension = checked_dimension(request.path_params["dimension"])
    window = WINDOWS.get(request.query_params.get("window", ""), WINDOWS["hour"])
    captured_of = request.query_params.get("captured")
    found = endpoint.read(desk, dimension, window, captured_of)
    if not found.known:
        raise NotFoundError(
            f"there is no dimension {dimension!r}: it has no version, no execution and no endpoint; "
            f"`contender data upload` with rows of it makes one"
        )
    busy = found.serving is not None and found.serving.busy
    return render(
        request,
        "endpoint.html",
        desk=desk,
        every_s=BUSY_S if busy else EVERY_S,
        dimension=dimension,
        found=found,
        serving=found.serving,
        window=window,
        windows=WINDOWS.values(),
        percentiles=PERCENTILES,
        charts=traffic.charts(found.flow),
        capture_setting=capture_setting(desk),
    )


def capture_setting(desk: Desk) -> str:
    """What of contender.yaml says how much is captured in the desk's stage."""
    name = desk.stage_name
    return f"stages.{name}.data_capture_percent" if name else "endpoint.data_capture_percent"
