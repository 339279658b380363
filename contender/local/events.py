"""State changes on their way to EventBridge, in order and off the caller's path."""

from __future__ import annotations

import http.client
import json
import logging
import queue
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

logger = logging.getLogger(__name__)

PATH = "/_contender/events"
ATTEMPTS = 20
PAUSE_S = 0.5
TIMEOUT_S = 10.0
IDLE_S = 30.0
"""How long a connection is kept without events; MiniStack closes it after 75 seconds."""


class EventBus:
    """Posts events to the launcher's door in MiniStack (`/_contender/events`), which alone may put `aws.*` sources.

    One thread sends, so events arrive in the order in which they happened. An event that cannot be delivered is tried
    for about ten seconds and then logged.
    """

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=TIMEOUT_S)
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
        while True:
            try:
                event = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                self._connection.close()
                continue
            if event is None:
                self._connection.close()
                return
            self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        body = json.dumps({"Entries": [event]}).encode()
        for _ in range(ATTEMPTS):
            try:
                self._post(body)
                return
            except (OSError, http.client.HTTPException) as error:
                logger.debug("event not delivered yet: %s", error)
                self._connection.close()
                if self._stopping.wait(PAUSE_S):
                    break
        logger.warning("event lost: %s for %s", event["DetailType"], event["Resources"])

    def _post(self, body: bytes) -> None:
        """Raises OSError and HTTPException. The connection opens by itself, again after a close."""
        self._connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"{answer.status}: {said[:200]!r}")


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
