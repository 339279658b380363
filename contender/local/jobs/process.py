"""Runs a job's process to its end: as long as it may, with as much memory as its instance would have."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contender.local.jobs.job import Job, JobFailed
from contender.local.warm.client import Launch, Warm, WarmLost

logger = logging.getLogger(__name__)

POLL_S = 0.25
MB = 1024 * 1024
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Ending = Literal["exited", "stopped", "out of time", "out of memory"]


@dataclass(frozen=True, slots=True)
class Limits:
    runtime_s: float | None = None
    memory_mb: int | None = None
    grace_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended; `code` is negative for a signal, `used_mb` the memory that was too much."""

    ending: Ending
    code: int
    seconds: float
    used_mb: int = 0


def run(warm: Warm, job: Job, launch: Launch, limits: Limits, each_poll: Callable[[], None] | None = None) -> Outcome:
    """Start `launch` for `job` and wait until it ended, by itself or by us: SIGTERM first, after the grace SIGKILL.

    Raises:
        JobFailed: the warm process ended, and the job's with it.
    """
    try:
        process = warm.start(launch)
        job.attach(process)
        try:
            outcome = _watch(process.wait, process.send_signal, process.pid, job, limits, each_poll)
            logger.info(
                "%s %s: %s with %d after %.3f s", job.kind.kind, job.name, outcome.ending, outcome.code, outcome.seconds
            )
            return outcome
        finally:
            job.attach(None)
            process.close()
    except WarmLost as error:
        raise JobFailed(f"InternalServerError: {error}") from error


def _watch(
    wait: Callable[[float], int | None],
    send_signal: Callable[[int], None],
    pid: int,
    job: Job,
    limits: Limits,
    each_poll: Callable[[], None] | None,
) -> Outcome:
    started = time.monotonic()
    ending: Ending = "exited"
    used_mb = 0
    kill_at: float | None = None
    while (code := wait(POLL_S)) is None:
        now = time.monotonic()
        if each_poll is not None:
            each_poll()
        if kill_at is not None:
            if now > kill_at:
                send_signal(signal.SIGKILL)
            continue
        if job.stopping.is_set():
            ending, kill_at = "stopped", now + limits.grace_s
        elif limits.runtime_s is not None and now - started > limits.runtime_s:
            ending, kill_at = "out of time", now + limits.grace_s
            send_signal(signal.SIGTERM)
        elif limits.memory_mb is not None and (used := memory_mb(pid, limits.memory_mb)) > limits.memory_mb:
            ending, kill_at, used_mb = "out of memory", now, used
            send_signal(signal.SIGKILL)
    if ending == "exited" and job.stopping.is_set():
        ending = "stopped"
    return Outcome(ending, code, time.monotonic() - started, used_mb)


def memory_mb(pid: int, limit_mb: int = 0) -> int:
    """Memory of a process and its descendants that is theirs alone; 0 where the system doesn't tell (no /proc).

    Below `limit_mb` it may be too large by what they share: what is theirs alone takes milliseconds to find out.
    """
    tree = _tree(pid)
    resident = sum(_resident_bytes(each) for each in tree) // MB
    return resident if resident <= limit_mb else sum(_private_bytes(each) for each in tree) // MB


def _tree(pid: int) -> list[int]:
    found, ahead = [], [pid]
    while ahead:
        current = ahead.pop()
        found.append(current)
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                children = Path(f"/proc/{current}/task/{task}/children").read_text()
                ahead += [int(child) for child in children.split()]
        except OSError:
            continue
    return found


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def _private_bytes(pid: int) -> int:
    """A forked child shares its parent's imports: only what it wrote itself counts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))
