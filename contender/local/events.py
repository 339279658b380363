"""State changes on their way to EventBridge, in order and off the caller's path."""

from __future__ import annotations

import json
import logging
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

logger = logging.getLogger(__name__)

ATTEMPTS = 20
PAUSE_S = 0.5


class EventBus:
    """Posts events to the launcher's door in MiniStack (`/_contender/events`), which alone may put `aws.*` sources.

    One thread sends, so events arrive in the order in which they happened. An event that cannot be delivered is tried
    for about ten seconds and then logged.
    """

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._url = f"{url}/_contender/events"
        self._clock = clock
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="events", daemon=True)
        self._thread.start()

    def publish(self, detail_type: str, resources: Sequence[str], detail: dict[str, Any]) -> None:
        self._queue.put(
            {
                "Source": "aws.sagemaker",
                "DetailType": detail_type,
                "Resources": list(resources),
                "Detail": json.dumps(detail, default=_iso),
                "Time": self._clock().timestamp(),
            }
        )

    def close(self) -> None:
        """Send what is queued (one try each), then stop."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _send_all(self) -> None:
        while (event := self._queue.get()) is not None:
            self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self._url, json.dumps({"Entries": [event]}).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(ATTEMPTS):
            try:
                with opener.open(request, timeout=10):
                    return
            except (urllib.error.URLError, OSError) as error:
                logger.debug("event not delivered yet: %s", error)
                if self._stopping.wait(PAUSE_S):
                    break
        logger.warning("event lost: %s for %s", event["DetailType"], event["Resources"])


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
