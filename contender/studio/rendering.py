"""Templates become answers: what every one of them may use, and how times, shares and numbers are written."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from contender.studio import sparkline, states
from contender.studio.access import FLASH, form_token

DASH = "–"


def render(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """The answer of a template of `templates/`."""
    access = request.app.state.access
    live = "x-live" in request.headers  # live.js leaves messages as they are: whoever navigates next has to see them
    page = (
        _environment()
        .get_template(template)
        .render(
            path=quote(request.scope["path"]),
            query=request.query_params,
            allow_actions=access.allow_actions,
            form_token=form_token(request.session) if access.allow_actions else "",
            flash=None if live else request.session.pop(FLASH, None),
            stage_query=f"?stage={quote(stage, safe='')}" if (stage := request.query_params.get("stage")) else "",
            **values,
        )
    )
    return HTMLResponse(page, status_code)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": time_,
        "percent": percent,
        "number": number,
        "duration": duration,
        "figure": figure,
        "part": lambda text: quote(str(text), safe=""),
        "data": data,
        "but": but,
        "spark_points": sparkline.points,
        "state_kind": states.kind,
        "state_mark": states.mark,
    }
    return environment


def time_(at: datetime | None) -> str:
    """`2026-11-30 20:11:05`, UTC as in every log and ledger."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else DASH


def percent(share: float | None) -> str:
    """`12.5%`; 0 and 1 without a fraction."""
    return DASH if share is None else f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


def number(value: Any) -> str:
    """A number with four digits that count, a whole one with its thousands apart; text as it is."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,d}"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def figure(value: Any) -> str:
    """Four digits after the point, so that AUCs stand below one another; what is no number as it is."""
    return f"{value:.4f}" if isinstance(value, int | float) else number(value)


def duration(took: timedelta | float | None) -> str:
    """`8.5 s`, `3 min 20 s`, `2 h 5 min`; a number is seconds."""
    if took is None:
        return DASH
    seconds = max(took.total_seconds() if isinstance(took, timedelta) else took, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def but(query: Mapping[str, str], **changes: Any) -> str:
    """The query of an address with some of it changed; what becomes None is left out."""
    changed = {**query, **changes}
    return "?" + urlencode({name: value for name, value in changed.items() if value is not None})


def data(value: Mapping[str, Any]) -> Markup:
    """JSON that stands in a script element of type application/json, which nothing in it can end."""
    try:
        text = _json(value)
    except ValueError:
        text = _json(_finite(value))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, default=_plain, allow_nan=False)


def _finite(value: Any) -> Any:
    """JSON has no word for what is no number, or beyond all: charts leave a gap there."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    return value.timestamp() * 1000 if isinstance(value, datetime) else str(value)
