"""An endpoint's settings, seconds old at most, without reading them on the path of a request.

    younger than half of `max_age_s`    used
    younger than `max_age_s`            used, and read again by a thread, while the request waits for its model
    older (the first, or after a rest)  read before it is used

So nothing older than `max_age_s` is ever used, however long a Lambda slept in between, and a variant may be removed
that long after its share was published as zero. When the table does not answer, a request waits for it once; after
that threads ask until it answers again. An endpoint without settings is soon asked about again: it may be new.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from contender.measurements.settings import Settings

UNREADABLE = (BotoCoreError, ClientError, KeyError, TypeError, ValueError)
"""What reading a table can end in: it does not answer, or what is written there is not what we write."""
MAX_ENDPOINTS = 1000
MISSING_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """`settings` is None for an endpoint that has none, or when the table was not `reached`, for this `reason`."""

    settings: Settings | None
    reached: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    found: Found
    asked_at: float
    """When reading began: a thread may be frozen with its answer and write it down much later."""

    @property
    def missing(self) -> bool:
        return self.found.reached and self.found.settings is None


def in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


class SettingsCache:
    """`clock` is the time of day in seconds: a monotonic clock may stand still while a Lambda is frozen."""

    def __init__(
        self,
        load: Callable[[str], Settings | None],
        max_age_s: float,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self._load = load
        self._max_age_s = max_age_s
        self._clock = clock
        self._start = start
        self._entries: dict[str, _Entry] = {}
        self._refreshing: set[str] = set()

    def get(self, endpoint: str) -> Found:
        entry = self._entries.get(endpoint)
        if entry is None or not 0 <= self._age(entry) <= 1:
            entry = self._read(endpoint)
            self._keep(endpoint, entry)
        elif (self._age(entry) > 0.5 or not entry.found.reached) and endpoint not in self._refreshing:
            self._refreshing.add(endpoint)
            self._start(lambda: self._refresh(endpoint))
        return entry.found

    def _age(self, entry: _Entry) -> float:
        """As a fraction of the most it may be."""
        longest_s = min(MISSING_AGE_S, self._max_age_s) if entry.missing else self._max_age_s
        return (self._clock() - entry.asked_at) / longest_s

    def _refresh(self, endpoint: str) -> None:
        try:
            entry = self._read(endpoint)
            known = self._entries.get(endpoint)
            # What was read before is better than nothing, until it is too old.
            if entry.found.reached or known is None or not known.found.reached:
                self._keep(endpoint, entry)
        finally:
            self._refreshing.discard(endpoint)

    def _read(self, endpoint: str) -> _Entry:
        asked_at = self._clock()
        try:
            return _Entry(Found(self._load(endpoint), reached=True), asked_at)
        except UNREADABLE as error:
            return _Entry(Found(None, reached=False, reason=f"{type(error).__name__}: {error}"), asked_at)

    def _keep(self, endpoint: str, entry: _Entry) -> None:
        if len(self._entries) >= MAX_ENDPOINTS and endpoint not in self._entries:
            self._entries.clear()
        self._entries[endpoint] = entry
