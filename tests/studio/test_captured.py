"""Captured requests as they are shown: the newest, decoded, shortened, from as little as is needed."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from contender.studio.reading import captured
from contender.studio.reading.captured import LONGEST, MOST_BYTES, RECORDS
from tests.studio.fakes import FakeClient, desk_of

URI = "s3://artifacts/capture"
FOLDER = "capture/contender-SM-1/v1"


class Bucket(FakeClient):
    """S3 with objects by key; what was read of each is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.read: list[tuple[str, int]] = []

    def list_objects_v2(self, Bucket: str, Prefix: str, Delimiter: str = "") -> dict[str, Any]:
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        if not Delimiter:
            return {"Contents": [{"Key": key, "Size": len(self.objects[key])} for key in keys]}
        folders = {Prefix + key.removeprefix(Prefix).partition("/")[0] + "/" for key in keys}
        return {"CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)]} if folders else {}

    def get_paginator(self, operation: str) -> Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [self.list_objects_v2(**request)]

    def get_object(self, Bucket: str, Key: str, Range: str) -> dict[str, Any]:
        body = self.objects[Key][int(Range.removeprefix("bytes=").removesuffix("-")) :]
        self.read.append((Key, len(body)))
        return {"Body": io.BytesIO(body)}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def newest(bucket: Bucket) -> tuple[captured.Exchange, ...]:
    return captured.exchanges(desk_of(bucket), URI, "contender-SM-1", "v1")


def line(second: int, asked: str = "1,2", answered: str = "0.5", encoding: str = "CSV") -> bytes:
    record = {
        "captureData": {
            "endpointInput": {"data": asked, "encoding": encoding, "observedContentType": "text/csv"},
            "endpointOutput": {"data": answered, "encoding": "CSV"},
        },
        "eventMetadata": {"inferenceId": f"id-{second}", "inferenceTime": f"2026-11-30T11:00:{second:02d}Z"},
    }
    return json.dumps(record).encode() + b"\n"


def test_the_newest_hour_is_shown_the_newest_request_first(bucket: Bucket) -> None:
    bucket.objects = {
        f"{FOLDER}/2026/11/30/10/59-59-000-a.jsonl": line(59),
        f"{FOLDER}/2026/11/30/11/00-01-000-b.jsonl": line(1) + line(2),
        f"{FOLDER}/2026/11/30/11/00-03-000-c.jsonl": line(3),
    }
    assert [each.inference_id for each in newest(bucket)] == ["id-3", "id-2", "id-1"]


def test_of_two_variants_one_file_each_is_read(bucket: Bucket) -> None:
    bucket.objects = {f"{FOLDER}/2026/11/30/11/00-0{number}-000-a.jsonl": line(number) for number in range(4)}
    found = captured.exchanges(desk_of(bucket), URI, "contender-SM-1", "v1", captured.FILES // 2)
    assert [each.inference_id for each in found] == ["id-3"]


def test_yesterday_is_looked_at_where_today_has_nothing_and_no_day_before_it(bucket: Bucket) -> None:
    bucket.objects = {f"{FOLDER}/2026/11/28/23/00-00-000-a.jsonl": line(1)}
    assert newest(bucket) == ()
    bucket.objects[f"{FOLDER}/2026/11/29/23/00-00-000-a.jsonl"] = line(2)
    assert [each.inference_id for each in newest(bucket)] == ["id-2"]


def test_another_variants_and_another_endpoints_requests_are_not_shown(bucket: Bucket) -> None:
    bucket.objects = {
        "capture/contender-SM-1/v10/2026/11/30/11/00-00-000-a.jsonl": line(1),
        "capture/contender-SM-10/v1/2026/11/30/11/00-00-000-a.jsonl": line(1),
    }
    assert newest(bucket) == ()


def test_of_a_large_file_only_the_end_is_read_and_only_whole_lines(bucket: Bucket) -> None:
    key = f"{FOLDER}/2026/11/30/11/00-00-000-a.jsonl"
    bucket.objects = {key: b"".join(line(number % 60, "7," * 500) for number in range(1000))}
    found = newest(bucket)
    assert bucket.read == [(key, MOST_BYTES)]
    assert len(found) == RECORDS
    assert {each.asked[:4] for each in found} == {"7,7,"}


def test_what_is_asked_is_decoded_and_shortened(bucket: Bucket) -> None:
    texts = base64.b64encode(b"a,b").decode(), base64.b64encode(b"\xff\xfe\x00").decode()
    bucket.objects = {
        f"{FOLDER}/2026/11/30/11/00-00-000-a.jsonl": line(3, texts[0], encoding="BASE64")
        + line(2, texts[1], encoding="BASE64")
        + line(1, "5" * 1000)
    }
    text, binary, long = newest(bucket)
    assert text.asked == "a,b"
    assert binary.asked == "3 bytes of text/csv"
    assert long.asked == "5" * LONGEST + "… (1,000 characters)"


def test_lines_that_are_no_captured_requests_are_left_out(bucket: Bucket) -> None:
    bucket.objects = {f"{FOLDER}/2026/11/30/11/00-00-000-a.jsonl": b'{"half\n[]\n{"captureData": 3}\n' + line(1)}
    assert [each.inference_id for each in newest(bucket)] == ["id-1"]
