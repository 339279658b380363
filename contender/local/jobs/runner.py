"""Runs the jobs: a thread for each, as many processes at once as there are slots, and whoever waits is told."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from contender.local.context import Context
from contender.local.jobs import documents, processing, training, transform, tuning
from contender.local.jobs.files import Files, prune
from contender.local.jobs.job import Job, JobFailed, JobStopped
from contender.local.jobs.kinds import KINDS, PROCESSING, TERMINAL, TRAINING, TRANSFORM, TUNING, JobKind
from contender.local.jobs.logs import LogShipper
from contender.local.jobs.training_metrics import TrainingMetrics
from contender.local.store import Document, Filter

logger = logging.getLogger(__name__)

INTERRUPTED = "InternalServerError: interrupted: the local server stopped while it ran"
STOP_GRACE_S = 30.0
CLOSE_S = 5.0


class Executor(Protocol):
    """What a module of one kind of job offers."""

    def execute(self, context: Context, job: Job) -> None:
        """Run the job to its end. Raises JobFailed and JobStopped."""

    def end(self, context: Context, name: str, status: str, reason: str | None) -> None:
        """Store the last status of a job that did not complete; one that is over already stays as it is."""


EXECUTORS: dict[str, Executor] = {
    PROCESSING.kind: processing,
    TRAINING.kind: training,
    TUNING.kind: tuning,
    TRANSFORM.kind: transform,
}


class JobRunner:
    """The service `context.jobs`."""

    def __init__(self, context: Context, stop_grace_s: float = STOP_GRACE_S) -> None:
        self.stop_grace_s = stop_grace_s
        self.home = context.settings.home.resolve()
        self.files = Files(lambda: context.aws.client("s3"), self.home / "cache" / "s3")
        self.logs = LogShipper(lambda: context.aws.client("logs"))
        self.metrics = TrainingMetrics(lambda: context.aws.client("cloudwatch"))
        self._context = context
        self._changed = threading.Condition()
        self._running: dict[tuple[str, str], Job] = {}
        self._threads: set[threading.Thread] = set()
        self._free_slots = context.settings.job_slots
        self._queue: deque[Job] = deque()
        self._closing = False
        self._version = 0

    @property
    def threads_per_job(self) -> int:
        """Jobs that run at once share the cores: with more threads than cores they starve each other."""
        return max(1, (os.cpu_count() or 1) // self._context.settings.job_slots)

    def directory(self, kind: JobKind, name: str) -> Path:
        """The job's own directory on this machine, with its log; forgotten at the next start of the server."""
        return self.home / "jobs" / kind.kind / name

    def start(self, kind: JobKind, name: str) -> None:
        """Run a job whose document is stored."""
        job = Job(kind, name, self.directory(kind, name))
        thread = threading.Thread(target=self._run, args=(job,), name=f"{kind.kind}/{name}", daemon=True)
        with self._changed:
            if self._closing:
                return
            self._running[kind.kind, name] = job
            self._threads.add(thread)
        thread.start()

    def stop(self, kind: str, name: str) -> None:
        """Ask a job to stop: SIGTERM to its process, after a grace SIGKILL. One that is over is left alone."""
        documents.mark_stopping(self._context, KINDS[kind], name)
        with self._changed:
            job = self._running.get((kind, name))
        if job is not None:
            job.request_stop()
            self.notify()

    def wait(self, kind: str, name: str) -> Document:
        """Block until the job is over, and answer its document."""
        while True:
            version = self.version
            body = self._context.store.get(kind, name)
            if body[KINDS[kind].status_field] in TERMINAL:
                return body
            self.wait_for_change(version, None)

    @property
    def version(self) -> int:
        """Grows with every change of a job's status."""
        return self._version

    def wait_for_change(self, version: int, timeout_s: float | None) -> None:
        """Until some job's status changed since `version`, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout_s)

    def notify(self) -> None:
        """A job's status changed. Holds no lock while it asks for another, so it may be called in a transaction."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    @contextmanager
    def slot(self, job: Job) -> Iterator[None]:
        """One of the places for processes; who came first is served first. Raises JobStopped while waiting."""
        with self._changed:
            self._queue.append(job)
            try:
                while not job.stopping.is_set() and not (self._free_slots and self._queue[0] is job):
                    self._changed.wait()
                job.check_stop()
                self._free_slots -= 1
            finally:
                self._queue.remove(job)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free_slots += 1
                self._changed.notify_all()

    def recover(self) -> None:
        """After a start: what ran when the server stopped has failed, and says so."""
        for kind in KINDS.values():
            for status in ("InProgress", "Stopping"):
                for body in self._context.store.page(kind.kind, Filter(status=status)):
                    over = "Stopped" if status == "Stopping" else "Failed"
                    reason = INTERRUPTED if over == "Failed" else None
                    EXECUTORS[kind.kind].end(self._context, body[kind.name_field], over, reason)
        shutil.rmtree(self.home / "jobs", ignore_errors=True)
        for cache in ("s3", "tables"):
            prune(self.home / "cache" / cache)

    def close(self) -> None:
        """End what runs: it counts as interrupted, as it would after a crash."""
        with self._changed:
            self._closing = True
            running, threads = list(self._running.values()), list(self._threads)
        for job in sorted(running, key=lambda each: each.kind is TUNING):
            EXECUTORS[job.kind.kind].end(self._context, job.name, "Failed", INTERRUPTED)
            job.kill()
        self.notify()
        for thread in threads:
            thread.join(CLOSE_S)
        self.logs.close()
        self.metrics.close()

    def _run(self, job: Job) -> None:
        try:
            self._execute(job)
        except Exception:
            logger.exception("%s %s has no last status", job.kind.kind, job.name)
        finally:
            with self._changed:
                self._running.pop((job.kind.kind, job.name), None)
                self._threads.discard(threading.current_thread())
            for done_with in (job.ml, job.python):
                shutil.rmtree(done_with, ignore_errors=True)

    def _execute(self, job: Job) -> None:
        executor = EXECUTORS[job.kind.kind]
        status, reason = "Failed", ""
        try:
            if self._context.store.get(job.kind.kind, job.name)[job.kind.status_field] == "Stopping":
                raise JobStopped
            job.ml.mkdir(parents=True)
            executor.execute(self._context, job)
            return
        except JobStopped as stopped:
            status, reason = "Stopped", str(stopped)
        except JobFailed as failure:
            reason = str(failure)
        except Exception as error:
            if not self._closing:
                logger.exception("%s %s failed", job.kind.kind, job.name)
            reason = f"InternalServerError: {type(error).__name__}: {error}"
        if not self._closing:
            executor.end(self._context, job.name, status, reason or None)
