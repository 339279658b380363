"""The runtime front: takes InvokeEndpoint requests, picks a variant, lets one of its workers answer.

A process of its own, started by the server (`front_process.py` holds the other end), which tells it through a socket
what to route where:

    server → front   {"id": 1, "do": "route", "endpoint": "churn", "variants": [{"name", "weight", "workers": [path]}],
                      "capture": DataCaptureConfig or null}
    server → front   {"id": 2, "do": "remove", "endpoint": "churn"}
    server → front   {"id": 3, "do": "open"}   take requests;  "flush"   report now;  "stop"   finish what is in flight
    front → server   {"id": 1}  or {"id": 1, "error": "…"}   done, and workers that left have no request any more
    front → server   {"metrics": […]}                        every few seconds with traffic

What endpoints capture goes to the server in files (`captures.py`).
It ends when that socket does. It holds no state of its own and imports nothing heavy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import random
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from contender.local.serving.captures import Captures
from contender.local.serving.http_server import HttpServer
from contender.local.serving.invocations import Invocations
from contender.local.serving.metrics import MetricCounts
from contender.local.serving.routing import OPEN_TIMEOUT_S, Links, Router

logger = logging.getLogger(__name__)

METRICS_PERIOD_S = 2.0
CAPTURE_PERIOD_S = 1.0
ORDER_BYTES = 1 << 20
STOP_S = 2.0


class Front:
    """Obeys the server's orders and reports to it."""

    def __init__(
        self,
        channel: socket.socket,
        listener: socket.socket,
        app: Invocations,
        counts: MetricCounts,
        captures: Captures,
    ) -> None:
        self._channel = channel
        self._listener = listener
        self._router = app.router
        self._links = Links()
        self._counts = counts
        self._captures = captures
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = HttpServer(app)
        self._opened = False

    async def run(self) -> None:
        """Until the server goes away."""
        reader, self._writer = await asyncio.open_connection(sock=self._channel, limit=ORDER_BYTES)
        background = [
            asyncio.create_task(self._report()),
            asyncio.create_task(self._capture()),
            asyncio.create_task(self._links.sweep()),
        ]
        with contextlib.suppress(ConnectionError):
            async for line in reader:
                task = asyncio.create_task(self._obey(json.loads(line)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        for task in background:
            task.cancel()

    async def _obey(self, order: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": order["id"]}
        try:
            if order["do"] == "route":
                await self._route(order["endpoint"], order["variants"])
                self._captures.rule(order["endpoint"], order["capture"])
            elif order["do"] == "remove":
                await self._links.drain(self._router.remove(order["endpoint"]))
                self._captures.rule(order["endpoint"], None)
            elif order["do"] == "open":
                await self._open()
            elif order["do"] == "stop":
                await self._server.stop(STOP_S)
            self._flush()
            await self._spool()
        except Exception as error:  # the outermost edge: the server waits for an answer
            logger.exception("%s failed", order["do"])
            answer["error"] = str(error) or type(error).__name__
        self._send(answer)

    async def _route(self, endpoint: str, variants: list[dict[str, Any]]) -> None:
        await self._links.open({path for variant in variants for path in variant["workers"]})
        left = self._router.route(endpoint, [(v["name"], v["weight"], self._links.at(v["workers"])) for v in variants])
        await self._links.drain(left)

    async def _open(self) -> None:
        """Take requests, once the routes that were told before are there."""
        earlier = self._tasks - {asyncio.current_task()}
        if earlier:
            await asyncio.wait(earlier, timeout=OPEN_TIMEOUT_S)
        if not self._opened:
            self._opened = True
            await self._server.start(self._listener)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(METRICS_PERIOD_S)
            self._flush()

    async def _capture(self) -> None:
        while True:
            await asyncio.sleep(CAPTURE_PERIOD_S)
            await self._spool()

    def _flush(self) -> None:
        if taken := self._counts.take():
            self._send({"metrics": taken})

    async def _spool(self) -> None:
        if held := self._captures.take():
            try:
                await asyncio.to_thread(self._captures.write, held)
            except OSError:
                logger.exception("%d captured requests are lost", len(held))

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")


async def serve(
    channel: socket.socket, listener: socket.socket, account: str, region: str, spool: Path, seed: int | None
) -> None:
    counts, captures = MetricCounts(), Captures(spool, random.Random())
    observers = (counts.add, captures.add)
    app = Invocations(Router(random.Random(seed)), account=account, region=region, observers=observers)
    front = Front(channel, listener, app, counts, captures)
    gc.collect()
    gc.freeze()
    await front.run()
    # nobody is left to serve for: requests still in flight have lost their workers too
    logging.shutdown()
    os._exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="contender.local.serving.front")
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket to the server")
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of the listening socket")
    parser.add_argument("--account", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--spool", type=Path, required=True, help="folder for what endpoints capture")
    parser.add_argument("--seed", type=int, help="of the generator that splits traffic by weight")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    channel, listener = socket.socket(fileno=arguments.channel), socket.socket(fileno=arguments.listener)
    uvloop.run(serve(channel, listener, arguments.account, arguments.region, arguments.spool, arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
