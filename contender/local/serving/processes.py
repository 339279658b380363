"""A variant's worker processes: started warm, watched, started again when they end, stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import select
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contender.local.warm import interpreter
from contender.local.warm.client import Launch, Warm, WarmLost, WarmProcess
from contender.local.warm.launch import INTERPRETER_VARIABLE, SOCKET_PATH_LIMIT

logger = logging.getLogger(__name__)

MODEL_PATH = "/opt/ml/model"
COMMAND = ("-m", "contender.local.serving.worker", "--model", MODEL_PATH)
BACKLOG = 64
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
READY_CHECK_S = 0.2
SOCKET_NAME_LENGTH = 32


class WorkerFailed(Exception):
    """A worker that did not come up; the message says why."""


@dataclass(frozen=True, slots=True)
class WorkerLaunch:
    """What to start: the model's files, the container's environment, and where its output goes."""

    model_dir: Path
    environment: Mapping[str, str]
    log: Path


class Worker:
    """One process with a socket that outlives it: whoever connects while it is restarted waits for the next one."""

    def __init__(self, warm: Warm, launch: WorkerLaunch, path: Path) -> None:
        self.path = path
        self._warm = warm
        self._launch = launch
        self._stopping = threading.Event()
        self._process: WarmProcess | None = None
        self._watcher: threading.Thread | None = None
        path.unlink(missing_ok=True)
        self._python = path.with_suffix(".python")
        interpreter.make(self._python)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(BACKLOG)

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None else None

    def start(self, timeout_s: float) -> None:
        """Start the process and wait until it has loaded the model. Raises WorkerFailed, and watches nothing then."""
        try:
            self._process = self._fork()
            self._await_ready(self._process, timeout_s)
        except WarmLost as error:
            raise WorkerFailed(str(error)) from error
        self.watch()

    def watch(self) -> None:
        """From now on start the process whenever it does not run."""
        self._watcher = threading.Thread(target=self._keep, name=f"worker-{self.path.stem}", daemon=True)
        self._watcher.start()

    def give_up(self) -> None:
        """Let a `start` that waits for the model raise WorkerFailed now."""
        self._stopping.set()

    def stop(self) -> None:
        """End the process and forget the socket."""
        self._stopping.set()
        if self._process is not None:
            self._process.kill()
            self._process.close()
        if self._watcher is not None:
            self._watcher.join(timeout=5)
        self._listener.close()
        self.path.unlink(missing_ok=True)
        shutil.rmtree(self._python, ignore_errors=True)

    def _fork(self) -> WarmProcess:
        launch = Launch(
            argv=COMMAND,
            env={
                **self._launch.environment,
                "SM_MODEL_DIR": MODEL_PATH,
                "PYTHONUNBUFFERED": "1",
                INTERPRETER_VARIABLE: str(self._python),
            },
            mounts={str(self._launch.model_dir): MODEL_PATH},
            stdout=str(self._launch.log),
        )
        return self._warm.start(launch, self._listener)

    def _await_ready(self, process: WarmProcess, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.path))
            hello = b""
            while not hello.endswith(b"\n"):
                if select.select([probe], [], [], READY_CHECK_S)[0]:
                    data = probe.recv(65536)
                    if not data:
                        break
                    hello += data
                elif (code := process.wait(0)) is not None:
                    raise WorkerFailed(f"its process ended with {_ending(code)}: {_last_line(self._launch.log)}")
                elif time.monotonic() > deadline:
                    raise WorkerFailed(f"it did not load its model within {timeout_s:.0f} seconds")
                elif self._stopping.is_set():
                    raise WorkerFailed("the server is stopping")
        answer = json.loads(hello) if hello.endswith(b"\n") else {"error": _last_line(self._launch.log)}
        if "error" in answer:
            raise WorkerFailed(answer["error"])

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                if self._process is None:
                    self._process = self._fork()
                code = self._process.wait()
                ending = _ending(code if code is not None else 0)
            except WarmLost as error:
                ending = str(error)
            if self._stopping.is_set():
                return
            pause_s = FIRST_PAUSE_S if time.monotonic() - started > STEADY_S else min(2 * pause_s, LONGEST_PAUSE_S)
            logger.warning("worker %s ended with %s; starting it again", self.path.stem, ending)
            self._process = None
            self._stopping.wait(pause_s)


def run_directory(home: Path) -> Path:
    """An empty folder for sockets and Pythons: inside `home`, or in the temporary folder when that path is too long."""
    inside = home.resolve() / "run"
    if len(os.fsencode(inside)) + SOCKET_NAME_LENGTH > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        inside = Path(tempfile.gettempdir()) / f"contender-{os.getuid()}-run-{digest}"
    inside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in inside.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    return inside


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        if lines:
            return lines[-1][:500]
    return "it wrote nothing"
