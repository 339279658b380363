"""The end of a log, read from its end: a job may have written for hours, and nobody wants to wait for all of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender.executions.logs import Line, Reader, Source

MOST_STREAMS = 4
"""Of one place: a job has one for each instance."""
MOST_PLACES = 6
"""A search has one for each training; so many of them are read."""


def tail(logs: Any, places: Sequence[Source], count: int) -> list[Line]:
    """The last `count` lines of all places together, the oldest first.

    A job's streams are read from their end. A function's hold other people's lines as well: what it said while the step
    ran is found by its time.
    """
    read = [
        _of_streams(logs, place, count) if place.streams else Reader(logs).read([place])
        for place in places[-MOST_PLACES:]
    ]
    return list(heapq.merge(*read, key=lambda line: line.at))[-count:]


def _of_streams(logs: Any, place: Source, count: int) -> list[Line]:
    names = islice(_streams(logs, place), MOST_STREAMS)
    return sorted((line for name in names for line in _end(logs, place, name, count)), key=lambda line: line.at)


def _streams(logs: Any, place: Source) -> Iterator[str]:
    try:
        answer = logs.describe_log_streams(
            logGroupName=place.group, logStreamNamePrefix=place.streams, limit=MOST_STREAMS
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return
    yield from (stream["logStreamName"] for stream in answer["logStreams"])


def _end(logs: Any, place: Source, stream: str, count: int) -> Iterator[Line]:
    answer = logs.get_log_events(logGroupName=place.group, logStreamName=stream, limit=count, startFromHead=False)
    for event in answer["events"]:
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        yield Line(at, place.label, event["message"].rstrip("\n"))
