"""The server's side of the warm process: keeps the parent alive, starts processes, waits for them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from contender.local.warm.launch import HUGE_PAGES, SINGLE_THREAD, Launch, socket_path

logger = logging.getLogger(__name__)

PARENT = (sys.executable, "-m", "contender.local.warm.parent")
CONNECT_S = 15.0
RESTART_PAUSE_S = 0.2
CLOSE_S = 3.0

__all__ = ["Launch", "Warm", "WarmLost", "WarmProcess", "socket_path"]


class WarmLost(Exception):
    """The warm parent cannot be reached, or ended while a process of it ran (the process ended with it)."""


class WarmProcess:
    """A process started through the warm parent. Any thread may call the methods, one at a time `wait`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._exit: int | None = None
        self.pid = int(self._message(None, "pid") or 0)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """The exit code, negative for a signal; None if it still runs after `timeout_s`. Raises WarmLost."""
        if self._exit is None:
            self._exit = self._message(timeout_s, "exit")
            if self._exit is not None:
                self._connection.close()
        return self._exit

    def send_signal(self, number: int) -> None:
        """To the process and everything it started."""
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps({"signal": int(number)}).encode() + b"\n")

    def kill(self) -> None:
        """At once. `wait` still tells the exit code."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill it if it still runs, and forget it."""
        self._connection.close()

    def _message(self, timeout_s: float | None, key: str) -> int | None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        poll = select.poll()
        while b"\n" not in self._buffer:
            try:
                poll.register(self._connection, select.POLLIN)
                left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
                if not poll.poll(left):
                    return None
                data = self._connection.recv(4096)
            except (OSError, ValueError) as error:
                self._connection.close()
                raise WarmLost("the connection to the warm process is closed") from error
            if not data:
                self._connection.close()
                raise WarmLost("the warm process ended, and every job in it")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return int(json.loads(line)[key])


class Warm:
    """The warm parent of one home: `open` starts it, again whenever it ends; `start` starts processes in it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.socket = socket_path(home)
        self._parent: subprocess.Popen[bytes] | None = None
        self._alive: int | None = None
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._parent.pid if self._parent is not None else None

    def open(self) -> None:
        """Start the parent; it is usable at once, and warm a second or two later."""
        self._spawn()
        self._watcher = threading.Thread(target=self._watch, name="warm-watcher", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End the parent and every process it started."""
        self._closing.set()
        self._let_go()
        if self._parent is not None:
            try:
                self._parent.wait(CLOSE_S)
            except subprocess.TimeoutExpired:
                self._parent.kill()
                self._parent.wait()
        if self._watcher is not None:
            self._watcher.join(CLOSE_S)
        self.socket.unlink(missing_ok=True)

    def start(self, launch: Launch, channel: socket.socket | None = None) -> WarmProcess:
        """Start a process; `channel` is handed to it. Waits for a parent that is just starting. Raises WarmLost."""
        connection = self._connect()
        try:
            line = launch.to_line()
            if channel is None:
                connection.sendall(line)
            else:
                sent = socket.send_fds(connection, [line], [channel.fileno()])
                connection.sendall(line[sent:])
            return WarmProcess(connection)
        except OSError as error:
            connection.close()
            raise WarmLost("the warm process ended before it could start the job") from error
        except WarmLost:
            connection.close()
            raise

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + CONNECT_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self.socket))
                return connection
            except OSError as error:
                connection.close()
                if time.monotonic() > deadline or self._closing.wait(0.05):
                    raise WarmLost(f"no warm process answers at {self.socket}: {error.strerror}") from error

    def _spawn(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        (self._home / "logs").mkdir(exist_ok=True)
        read, write = os.pipe()
        try:
            with open(self._home / "logs" / "warm.log", "ab") as log:
                self._parent = subprocess.Popen(
                    [*PARENT, "--socket", str(self.socket), "--alive", str(read)],
                    env=HUGE_PAGES | os.environ | SINGLE_THREAD,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(read,),
                )
        finally:
            os.close(read)
        self._alive = write

    def _let_go(self) -> None:
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None

    def _watch(self) -> None:
        while self._parent is not None:
            code = self._parent.wait()
            if self._closing.wait(RESTART_PAUSE_S):
                return
            logger.warning("the warm process ended with %s; starting it again", code)
            self._let_go()
            self._spawn()
