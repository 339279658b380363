"""One after the other: of a button that is pressed twice the second must find what the first has done."""

from __future__ import annotations

import threading
from collections import defaultdict


class Turns:
    """A lock for each name, the same one for everybody who asks for it."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, name: str) -> threading.Lock:
        return self._locks[name]
