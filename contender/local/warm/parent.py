"""The warm parent: imports the heavy libraries once, then forks a child for every connection.

`python -m contender.local.warm.parent --socket PATH [--alive FD]`: it listens before it imports, so nobody waits for
it to be started. It never starts a thread: a child forked from a process whose OpenMP has threads hangs. It ends,
and every child with it, when the other end of the pipe FD is gone: when the server that started it is.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import json
import logging
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError

from contender.local.warm import child
from contender.local.warm.launch import SINGLE_THREAD, Launch

logger = logging.getLogger("contender.warm")

PRELOADED = (
    "numpy",
    "pandas",
    "scipy.sparse",
    "scipy.stats",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "xgboost",
    "boto3",
    "optuna",
    "tarfile",
    "threadpoolctl",
    "contender.local.containers.clarify.job",
    "contender.local.containers.inference",
    "contender.local.containers.monitor.analysis",
    "contender.local.containers.tuner",
    "contender.local.containers.xgboost_algorithm",
)

LATER = ("contender.local.containers.clarify.explanations",)
"""Imported, and the SHAP library with it, when nobody has asked for anything for a while: half a second (two on a busy
machine) that explanations need not wait for, and that the first jobs after the start need not either. It costs 50 MB.
"""

IDLE_S = 1.0


@dataclass(slots=True, eq=False)
class Connection:
    """A client and its process: None before the launch, and again once it ended."""

    socket: socket.socket
    buffer: bytes = b""
    channels: list[int] = field(default_factory=list)
    pid: int | None = None


class Parent:
    """The loop: accepts, forks, reaps, passes signals on."""

    def __init__(self, listener: socket.socket, alive: int | None) -> None:
        self._listener = listener
        self._alive = alive
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        if alive is not None:
            self._selector.register(alive, selectors.EVENT_READ)
        self._controller: object | None = None
        self._later = list(LATER)

    def prepare(self) -> None:
        """Import what jobs use; a library that is not installed is no error here but in the job that needs it."""
        for name in PRELOADED:
            _import(name)
        with contextlib.suppress(ImportError):
            from threadpoolctl import ThreadpoolController

            self._controller = ThreadpoolController()
        with contextlib.suppress(ImportError):
            _read_a_table()
        _describe_aws()
        gc.collect()
        gc.freeze()

    def _prepare_more(self) -> None:
        _import(self._later.pop())
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Until the server is gone."""
        while True:
            ready = self._selector.select(IDLE_S if self._later else None)
            if not ready:
                self._prepare_more()
            for key, _ in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_read.recv(4096)
                    self._reap()
                elif key.fileobj == self._alive:
                    self._kill_all()
                    return
                else:
                    self._read(key.data)

    def _accept(self) -> None:
        connection = Connection(self._listener.accept()[0])
        self._connections.add(connection)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection) -> None:
        try:
            data, channels, _, _ = socket.recv_fds(connection.socket, 65536, 1)
        except OSError:
            data, channels = b"", []
        connection.channels += channels
        if not data:
            self._drop(connection)
            return
        *lines, connection.buffer = (connection.buffer + data).split(b"\n")
        for line in lines:
            try:
                self._obey(connection, line)
            except (ValueError, KeyError, TypeError) as error:
                logger.error("not a line of the protocol (%s): %.200r", error, line)
                self._drop(connection)
                return

    def _obey(self, connection: Connection, line: bytes) -> None:
        fields = json.loads(line)
        if "signal" in fields:
            if connection.pid is not None:
                _signal(connection.pid, int(fields["signal"]))
        elif connection.pid is None:
            self._fork(connection, Launch.from_line(line))

    def _fork(self, connection: Connection, launch: Launch) -> None:
        channel = connection.channels[0] if connection.channels else None
        pid = os.fork()
        if pid == 0:
            try:
                self._forget_everything()
                child.run(launch, channel, self._limit_threads)
            finally:
                os._exit(child.EXIT_FAILED)
        connection.pid = pid
        self._close_channels(connection)
        self._send(connection, {"pid": pid})

    def _forget_everything(self) -> None:
        """In the child: close what belongs to the parent."""
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for one in (self._listener, self._wake_read, self._wake_write, *(c.socket for c in self._connections)):
            one.close()
        if self._alive is not None:
            os.close(self._alive)

    def _limit_threads(self, count: int) -> None:
        if self._controller is not None:
            getattr(self._controller, "limit")(limits=count)  # noqa: B009 - an optional library

    def _reap(self) -> None:
        by_pid = {connection.pid: connection for connection in self._connections}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            if (connection := by_pid.get(pid)) is not None:
                connection.pid = None
                self._send(connection, {"exit": os.waitstatus_to_exitcode(status)})

    def _send(self, connection: Connection, message: dict[str, int]) -> None:
        with contextlib.suppress(OSError):
            connection.socket.sendall(json.dumps(message).encode() + b"\n")

    def _drop(self, connection: Connection) -> None:
        if connection.pid is not None:
            _signal(connection.pid, signal.SIGKILL)
        self._close_channels(connection)
        self._selector.unregister(connection.socket)
        self._connections.discard(connection)
        connection.socket.close()

    def _close_channels(self, connection: Connection) -> None:
        for channel in connection.channels:
            os.close(channel)
        connection.channels.clear()

    def _kill_all(self) -> None:
        for connection in list(self._connections):
            self._drop(connection)


def _import(name: str) -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def _read_a_table() -> None:
    """What pandas imports and builds at its first table is then there for every child; no thread is started."""
    import pandas

    pandas.read_csv(io.StringIO("1,2\n3,4\n"), header=None, dtype="float32").to_numpy()


def _describe_aws() -> None:
    """A profile that the environment names and nobody has is an error of the job that needs it."""
    with contextlib.suppress(ImportError, BotoCoreError):
        from contender.local.containers.clarify.clients import read_descriptions

        read_descriptions()


def _signal(pid: int, number: int) -> None:
    """To the whole group; before the child made it, to the child alone."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, readable by this user only, in place of one that an earlier parent left."""
    listener = socket.socket(socket.AF_UNIX)
    path.unlink(missing_ok=True)
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    listener.listen(128)
    return listener


def _configure_logging() -> None:
    """Of this module alone: the root logger is left to the scripts, which find it as a new interpreter has it."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="contender.local.warm.parent")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--alive", type=int, help="a pipe's read end; end of file ends this process")
    arguments = parser.parse_args(argv)
    _configure_logging()
    os.environ.update(SINGLE_THREAD)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = Parent(listen(arguments.socket), arguments.alive)
    parent.prepare()
    parent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
