"""Executions of all pipelines, the newest first: of which dimension, how it went, how long it took, what it made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from contender.naming import is_dimension
from contender.studio.charts.gantt import Bar, gantt
from contender.studio.desk import Desk
from contender.studio.reading.executions import Choice, Listing, listing
from contender.studio.rendering import render

RUNNING_S, RESTING_S = 2, 10
STATES = {
    "": "all",
    "Executing": "running",
    "Succeeded": "succeeded",
    "Failed": "failed or refused",
    "Stopped": "stopped",
}


def page(desk: Desk, request: Request) -> Response:
    choice = _choice(desk, request.query_params)
    found = listing(desk, choice)
    return render(
        request,
        "executions.html",
        desk=desk,
        every_s=RUNNING_S if any(row.running for row in found.rows) else RESTING_S,
        choice=choice,
        one=choice.dimension if is_dimension(choice.dimension) else "",
        states=STATES,
        pipelines=desk.names.pipelines,
        found=found,
        now=desk.clock(),
        older=f"{found.older.timestamp():.6f}" if found.older else None,
        gantt=_chart(desk, found),
    )


def _choice(desk: Desk, query: Mapping[str, str]) -> Choice:
    """Of an address; what it says wrongly is as if it did not say it."""
    state, pipeline = query.get("state", ""), query.get("pipeline", "")
    return Choice(
        query.get("dimension", "").strip()[:100],
        state if state in STATES else "",
        pipeline if pipeline in desk.names.pipelines else "",
        _moment(query.get("before", "")),
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _chart(desk: Desk, found: Listing) -> object:
    now = desk.clock()
    return gantt(
        "durations",
        "Durations",
        [
            Bar(f"{row.dimension or row.name} · {row.id}", row.status, row.started, row.started + took)
            for row in found.rows
            if (took := row.took(now)) is not None
        ],
    )
