"""What was read a moment ago: ten people who look do not ask AWS ten times, and nobody waits for a long list twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cachetools import TLRUCache

T = TypeVar("T")
MOST_KEPT = 4096
LARGE = 32
"""What a log, a report, a definition or the counts of an experiment weigh: 128 of them are kept at most."""
PATIENCE_S = 0.05
"""How long is waited for what is read again, where it was read before."""
OLDEST_S = 60.0
"""What is older than this and its own time is never shown."""


@dataclass(frozen=True, slots=True)
class _Dated:
    """A value that is read again from `until` on, and shown meanwhile."""

    value: Any
    until: float


class Kept:
    """Each thing for so many seconds; `forget` makes sure that nothing is shown that was read before an action."""

    def __init__(self, clock: Callable[[], datetime], patience_s: float = PATIENCE_S) -> None:
        def until(key: Hashable, value: tuple[float, int, Any], now: float) -> float:
            return now + value[0]

        def weight(value: tuple[float, int, Any]) -> int:
            return value[1]

        self._clock, self._patience_s = clock, patience_s
        self._cache: TLRUCache[Hashable, tuple[float, int, Any]] = TLRUCache(
            MOST_KEPT, ttu=until, timer=self._now, getsizeof=weight
        )
        self._reading: dict[Hashable, Future[None]] = {}
        self._forgotten = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, seconds: float, read: Callable[[], T], weight: int = 1) -> T:
        """What is kept under a key, or else what is read now, which is kept for so many seconds."""
        with self._lock:
            found, forgotten = self._cache.get(key), self._forgotten
        if found is None:
            found = (seconds, weight, read())
            self._keep(key, found, forgotten)
        value: T = found[2]
        return value

    def put(self, key: Hashable, seconds: float, value: object, weight: int = 1) -> None:
        """Keep what was read with something else."""
        with self._lock:
            self._cache[key] = (seconds, weight, value)

    def known(self, key: Hashable) -> Any:
        """What is kept under a key; None where nothing is."""
        with self._lock:
            found = self._cache.get(key)
        return None if found is None else found[2]

    def renew(
        self,
        key: Hashable,
        seconds: float,
        read: Callable[[], T],
        begin: Callable[[Callable[[], None]], Future[None]],
        weight: int = 1,
    ) -> T:
        """The same for what may take long: once it is too old it is read again in the background, which `begin` does.

        If that is not quick, what was read before is shown once more. A reading that fails is not hidden: the next one
        is waited for.
        """
        with self._lock:
            found, forgotten = self._cache.get(key), self._forgotten
        if found is None:
            value = read()
            self._keep(key, (seconds + OLDEST_S, weight, _Dated(value, self._now() + seconds)), forgotten)
            return value
        dated: _Dated = found[2]
        if dated.until <= self._now():
            with self._lock:
                reading = self._reading.get(key)
                if reading is None:
                    reading = self._reading[key] = begin(lambda: self._renew(key, seconds, read, weight, forgotten))
            if wait([reading], self._patience_s).done:
                reading.result()
                with self._lock:
                    dated = self._cache.get(key, found)[2]
        shown: T = dated.value
        return shown

    def forget(self) -> None:
        """After an action nothing that was read before it is shown, nor what is being read now."""
        with self._lock:
            self._cache.clear()
            self._reading.clear()
            self._forgotten += 1

    def _now(self) -> float:
        return self._clock().timestamp()

    def _renew(self, key: Hashable, seconds: float, read: Callable[[], Any], weight: int, forgotten: int) -> None:
        try:
            self._keep(key, (seconds + OLDEST_S, weight, _Dated(read(), self._now() + seconds)), forgotten)
        except Exception:
            with self._lock:
                self._cache.pop(key, None)
            raise
        finally:
            with self._lock:
                if self._forgotten == forgotten:
                    self._reading.pop(key, None)

    def _keep(self, key: Hashable, found: tuple[float, int, Any], forgotten: int) -> None:
        with self._lock:
            if self._forgotten == forgotten:
                self._cache[key] = found
