"""Middleware: how long a page took and what it asked of AWS, as a header for the browser and as a line of the log."""

from __future__ import annotations

import logging
import re
import time
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contender.studio.desk import counted

log = logging.getLogger(__name__)
ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


class Discreet(logging.Formatter):
    """Lines of the log, in which no account has its number: not in a traceback either, nor where libraries log."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return ACCOUNT.sub("…", super().format(record))


class Timing:
    """The log has the path without its query, and nothing of who asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        calls, began, status = counted(), time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                took = (time.perf_counter() - began) * 1000
                MutableHeaders(scope=message)["Server-Timing"] = (
                    f'page;dur={took:.1f}, aws;desc="{calls.total()} calls"'
                )
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            took = (time.perf_counter() - began) * 1000
            path = quote(scope["path"])  # a line break in it would begin a line that nobody wrote
            log.info("%s %s %d %.0f ms %d calls", scope["method"], path, status, took, calls.total())
