"""Who may look, and who may do something.

Only this machine is answered unless a host is named, and then only who knows the token. Every form carries a token of
its session, so that no other page can send it. What comes back may load and run nothing but our own files.
"""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contender.errors import ContenderError

FEWEST_CHARACTERS = 16
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
OPEN = ("/login", "/health")
OPEN_BELOW = "/static/"
"""What is answered without the token, besides `OPEN`."""
LARGEST_FORM = 64 * 1024
"""Bytes: whoever does not know the token sends forms too, and they are read into memory."""
SIGNED_IN, FORM_TOKEN, FLASH = "signed_in", "form_token", "flash"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Answers are compressed though they hold a form's token: no other site can ask for one, for the cookie is strict."""


class Forbidden(ContenderError):
    """Something that this page may not do, or not for whoever asks."""


@dataclass(frozen=True, slots=True)
class Access:
    """`token`: what somebody who looks has to know; "" on this machine only. `allow_actions`: whether forms act."""

    allow_actions: bool = False
    token: str = ""

    def opens(self, token: str) -> bool:
        return bool(self.token) and secrets.compare_digest(token.encode(), self.token.encode())


class Door:
    """Middleware: refuses foreign hosts where there is no token, and asks for the token where there is one."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, path = Request(scope), scope["path"]
        answer: PlainTextResponse | RedirectResponse | None = None
        # Without a token nothing but the address tells this machine's pages from another site's name that leads here.
        if not self._access.token and _hostname(request) not in LOCAL_HOSTS:
            answer = PlainTextResponse("This page answers to 127.0.0.1 and localhost only.\n", 421)
        elif self._access.token and not (path in OPEN or path.startswith(OPEN_BELOW) or request.session.get(SIGNED_IN)):
            answer = RedirectResponse("/login", 303)
        await (answer or self._app)(scope, receive, send)


class Headers:
    """Middleware: what every answer says about itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https" and (cookie := headers.get("set-cookie")):
                    headers["set-cookie"] = f"{cookie}; secure"
                # A browser asks whether a file of ours is still the same, or it would run last week's with new pages.
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith(OPEN_BELOW) else "no-store")
            await send(message)

        await self._app(scope, receive, sending)


def cookie(port: int) -> str:
    """Its name. Browsers send a host's cookies to each of its ports, and two servers must not take each other's."""
    return f"contender-studio-{port}"


async def read_form(request: Request) -> FormData:
    """What was sent; refused where it is larger than a form of ours can be."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_FORM:
        raise HTTPException(413, "This form is too large, or does not tell its length.")
    return await request.form()


def form_token(session: MutableMapping[str, Any]) -> str:
    """What this session's forms carry."""
    token: str = session.setdefault(FORM_TOKEN, secrets.token_urlsafe(24))
    return token


def check_form(request: Request, form: FormData) -> None:
    """Forbidden unless the form comes from a page of this session."""
    expected, given = request.session.get(FORM_TOKEN), form.get("form_token")
    if not expected or not isinstance(given, str) or not secrets.compare_digest(given.encode(), expected.encode()):
        raise Forbidden("this form is not one of this session: open the page again, and send it from there")


def _hostname(request: Request) -> str | None:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
