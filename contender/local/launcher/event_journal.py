"""S3's events on disk until a checkpoint holds what came of them, so that `kill -9` loses no upload.

    put ─► add (before the put is acknowledged) ─► deliver ─► done ─► checkpoint ─► forget
                                kill -9 anywhere in between: the next start delivers it again

Again means at least once, as on AWS. A delivery that is repeated carries the same sequencer, which a receiver tells
duplicates by.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EventJournal:
    """One line of JSON per event. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines = dict(enumerate(_lines(path)))
        self._done: set[int] = set()
        self._next = len(self._lines)
        self._rewrite()

    def left_over(self) -> dict[int, dict[str, Any]]:
        """Events by number that were not brought to their end; at the start those of the process before."""
        with self._lock:
            return {number: json.loads(line) for number, line in self._lines.items() if number not in self._done}

    def add(self, event: Mapping[str, Any]) -> int:
        """Write an event down; its number."""
        line = json.dumps(dict(event)) + "\n"
        with self._lock:
            number = self._next
            self._next += 1
            self._lines[number] = line
            with self._path.open("a") as file:
                file.write(line)
            return number

    def done(self, number: int) -> None:
        """It was delivered: whatever is saved from now on holds what came of it."""
        with self._lock:
            self._done.add(number)

    def delivered(self) -> frozenset[int]:
        with self._lock:
            return frozenset(self._done)

    def forget(self, numbers: frozenset[int]) -> None:
        """A checkpoint that began after they were delivered is complete."""
        if not numbers:
            return
        with self._lock:
            self._done -= numbers
            for number in numbers:
                del self._lines[number]
            self._rewrite()

    def _rewrite(self) -> None:
        draft = self._path.with_suffix(".tmp")
        draft.write_text("".join(self._lines.values()))
        draft.replace(self._path)


def _lines(path: Path) -> list[str]:
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.endswith("\n")]  # a torn last line was never acknowledged
