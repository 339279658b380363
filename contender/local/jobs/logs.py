"""Job logs on their way to CloudWatch Logs, under the names AWS uses, without holding up the job."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

INTERVAL_S = 0.5
MAX_EVENTS = 1_000
MAX_BYTES = 900_000
EVENT_OVERHEAD = 26
MAX_LINE = 250_000
TRIES = 6


class LogFeed:
    """One job's log file and the stream it goes to; `close` after the job wrote its last line."""

    def __init__(self, group: str, stream: str, path: Path, wake: Callable[[], None]) -> None:
        self.group = group
        self.stream = stream
        self.path = path
        self._wake = wake
        self.closed = threading.Event()
        self.created = False
        self.offset = 0
        self.failures = 0
        self._due = time.monotonic() + INTERVAL_S

    @property
    def is_due(self) -> bool:
        """A short job's lines are sent once, when it is over."""
        return self.closed.is_set() or time.monotonic() >= self._due

    def close(self) -> None:
        """Send the rest now: who waited for the job asks for its log as soon as it is over."""
        self.closed.set()
        self._wake()

    def read(self) -> tuple[list[str], int]:
        """New whole lines (of a closed feed also a last one without its end), and the offset behind them."""
        over = self.closed.is_set()
        try:
            with open(self.path, "rb") as log:
                log.seek(self.offset)
                data = log.read(MAX_BYTES)
        except FileNotFoundError:
            return [], self.offset
        if not (over and len(data) < MAX_BYTES) and len(data) < MAX_BYTES:
            data = data[: data.rfind(b"\n") + 1]
        lines = data.decode("utf-8", "replace").split("\n")
        return [line[:MAX_LINE] for line in lines if line], self.offset + len(data)


class LogShipper:
    """One thread that sends the lines of all running jobs every half second."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._feeds: list[LogFeed] = []
        self._groups: set[str] = set()
        self._condition = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def open(self, group: str, stream: str, path: Path) -> LogFeed:
        feed = LogFeed(group, stream, path, self._hurry)
        with self._condition:
            self._feeds.append(feed)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)
                self._thread.start()
            self._condition.notify()
        return feed

    def close(self, timeout_s: float = 3.0) -> None:
        """Send what is there, then stop."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _hurry(self) -> None:
        with self._condition:
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._feeds and not self._stopping:
                    self._condition.wait()
                if not self._stopping and not any(feed.closed.is_set() and not feed.failures for feed in self._feeds):
                    self._condition.wait(INTERVAL_S)
                last_round = self._stopping
                feeds = list(self._feeds)
            over = [feed for feed in feeds if (feed.is_due or last_round) and self._ship(feed)]
            with self._condition:
                self._feeds = [feed for feed in self._feeds if feed not in over]
                if last_round:
                    return

    def _ship(self, feed: LogFeed) -> bool:
        """Send what is new; True when the feed is closed and empty, or cannot be delivered."""
        closed = feed.closed.is_set()
        try:
            self._create(feed)
            while True:
                lines, offset = feed.read()
                if not lines:
                    return closed
                self._put(feed, lines)
                feed.offset = offset
        except (ClientError, BotoCoreError) as error:
            feed.failures += 1
            if feed.failures < TRIES:
                return False
            logger.warning("log of %s/%s is not in CloudWatch Logs: %s", feed.group, feed.stream, error)
            return True

    def _create(self, feed: LogFeed) -> None:
        client = self._client()
        if feed.group not in self._groups:
            _ignore_existing(client.create_log_group, logGroupName=feed.group)
            self._groups.add(feed.group)
        if not feed.created:
            _ignore_existing(client.create_log_stream, logGroupName=feed.group, logStreamName=feed.stream)
            feed.created = True

    def _put(self, feed: LogFeed, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        batch: list[dict[str, Any]] = []
        size = 0
        for line in lines:
            cost = len(line.encode()) + EVENT_OVERHEAD
            if batch and (len(batch) == MAX_EVENTS or size + cost > MAX_BYTES):
                self._send(feed, batch)
                batch, size = [], 0
            batch.append({"timestamp": now, "message": line})
            size += cost
        self._send(feed, batch)

    def _send(self, feed: LogFeed, batch: list[dict[str, Any]]) -> None:
        self._client().put_log_events(logGroupName=feed.group, logStreamName=feed.stream, logEvents=batch)


def _ignore_existing(call: Callable[..., Any], **arguments: str) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
