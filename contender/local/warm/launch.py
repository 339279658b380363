"""What a warm process is asked to run, and the lines of the protocol that ask it.

    client → parent   {"argv": […], "env": {…}, "cwd": …, "mounts": {host_dir: "/opt/ml"}, "stdout": path, "threads": n}
    parent → client   {"pid": 123}
    client → parent   {"signal": 15}            any number of times, to the whole process group
    parent → client   {"exit": 0}               negative: ended by that signal

One unix-socket connection is one process; closing it kills the process group. A file descriptor sent along with the
first line (SCM_RIGHTS) stays open in the process, which finds its number in `CHANNEL_VARIABLE`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHANNEL_VARIABLE = "CONTENDER_CHANNEL"
"""Names the file descriptor that came with the launch."""

INTERPRETER_VARIABLE = "VIRTUAL_ENV"
"""In a launch's environment: the process runs in that virtual environment, which `interpreter.make` laid out."""

SINGLE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""The parent's environment: without it the imports alone leave threads behind."""

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""The parent's environment too, read by glibc as it starts (others ignore it): a child that trains has half as many
page faults, which are a twentieth of the time of a small fit."""

SOCKET_PATH_LIMIT = 100
"""A unix socket's path is at most 107 bytes on Linux and 103 on macOS."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One process to start.

    `argv` is `["python3", "script.py", …]`, `["script.py", …]` or `["-m", "module", …]`, which run in the forked
    interpreter, or any other command, which is executed. `mounts` maps host directories to paths at or below
    `/opt/ml` that only this process sees. `cwd` is a path as the process sees it. `stdout` receives standard output
    and error, appended; `threads` is how many the numeric libraries may use.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    mounts: Mapping[str, str] = field(default_factory=dict)
    stdout: str | None = None
    threads: int = 1

    def to_line(self) -> bytes:
        fields: dict[str, Any] = {
            "argv": list(self.argv),
            "env": dict(self.env),
            "cwd": self.cwd,
            "mounts": dict(self.mounts),
            "stdout": self.stdout,
            "threads": self.threads,
        }
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Launch:
        """Raises ValueError or KeyError for anything else than a launch."""
        fields = json.loads(line)
        return cls(
            argv=tuple(fields["argv"]),
            env=fields.get("env") or {},
            cwd=fields.get("cwd"),
            mounts=fields.get("mounts") or {},
            stdout=fields.get("stdout"),
            threads=max(1, int(fields.get("threads") or 1)),
        )


def socket_path(home: Path) -> Path:
    """Where the warm parent of `home` listens: inside it, or in the temporary folder when that path is too long."""
    inside = home.resolve() / "warm.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"contender-{os.getuid()}-{digest}.sock"
