"""Metrics on their way to CloudWatch, off the path of requests."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.serving.metrics import NAMESPACE, metric_data

logger = logging.getLogger(__name__)

MAX_DATA = 500
CLOSE_S = 5.0

Report = dict[str, Any]


class MetricPublisher:
    """One thread that sends what the front reports. A report that CloudWatch does not take is logged and lost."""

    def __init__(
        self, client: Callable[[], Any], clock: Callable[[], datetime], instances: Callable[[str, str], int]
    ) -> None:
        self._client = client
        self._clock = clock
        self._instances = instances
        self._queue: queue.SimpleQueue[list[Report] | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def put(self, reports: list[Report]) -> None:
        self._queue.put(reports)

    def flush(self) -> None:
        """Wait until everything put before is sent."""
        done = threading.Event()
        self._queue.put(done)
        done.wait(CLOSE_S)

    def close(self) -> None:
        """Send what is queued, then stop."""
        self._queue.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
            else:
                self._send(item)

    def _send(self, reports: list[Report]) -> None:
        data = list(metric_data(reports, self._clock(), self._instances))
        try:
            for start in range(0, len(data), MAX_DATA):
                self._client().put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + MAX_DATA])
        except (ClientError, BotoCoreError) as error:
            logger.warning("metrics of %d variants are lost: %s", len(reports), error)
