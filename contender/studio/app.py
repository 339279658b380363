"""The addresses, and what answers each: read it top to bottom."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from contender.studio import failures, login
from contender.studio.access import COOKIE, Access, Door, Headers
from contender.studio.acting import Action, act
from contender.studio.desk import Desk
from contender.studio.pages import overview, rollout, rollout_actions
from contender.studio.timing import Timing

STATIC = Path(__file__).parent / "static"

Page = Callable[[Desk, Request], Response]
"""Reads what it shows through the desk, and answers; it runs in a thread of its own, and may wait for AWS."""


def studio(desk: Desk, access: Access) -> Starlette:
    """The web application that shows what the desk reads."""

    def shown(page: Page) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return page(desk.at(request.query_params.get("stage")), request)
            except failures.FORESEEN:
                raise  # each has a handler of its own
            except Exception as error:
                return failures.unforeseen(request, error)

        return answer

    def doing(action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await act(desk.at(request.query_params.get("stage")), action, request)

        return answer

    app = Starlette(
        routes=[
            Route("/", shown(overview.page)),
            Route("/dimensions/{dimension}/rollout", shown(rollout.page), methods=["GET"]),
            Route("/dimensions/{dimension}/rollout", doing(rollout_actions.act), methods=["POST"]),
            Route("/login", login.page, methods=["GET", "POST"]),
            Route("/health", lambda request: PlainTextResponse("ok\n")),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(Timing),
            Middleware(Headers),
            Middleware(SessionMiddleware, secret_key=secrets.token_hex(32), session_cookie=COOKIE, same_site="strict"),
            Middleware(Door, access=access),
            Middleware(GZipMiddleware, minimum_size=2000),
        ],
        exception_handlers=failures.HANDLERS,
    )
    app.state.access = access
    return app
