"""A file of events in S3, line by line: plain or gzip, up to 128 MB, in the memory of a small function."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from contender.measurements.events import BadEvent, Event, parse

MAX_LINE = 1_000_000
"""Firehose takes no longer record. What is longer is not ours, and is read over."""
IN_MEMORY = 4 * 1024 * 1024
EXAMPLES = 5

_GZIP = b"\x1f\x8b"
_CHUNK = 256 * 1024


@dataclass(slots=True)
class Refused:
    """What a file holds that is no event: how much of it by code, and some of it in words."""

    codes: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, code: str, reason: str) -> None:
        self.codes[code] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(reason)


def read(s3: Any, bucket: str, key: str, refused: Refused) -> Iterator[Event]:
    """The file's events in their order. What is not one is added to `refused` and read over."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        # To disk first: counting takes minutes, and S3 does not keep a connection open that nobody reads from.
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file, _CHUNK)
        file.seek(0)
        yield from events(lines(file, refused), refused)


def lines(file: IO[bytes], refused: Refused) -> Iterator[tuple[int, bytes]]:
    """Numbered lines without the empty ones; a file that breaks off ends there."""
    magic = file.read(len(_GZIP))
    file.seek(0)
    text: IO[bytes] = io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), _CHUNK) if magic == _GZIP else file
    number = 0
    try:
        while line := text.readline(MAX_LINE):
            number += 1
            rest = line
            while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
                rest = text.readline(MAX_LINE)
            if line.strip():
                yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        refused.add("broken_file", f"after line {number}: {error}")


def events(numbered: Iterable[tuple[int, bytes]], refused: Refused) -> Iterator[Event]:
    for number, line in numbered:
        try:
            yield parse(line)
        except BadEvent as error:
            refused.add(error.code, f"line {number}: {error}")
