"""Records of delivery streams on their way to S3: put together for about a second, and on disk until they are there.

    PutRecord ─► add (before it is acknowledged) ─► wait for more ─► deliver as one object ─► forget
                                   kill -9 or stop anywhere in between: the next start delivers it

Delivered is at least once, as on AWS: a kill between delivering and forgetting delivers the records again.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from contender.local.launcher.event_journal import EventJournal

WAIT_S = 1.0
MOST_RECORDS = 1000
MOST_BYTES = 1_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where records go: one destination of one stream."""

    account: str
    region: str
    stream: str
    destination: str


Deliver = Callable[[Target, bytes], None]


class RecordBuffer:
    """Delivers in a thread of its own; safe to add to from several threads."""

    def __init__(self, journal: EventJournal, deliver: Deliver, wait_s: float = WAIT_S) -> None:
        self._journal = journal
        self._deliver = deliver
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._waiting: dict[Target, list[tuple[int, bytes]]] = {}
        self._since: dict[Target, float] = {}
        self._left_over = journal.left_over()

    def start(self) -> None:
        """Begin to deliver, first what the process before this one left over."""
        for number, record in self._left_over.items():
            self._wait(Target(*record["target"]), number, base64.b64decode(record["data"]))
        self._left_over = {}
        threading.Thread(target=self._run, name="delivery streams", daemon=True).start()

    def add(self, target: Target, data: bytes) -> None:
        """Take a record over: once this returns, it will be delivered."""
        place = [target.account, target.region, target.stream, target.destination]
        record = {"target": place, "data": base64.b64encode(data).decode()}
        self._wait(target, self._journal.add(record), data)

    def _wait(self, target: Target, number: int, data: bytes) -> None:
        with self._changed:
            self._waiting.setdefault(target, []).append((number, data))
            self._since.setdefault(target, time.monotonic())
            self._changed.notify()

    def _run(self) -> None:
        while True:
            target, records = self._next()
            try:
                self._deliver(target, b"".join(data for _, data in records))
            except Exception:
                log.exception("%d records of %s wait for the next start", len(records), target.stream)
            else:
                self._forget(number for number, _ in records)

    def _next(self) -> tuple[Target, list[tuple[int, bytes]]]:
        """The records of the first target that has waited long enough, or has enough of them."""
        with self._changed:
            while True:
                now = time.monotonic()
                for target, records in self._waiting.items():
                    if now >= self._since[target] + self._wait_s or _enough(records):
                        del self._since[target]
                        return target, self._waiting.pop(target)
                rest_s = min((since + self._wait_s - now for since in self._since.values()), default=None)
                self._changed.wait(rest_s)

    def _forget(self, numbers: Iterable[int]) -> None:
        taken = frozenset(numbers)
        for number in taken:
            self._journal.done(number)
        self._journal.forget(taken)


def _enough(records: list[tuple[int, Any]]) -> bool:
    return len(records) >= MOST_RECORDS or sum(len(data) for _, data in records) >= MOST_BYTES
