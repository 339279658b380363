"""What a person sees where something cannot be shown: what failed, on what, and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contender.errors import ContenderError, NamingError, NotFoundError
from contender.studio.access import Forbidden
from contender.studio.refusals import brief, why
from contender.studio.rendering import render

log = logging.getLogger(__name__)
AGAIN_S = 5
"""After how long a page that AWS did not answer is tried again."""


def of_ours(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NotFoundError | NamingError) else 403 if isinstance(error, Forbidden) else 409
    return _shown(request, status, str(error))


def of_aws(request: Request, error: Exception) -> Response:
    """An answer of AWS that says no, or none."""
    assert isinstance(error, ClientError | BotoCoreError)
    log.warning("%s: %s", _where(request), brief(error))
    return _shown(request, *why(error))


def of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _shown(request, 404, "There is no page at this address.")
    if error.status_code == 405:
        answer = _shown(
            request, 405, f"Nothing answers to {request.method} here: go back, and use the page's own forms."
        )
    else:
        answer = _shown(request, error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


class Unforeseen:
    """Middleware: whatever else goes wrong is a page too, here; further out it would lack the headers of a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            await _unforeseen(Request(scope, receive), error)(scope, receive, send)


def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("%s failed", _where(request), exc_info=error)
    return _shown(
        request,
        500,
        f"This page failed ({type(error).__name__}): its log says where. It is a mistake of ours, not of your data.",
    )


HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    ContenderError: of_ours,
    ClientError: of_aws,
    BotoCoreError: of_aws,
    HTTPException: of_http,
}


def _where(request: Request) -> str:
    return quote(request.scope["path"])


def _shown(request: Request, status: int, message: str) -> Response:
    every_s = AGAIN_S if status == 503 else 0
    return render(request, "failure.html", status_code=status, status=status, message=message, every_s=every_s)
