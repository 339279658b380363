"""Templates become answers, and this is what every one of them may use."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from contender.durations import duration
from contender.studio import formats, states
from contender.studio.access import FLASH, form_token
from contender.studio.charts import sparkline


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


def warm_up() -> None:
    """Compile every template, which takes a third of a second, before somebody asks for the first one."""
    for name in _environment().list_templates():
        _environment().get_template(name)


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
        "time": formats.time_,
        "percent": formats.percent,
        "number": formats.number,
        "duration": duration,
        "figure": formats.figure,
        "figures": formats.figures,
        "marked": marked,
        "part": lambda text: quote(str(text), safe=""),
        "data": data,
        "but": but,
        "spark_points": sparkline.points,
        "state_kind": states.kind,
        "state_mark": states.mark,
    }
    return environment


def but(query: Mapping[str, str], **changes: Any) -> str:
    """The query of an address with some of it changed; what becomes None is left out."""
    changed = {**query, **changes}
    return "?" + urlencode({name: value for name, value in changed.items() if value is not None})


def marked(text: str) -> Markup:
    """A message with the commands in it, which stand between backticks, as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is left over: they mean something else
        return escape(text)
    said = (Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts))
    return Markup("").join(said)


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
