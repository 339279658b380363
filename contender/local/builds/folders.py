"""A folder for each build in `<home>/builds`: its log, and build.json, what is known of it. The oldest ones go."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = 50
ENDED = ("succeeded", "failed", "superseded", "interrupted")


@dataclass(frozen=True, slots=True)
class Build:
    """One build. `status`: waiting, running, or one of ENDED; `phase` is the one that runs or failed."""

    number: int
    ref: str
    commit: str
    before: str
    by: str
    status: str
    asked: datetime
    phase: str = ""
    ended: datetime | None = None


class Folders:
    """The builds of one laptop."""

    def __init__(self, home: Path) -> None:
        self.path = home / "builds"

    def new(self, ref: str, commit: str, before: str, by: str) -> Build:
        """A build that waits, with a number that nothing had before."""
        self.path.mkdir(parents=True, exist_ok=True)
        number = max(self._numbers(), default=0) + 1
        while True:
            try:
                (self.path / str(number)).mkdir()
                break
            except FileExistsError:  # of a push at the same moment
                number += 1
        build = Build(number, ref, commit, before, by, "waiting", datetime.now(UTC))
        self._write(build)
        self._forget_old()
        return build

    def change(self, build: Build, **changes: Any) -> Build:
        """The build with these fields changed, on disk too; its end is timed."""
        if changes.get("status") in ENDED:
            changes["ended"] = datetime.now(UTC)
        changed = replace(build, **changes)
        self._write(changed)
        return changed

    def read(self, number: int) -> Build:
        """Raises FileNotFoundError."""
        stored = json.loads((self.path / str(number) / "build.json").read_text())
        times = {name: datetime.fromisoformat(stored[name]) for name in ("asked", "ended") if stored[name]}
        return Build(**{**stored, **times})

    def all(self) -> list[Build]:
        """The newest first."""
        found = []
        for number in sorted(self._numbers(), reverse=True):
            try:
                found.append(self.read(number))
            except FileNotFoundError:
                continue  # it is being made, or forgotten
        return found

    def log(self, build: Build) -> Path:
        return self.path / str(build.number) / "log"

    def work(self, build: Build) -> Path:
        """Where its checkout and its scratch files are while it runs."""
        return self.path / str(build.number) / "work"

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self.path.iterdir() if path.name.isdigit()] if self.path.exists() else []

    def _write(self, build: Build) -> None:
        path = self.path / str(build.number) / "build.json"
        draft = path.with_suffix(f".{os.getpid()}")
        times = {name: moment.isoformat() if moment else None for name, moment in _times(build).items()}
        draft.write_text(json.dumps({**asdict(build), **times}, indent=2) + "\n")
        draft.replace(path)

    def _forget_old(self) -> None:
        for build in self.all()[KEPT:]:
            if build.status in ENDED:
                shutil.rmtree(self.path / str(build.number), ignore_errors=True)


def _times(build: Build) -> dict[str, datetime | None]:
    return {"asked": build.asked, "ended": build.ended}
