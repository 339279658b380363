"""The addresses, and what answers each: read it top to bottom."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from contender.studio import failures, login
from contender.studio.access import Access, Door, Headers, cookie
from contender.studio.acting import Action, act
from contender.studio.actions import approval, rollouts
from contender.studio.desk import Desk
from contender.studio.pages import (
    endpoint,
    execution,
    execution_pairs,
    executions,
    overview,
    pipelines,
    rollout,
    step,
    version,
    version_pairs,
    versions,
)
from contender.studio.timing import Timing

STATIC = Path(__file__).parent / "static"


class Number(IntegerConvertor):
    """A version in an address; what has more digits than any has is no address of a page."""

    regex = "[0-9]{1,9}"


Page = Callable[[Desk, Request], Response]
"""Reads what it shows through the desk, and answers; it runs in a thread of its own, and may wait for AWS."""


def studio(desk: Desk, access: Access, port: int = 0) -> Starlette:
    """The web application that shows what the desk reads, at this port."""

    def shown(page: Page) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            return page(desk.at(request.query_params.get("stage")), request)

        return answer

    def doing(action: Action) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await act(desk.at(request.query_params.get("stage")), action, request)

        return answer

    register_url_convertor("number", Number())
    app = Starlette(
        routes=[
            Route("/", shown(overview.page)),
            Route("/pipelines", shown(pipelines.listed)),
            Route("/pipelines/{name}", shown(pipelines.one)),
            Route("/executions", shown(executions.page)),
            Route("/executions/compare", shown(execution_pairs.page)),
            Route("/executions/{pipeline}/{id}", shown(execution.page)),
            Route("/executions/{pipeline}/{id}/steps/{step}", shown(step.page)),
            Route("/executions/{pipeline}/{id}/steps/{step}/files/{file:path}", shown(step.file)),
            Route("/dimensions/{dimension}/models", shown(versions.page)),
            Route("/dimensions/{dimension}/models/compare", shown(version_pairs.page)),
            Route("/dimensions/{dimension}/models/{version:number}", shown(version.page)),
            Route("/dimensions/{dimension}/models/{version:number}/approval", doing(approval.decide), methods=["POST"]),
            Route("/dimensions/{dimension}/endpoint", shown(endpoint.page)),
            Route("/dimensions/{dimension}/rollout", shown(rollout.page), methods=["GET"]),
            Route("/dimensions/{dimension}/rollout", doing(rollouts.act), methods=["POST"]),
            Route("/login", login.page, methods=["GET", "POST"]),
            Route("/health", lambda request: PlainTextResponse("ok\n")),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(Timing),
            Middleware(Headers),
            Middleware(
                SessionMiddleware,
                secret_key=secrets.token_hex(32),
                session_cookie=cookie(port),
                same_site="strict",
                max_age=None,  # until the browser ends; the key goes with the server anyway
            ),
            Middleware(Door, access=access),
            Middleware(GZipMiddleware, minimum_size=2000, compresslevel=5),
            Middleware(failures.Unforeseen),
        ],
        exception_handlers=failures.HANDLERS,
    )
    app.state.access = access
    return app
