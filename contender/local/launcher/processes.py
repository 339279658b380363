"""Processes of this machine by pid and start time, so that a reused pid is never mistaken for ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KILLED_WITHIN_S = 5.0
_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, for as long as it lives: `started` is the kernel's word for its start, as text."""

    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as the kernel lists it."""

    identity: Identity
    parent: int
    command: str
    memory_mb: float


def identify(pid: int) -> Identity | None:
    """The living process with this pid; None if there is none, or only its unreaped remains."""
    if _HAS_PROC:
        fields = _stat(pid)
        return Identity(pid, fields[19]) if fields and fields[0] != "Z" else None
    answer = _ps("-o", "stat=,lstart=", "-p", str(pid)).split(maxsplit=1)
    return Identity(pid, answer[1].strip()) if len(answer) == 2 and answer[0][0] != "Z" else None


def alive(process: Identity) -> bool:
    return identify(process.pid) == process


def descendants(pid: int) -> list[Seen]:
    """Children, their children and so on; parents before children."""
    seen = _all()
    family = [pid]
    for parent in family:
        family += [each.identity.pid for each in seen if each.parent == parent]
    by_pid = {each.identity.pid: each for each in seen}
    return [by_pid[each] for each in family[1:] if each in by_pid]


def look(pid: int) -> Seen | None:
    """One process with its command and memory."""
    return _look(pid) if _HAS_PROC else next((each for each in _all() if each.identity.pid == pid), None)


def start_detached(
    command: Sequence[str], log: Path, *, environment: Mapping[str, str], folder: Path
) -> Identity | None:
    """Start a process that outlives us, in a session of its own; None if it has ended already.

    The shell in between makes it nobody's child: a caller that lives on has no zombie to collect.
    """
    started = subprocess.run(
        ["sh", "-c", '"$@" >>"$0" 2>&1 & echo $!', str(log), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=dict(environment),
        cwd=folder,
        check=True,
    )
    return identify(int(started.stdout))


def stop(process: Identity, patience_s: float) -> None:
    """Ask the process to end, wait, then kill it and every descendant it leaves behind."""
    family = [each.identity for each in descendants(process.pid)] if alive(process) else []
    _signal(process, signal.SIGTERM)
    if not _gone([process], patience_s):
        family += [each.identity for each in descendants(process.pid)]
    for each in [process, *family]:
        _signal(each, signal.SIGKILL)
    _gone([process, *family], patience_s)


def kill_all_of(folder: Path) -> None:
    """Kill every process whose command names a file below this folder, and wait until it is gone."""
    found = [each.identity for each in _all() if f"{folder}/" in each.command]
    for each in found:
        _signal(each, signal.SIGKILL)
    _gone(found, KILLED_WITHIN_S)


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, all different."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def port_holder(port: int) -> str | None:
    """Who listens on the port, as 'command (pid n)', where the system lets us see it."""
    inodes = {
        fields[9]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, _lines(_PROC / "net" / table)[1:])
        if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port
    }
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for seen in _all() if sockets else []:
        with suppress(OSError):
            for descriptor in (_PROC / str(seen.identity.pid) / "fd").iterdir():
                if _link(descriptor) in sockets:
                    return f"{seen.command[:120]} (pid {seen.identity.pid})"
    return None


def _signal(process: Identity, signum: signal.Signals) -> None:
    if alive(process):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signum)


def _gone(processes: Iterable[Identity], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    waiting = list(processes)
    while waiting := [each for each in waiting if alive(each)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _all() -> list[Seen]:
    if _HAS_PROC:
        found = (_look(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
        return [each for each in found if each]
    rows = (line.split(maxsplit=8) for line in _ps("-axo", "pid=,ppid=,rss=,lstart=,command=").splitlines())
    return [
        Seen(Identity(int(row[0]), " ".join(row[3:8])), int(row[1]), row[8], int(row[2]) / 1024)
        for row in rows
        if len(row) == 9
    ]


def _look(pid: int) -> Seen | None:
    fields = _stat(pid)
    if not fields or fields[0] == "Z":
        return None
    command = b" ".join(_bytes(_PROC / str(pid) / "cmdline").split(b"\0")).decode(errors="replace").strip()
    return Seen(Identity(pid, fields[19]), int(fields[1]), command, _memory_mb(pid, fields))


def _memory_mb(pid: int, fields: Sequence[str]) -> float:
    """Memory with shared pages divided among those who share them; all resident pages where that is not told.

    Workers are forked from one process: each shows the same 140 MB of libraries as resident and costs a tenth of it.
    """
    for line in _lines(_PROC / str(pid) / "smaps_rollup"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on (man 5 proc); the name before it may hold spaces."""
    return _bytes(_PROC / str(pid) / "stat").decode(errors="replace").rpartition(")")[2].split()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _lines(path: Path) -> list[str]:
    return _bytes(path).decode(errors="replace").splitlines()


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
