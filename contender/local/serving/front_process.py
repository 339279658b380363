"""The server's end of the runtime front: starts it, tells it the routes, starts it again if it ends.

The listening socket is the server's, so while the front is away requests wait for it instead of being refused.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "contender.local.serving.front")
BACKLOG = 2048
PAUSE_S = 0.2
CLOSE_S = 3.0

Variants = Sequence[dict[str, Any]]


class FrontLost(Exception):
    """The front ended before it answered."""


class FrontFailed(Exception):
    """The front could not do what it was told; the message says why."""


class FrontProcess:
    """Orders may come from any thread; each waits for its own answer."""

    def __init__(
        self,
        *,
        port: int,
        account: str,
        region: str,
        log: Path,
        spool: Path,
        on_metrics: Callable[[list[dict[str, Any]]], None],
        seed: int | None = None,
    ) -> None:
        self._arguments = ["--account", account, "--region", region, "--spool", str(spool)]
        if seed is not None:
            self._arguments += ["--seed", str(seed)]
        self._log = log
        self._on_metrics = on_metrics
        self._routes: dict[str, dict[str, Any]] = {}
        self._opened = False
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._lock = threading.Lock()
        self._running = threading.Event()
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._keep, name="front", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def open(self) -> None:
        """Take requests from now on; until then they wait."""
        self._opened = True
        self._order({"do": "open"})

    def route(self, endpoint: str, variants: Variants, capture: Mapping[str, Any] | None = None) -> None:
        """Send the endpoint's requests to these variants; returns when the workers left out have answered theirs.

        `capture` is the DataCaptureConfig of what is kept of them.
        """
        order = {"do": "route", "endpoint": endpoint, "variants": variants, "capture": capture}
        with self._lock:
            self._routes[endpoint] = order
        self._order(order)

    def remove(self, endpoint: str) -> None:
        """Know the endpoint no more; returns when its last request is answered."""
        with self._lock:
            self._routes.pop(endpoint, None)
        self._order({"do": "remove", "endpoint": endpoint})

    def flush(self) -> None:
        """Report the metrics counted so far, and write down what was captured."""
        self._order({"do": "flush"})

    def close(self) -> None:
        """Answer what is in flight, report the last metrics, write down what was captured, end."""
        if self._running.is_set():
            with contextlib.suppress(FrontLost, FrontFailed):
                self._ask({"do": "stop"}, CLOSE_S)
        self._closing.set()
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)
        self._thread.join(CLOSE_S)
        self._listener.close()

    def _order(self, order: dict[str, Any]) -> None:
        """Raises FrontFailed. A front that ended meanwhile learned the routes again, so the order is only repeated."""
        while not self._closing.is_set():
            if not self._running.wait(1):
                continue
            try:
                self._ask(order, None)
                return
            except FrontLost:
                logger.warning("the front ended; %s is repeated", order["do"])

    def _ask(self, order: dict[str, Any], timeout_s: float | None) -> None:
        number = next(self._numbers)
        answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._lock:
            if self._channel is None:
                raise FrontLost("the front does not run")
            self._answers[number] = answers
            try:
                self._channel.sendall(json.dumps({"id": number, **order}).encode() + b"\n")
            except OSError as error:
                self._answers.pop(number)
                raise FrontLost("the front ended") from error
        try:
            answer = answers.get(timeout=timeout_s)
        except queue.Empty:
            raise FrontLost(f"the front did not answer to {order['do']}") from None
        if answer is None:
            raise FrontLost("the front ended")
        if "error" in answer:
            raise FrontFailed(answer["error"])

    def _keep(self) -> None:
        while not self._closing.is_set():
            channel = self._spawn()
            try:
                self._listen(channel)
            finally:
                self._lose(channel)
            if not self._closing.wait(PAUSE_S):
                logger.warning("the front ended; starting it again")

    def _spawn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        handed = (theirs.fileno(), self._listener.fileno())
        with theirs, open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "--channel", str(handed[0]), "--listener", str(handed[1]), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=handed,
            )
        with self._lock:
            # what it must know before anyone else talks to it; nobody waits for these answers
            orders = [*self._routes.values(), *([{"do": "open"}] if self._opened else [])]
            with contextlib.suppress(OSError):  # one that ends at once is noticed by who listens to it
                for order in orders:
                    ours.sendall(json.dumps({"id": 0, **order}).encode() + b"\n")
            self._channel = ours
        self._running.set()
        return ours

    def _listen(self, channel: socket.socket) -> None:
        with contextlib.suppress(OSError), channel.makefile("rb") as lines:
            for line in lines:
                message = json.loads(line)
                if "metrics" in message:
                    self._on_metrics(message["metrics"])
                elif (answers := self._answers.pop(message["id"], None)) is not None:
                    answers.put(message)

    def _lose(self, channel: socket.socket) -> None:
        with self._lock:
            self._running.clear()
            self._channel = None
            waiting, self._answers = self._answers, {}
            channel.close()
        for answers in waiting.values():
            answers.put(None)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
