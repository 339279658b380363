"""How a form becomes something that is done: whether it may be, whether this session sent it, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contender.errors import ContenderError
from contender.studio.access import FLASH, Access, Forbidden, check_form, read_form
from contender.studio.desk import Desk

MOST_SAID, CUT_TO = 1200, 150
"""Characters of JSON that are told after an action, and of a line that is cut: a cookie holds 4096 bytes of all."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in sentences for whoever asked."""

    lines: tuple[str, ...]


Action = Callable[[Desk, Request, FormData], Done]
"""Does what a form asks, and tells; a ContenderError is shown on the page that the form stands on."""


async def act(desk: Desk, action: Action, request: Request) -> Response:
    """Do it, and show the page of the form again with what came of it. Nothing read before is shown after it."""
    access: Access = request.app.state.access
    if not access.allow_actions:
        raise Forbidden(
            "this page only looks: to act from it start it with `contender studio --allow-actions`, "
            "on a laptop `contender local up --allow-actions`"
        )
    form = await read_form(request)
    check_form(request, form)
    try:
        done = await run_in_threadpool(action, desk, request, form)
        request.session[FLASH] = {"kind": "good", "lines": _brief(done.lines)}
    except ContenderError as error:
        request.session[FLASH] = {"kind": "bad", "lines": _brief([str(error)])}
    finally:
        desk.kept.forget()
    return RedirectResponse(_back(form), 303)


def _brief(lines: Iterable[str]) -> list[str]:
    """The first of them, as many as a session can keep: a browser drops a cookie that is too large."""
    told: list[str] = []
    for line in lines:
        if len(json.dumps([*told, line])) > MOST_SAID:
            return [*told, f"{line[:CUT_TO]} …"]
        told.append(line)
    return told


def _back(form: FormData) -> str:
    """The page of the form; never another site's."""
    back = form.get("back")
    return back if isinstance(back, str) and back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
