"""The page, served on a free port of this machine for as long as a test wants it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from contender.config import Settings
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk


@contextmanager
def served(settings: Settings, client: Any, access: Access | None = None) -> Iterator[str]:
    """Where it answers; `client` gives the client of a service."""
    desk = Desk(settings, Clients(lambda service, region: client(service), settings.region))
    with listening(studio(desk, access or Access(allow_actions=True))) as address:
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
