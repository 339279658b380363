"""What every phase shares: it says its name, runs and times its steps in order, and stops at the first failure.

    phase = Phase("check", "lint, types, …")
    with phase.step("lint"):
        python("-m", "ruff", "check", ".")
    phase.done()

Nothing but the standard library: the first phase installs the rest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
VENV = BUILD / "venv"
"""Made by install.py. Without it, as in a developer's own environment, the Python that runs a phase runs its tools."""


class Failed(Exception):
    """A step failed; it has said why."""


class Phase:
    """One phase of the build."""

    def __init__(self, name: str, purpose: str) -> None:
        self.name = name
        self._begun = time.monotonic()
        say(f"== {name}: {purpose}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; its failure ends the phase with a line that names both."""
        begun = time.monotonic()
        try:
            yield
        except Failed as error:
            say(f"== phase {self.name} failed: {name} ({error}) after {time.monotonic() - self._begun:.1f} s")
            sys.exit(1)
        say(f"-- {name}: {time.monotonic() - begun:.1f} s")

    def done(self) -> None:
        say(f"== phase {self.name} done: {time.monotonic() - self._begun:.1f} s")


def python(*words: str, env: dict[str, str] | None = None) -> None:
    """Run the build's Python in the project's folder. Raises Failed."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    done = subprocess.run((str(interpreter()), *words), cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}")


def contender(*words: str) -> None:
    """Run the checkout's own command line."""
    python("-m", "contender.cli.main", *words)


def interpreter() -> Path:
    own = VENV / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def say(line: str) -> None:
    print(line, flush=True)
