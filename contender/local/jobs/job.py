"""A job that is running, as the thread that runs it and the one that stops it see it."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from contender.local.jobs.kinds import JobKind
from contender.local.warm.client import WarmProcess


class JobFailed(Exception):
    """The job ends as Failed; the message is its FailureReason."""


class JobStopped(Exception):
    """The job ends as Stopped; a message says why if nobody asked for it."""


class Job:
    """One job on its way from Create* to its last status; `directory` is its own, on this machine."""

    def __init__(self, kind: JobKind, name: str, directory: Path) -> None:
        self.kind = kind
        self.name = name
        self.directory = directory
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: WarmProcess | None = None

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def ml(self) -> Path:
        """What the job's process sees as `/opt/ml`."""
        return self.directory / "ml"

    @property
    def python(self) -> Path:
        """The virtual environment of the job's process."""
        return self.directory / "python"

    def attach(self, process: WarmProcess | None) -> None:
        """The process that now runs for the job; a stop that was asked for before reaches it at once."""
        with self._lock:
            self._process = process
            if process is not None and self.stopping.is_set():
                process.send_signal(signal.SIGTERM)

    def request_stop(self) -> None:
        with self._lock:
            self.stopping.set()
            if self._process is not None:
                self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """At once, without grace: the server ends."""
        with self._lock:
            self.stopping.set()
            if self._process is not None:
                self._process.kill()

    def check_stop(self) -> None:
        """Raises JobStopped if somebody asked for it."""
        if self.stopping.is_set():
            raise JobStopped
