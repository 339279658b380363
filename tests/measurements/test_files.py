"""Files of events: plain or gzip, large or broken, and whatever else lies in them."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody

from contender.measurements.events import Event, Invocation
from contender.measurements.files import EXAMPLES, MAX_LINE, Refused, events, lines, read
from tests.measurements.world import World

WORLD = World()
EVENTS: list[Event] = [WORLD.request("a"), WORLD.reward("a"), WORLD.request("b", "v2")]
TEXT = b"".join(event.line() for event in EVENTS)


class Bucket:
    """S3 with one object; `length` is what it claims to be long."""

    def __init__(self, content: bytes, length: int | None = None) -> None:
        self._content = content
        self._length = len(content) if length is None else length

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": StreamingBody(io.BytesIO(self._content), self._length)}


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.rstrip(b"\n"),
        TEXT.replace(b"\n", b"\r\n\n"),
        gzip.compress(TEXT),
        b"".join(gzip.compress(event.line()) for event in EVENTS),
    ],
    ids=["plain", "no last newline", "empty lines", "gzip", "gzip in parts"],
)
def test_a_file_is_read_whatever_its_form(content: bytes) -> None:
    refused = Refused()
    assert list(read(Bucket(content), "bucket", "key", refused)) == EVENTS
    assert not refused.codes


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0), b"\n\n"])
def test_an_empty_file_holds_nothing(content: bytes) -> None:
    assert list(read(Bucket(content), "bucket", "key", Refused())) == []


def test_what_is_no_event_is_named_by_its_line_and_the_rest_is_read() -> None:
    first, second, third = TEXT.splitlines(keepends=True)
    content = first + b"no JSON\n" + second + b'{"type": "pageview"}\n\xff\xfe\x00\n' + third
    refused = Refused()
    assert list(read(Bucket(content), "bucket", "key", refused)) == EVENTS
    assert refused.codes == {"malformed": 2, "foreign": 1}
    assert refused.examples[0] == "line 2: the line is not JSON"


def test_only_some_of_what_is_refused_is_kept() -> None:
    refused = Refused()
    assert list(read(Bucket(b"no\n" * 1000), "bucket", "key", refused)) == []
    assert refused.codes == {"malformed": 1000}
    assert len(refused.examples) == EXAMPLES


def test_a_line_without_end_is_read_over() -> None:
    endless = b'{"type": "' + b"x" * (2 * MAX_LINE + 7) + b'"}\n'
    refused = Refused()
    assert list(read(Bucket(endless + TEXT + endless), "bucket", "key", refused)) == EVENTS
    assert refused.codes == {"malformed": 2}


def test_a_gzip_file_that_breaks_off_is_read_up_to_there() -> None:
    many = b"".join(WORLD.request(f"r{number}").line() for number in range(2000))
    whole = gzip.compress(many)
    refused = Refused()
    found = list(read(Bucket(whole[: len(whole) // 2]), "bucket", "key", refused))
    assert 0 < len(found) < 2000
    assert refused.codes["broken_file"] == 1
    assert "after line" in refused.examples[-1]


def test_a_download_that_breaks_off_is_an_error_and_no_shorter_file() -> None:
    with pytest.raises(IncompleteReadError):
        list(read(Bucket(TEXT, len(TEXT) + 1), "bucket", "key", Refused()))


def test_a_large_file_needs_little_memory() -> None:
    """128 MB as AWS delivers them at most, unpacked from about 3 MB."""
    line = WORLD.request("a").line()
    number = 128_000_000 // len(line)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(number // 1000):
            file.write(line * 1000)
    packed.seek(0)
    tracemalloc.start()
    try:
        seen = sum(1 for _ in lines(packed, Refused()))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert seen == number // 1000 * 1000


def test_events_come_out_one_by_one() -> None:
    """A batch is counted before the next line is read."""
    stream = events(((number, event.line()) for number, event in enumerate(EVENTS)), Refused())
    assert isinstance(next(stream), Invocation)
