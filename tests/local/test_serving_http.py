"""The front's HTTP server: what clients may do on a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from contender.local.serving.http_server import MAX_BODY_BYTES, HttpRequest, HttpServer, Reply

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def echo(request: HttpRequest, reply: Reply) -> None:
    """Answer with what was understood; `/slow…` a little later."""
    text = f"{request.method} {request.path} {len(request.body)} {request.too_long}".encode()
    if request.path.startswith("/slow"):
        asyncio.get_running_loop().call_later(0.02, reply, 200, [(b"x", b"y")], text)
    else:
        reply(200, [(b"x", b"y")], text)


def with_server(session: Session) -> None:
    async def main() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        server = HttpServer(echo)
        await server.start(listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            await asyncio.wait_for(session(reader, writer), 10)
        finally:
            writer.close()
            await server.stop(1)

    asyncio.run(main())


async def answer(reader: asyncio.StreamReader) -> tuple[str, str]:
    """The status line with headers, and the body, of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(line for line in head.splitlines() if line.startswith("content-length: "))
    return head, (await reader.readexactly(int(length.partition(": ")[2]))).decode()


def post(path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def test_a_connection_serves_one_request_after_another() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for length in (0, 3, 100_000):
            writer.write(post("/a?b=c", b"x" * length))
            head, body = await answer(reader)
            assert head.startswith("HTTP/1.1 200 OK\r\nx: y\r\n")
            assert body == f"POST /a {length} False"

    with_server(session)


def test_requests_sent_ahead_are_answered_in_order() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post("/slow") + post("/fast", b"12") + post("/slow/2"))
        assert [(await answer(reader))[1].split()[1] for _ in range(3)] == ["/slow", "/fast", "/slow/2"]

    with_server(session)


def test_a_body_may_come_in_chunks_and_in_pieces() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        for start in range(0, len(sent), 5):
            writer.write(sent[start : start + 5])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer(reader))[1] == "POST /a 5 False"

    with_server(session)


def test_a_client_that_asks_first_is_told_to_continue() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        whole = post("/a", b"abc", "Expect: 100-continue")
        writer.write(whole[:-3])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(whole[-3:])
        assert (await answer(reader))[1] == "POST /a 3 False"

    with_server(session)


def test_a_body_over_the_limit_is_read_and_reported() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post("/a", b"x" * (MAX_BODY_BYTES + 1)))
        assert (await answer(reader))[1].endswith(" True")
        writer.write(post("/b", b"x"))
        assert (await answer(reader))[1] == "POST /b 1 False"

    with_server(session)


@pytest.mark.parametrize("request_text", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost h\r\n\r\n"])
def test_what_is_not_http_is_refused(request_text: bytes) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request_text)
        assert (await answer(reader))[0].startswith("HTTP/1.1 400 Bad Request")
        assert await reader.read() == b""

    with_server(session)


def test_a_client_may_close_after_the_answer() -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post("/a", b"", "Connection: close"))
        assert "connection: close" in (await answer(reader))[0]
        assert await reader.read() == b""

    with_server(session)


def test_stopping_lets_the_answer_under_way_go_out() -> None:
    async def main() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        server = HttpServer(echo)
        await server.start(listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(post("/slow"))
        await asyncio.sleep(0.005)
        await server.stop(1)
        assert (await answer(reader))[1] == "POST /slow 0 False"
        writer.close()

    asyncio.run(main())
