"""The page, served on a free port of this machine for as long as a test wants it."""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from contender.config import Settings
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk

CALLS = re.compile(r'desc="(\d+) calls"')


@contextmanager
def served(settings: Settings, client: Any, access: Access | None = None) -> Iterator[str]:
    """Where it answers; `client` gives the client of a service."""
    desk = Desk(settings, Clients(lambda service, region: client(service), settings.region))
    with serving(desk, access or Access(allow_actions=True)) as address:
        yield address


@contextmanager
def serving(desk: Desk, access: Access) -> Iterator[str]:
    """The same over a desk that is there; its threads end with it."""
    with listening(studio(desk, access)) as address:
        yield address
    desk.pool.shutdown()


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Where the application answers."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Answer:
    """`calls`: how many AWS calls the page took, as it says itself."""

    status: int
    text: str
    ms: float
    calls: int


def ask(address: str) -> Answer:
    """Get a page, and look at the clock."""
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(address) as answer:
            text, status, headers = answer.read().decode(), answer.status, answer.headers
    except urllib.error.HTTPError as error:
        text, status, headers = error.read().decode(), error.code, error.headers
    took = time.perf_counter() - began
    calls = CALLS.search(headers["Server-Timing"])
    return Answer(status, text, took * 1000, int(calls[1]) if calls else 0)
