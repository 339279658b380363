"""HTTP/1.1 as the runtime front needs it: a request comes in whole, its answer goes out whole, connections stay.

A request is handed over with a function that takes its answer, at once or later. That saves the task and the messages
of an ASGI server, which cost more than all else the front does with a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

MAX_BODY_BYTES = 6 * 1024 * 1024
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BACKLOG = 2048

Headers = Sequence[tuple[bytes, bytes]]
Reply = Callable[[int, Headers, bytes], None]


@dataclass(slots=True)
class HttpRequest:
    """`body` is cut off and `too_long` set when the body is over MAX_BODY_BYTES. Header names are lower case."""

    method: str = ""
    path: str = ""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    too_long: bool = False
    keep_alive: bool = True


Handler = Callable[[HttpRequest, Reply], None]


class Connection(asyncio.Protocol):
    """One client's connection. Requests that come before their predecessor is answered wait their turn."""

    def __init__(self, handler: Handler, connections: set[Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[HttpRequest] = deque()
        self._busy = False
        self._ending = False
        self.on_message_begin()

    def end(self) -> None:
        """Close, after the answer that is under way."""
        self._ending = True
        if self._transport is not None and not self._busy:
            self._transport.close()

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(b"this server does not upgrade connections")
        except httptools.HttpParserError as error:
            self._refuse(str(error).encode())

    # the parser's calls

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MAX_BODY_BYTES:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        request = HttpRequest(
            self._parser.get_method().decode("latin-1"),
            self._url.partition(b"?")[0].decode("latin-1"),
            self._headers,
            self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks),
            self._size > MAX_BODY_BYTES,
            self._parser.should_keep_alive(),
        )
        if self._busy:
            self._waiting.append(request)
        else:
            self._handle(request)

    def _handle(self, request: HttpRequest) -> None:
        self._busy = True

        def reply(status: int, headers: Headers, body: bytes) -> None:
            self._reply(status, headers, body, request.keep_alive)

        self._handler(request, reply)

    def _reply(self, status: int, headers: Headers, body: bytes, keep_alive: bool) -> None:
        self._busy = False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        parts = [STATUS_LINES[status]]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"content-length: %d\r\n" % len(body))
        stays = keep_alive and not self._ending
        parts.append(b"\r\n" if stays else b"connection: close\r\n\r\n")
        parts.append(body)
        transport.write(b"".join(parts))
        if not stays:
            transport.close()
        elif self._waiting:
            self._handle(self._waiting.popleft())

    def _refuse(self, message: bytes) -> None:
        self._ending = True
        self._reply(400, [(b"content-type", b"text/plain")], message, False)


class HttpServer:
    """Accepts connections on a listening socket until it is told to stop."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        self._server = await loop.create_server(
            lambda: Connection(self._handler, self._connections), sock=listener, backlog=BACKLOG
        )

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, let the answers under way go out, close."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._connections:
                    await asyncio.sleep(0.01)
