"""What an endpoint was asked and answered of late, from the files that SageMaker captures in S3.

    <capture uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/<minute>-<second>-<millisecond>-<id>.jsonl

Of today and yesterday only the newest hour's newest files are read, and of each only its end.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from contender.s3_object import place
from contender.studio.desk import Desk

RECORDS = 20
FILES = 2
"""Of all variants that are shown; a file has all requests of a second, or of minutes."""
MOST_BYTES = 256 * 1024
LONGEST = 400
"""Characters of a request, and of an answer, that are shown."""
PAGES = 4
KEPT_S = 5.0
DAYS = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """A captured request and its answer, shortened; `at` as SageMaker wrote it."""

    at: datetime
    variant: str
    inference_id: str
    asked: str
    answered: str


def exchanges(desk: Desk, capture_uri: str, endpoint: str, variant: str, files: int = FILES) -> tuple[Exchange, ...]:
    """The newest of a variant, the newest first, of so many files; none where nothing was captured of late."""

    def read() -> tuple[Exchange, ...]:
        s3 = desk.client("s3")
        bucket, folder = place(f"{capture_uri.rstrip('/')}/{endpoint}/{variant}/")
        found: list[Exchange] = []
        for item in islice(_newest_files(s3, bucket, folder, desk.clock()), files):
            found += _records(_end(s3, bucket, item), variant)
            if len(found) >= RECORDS:
                break
        return tuple(sorted(found, key=lambda each: each.at, reverse=True)[:RECORDS])

    return desk.kept.get(("captured", capture_uri, endpoint, variant, files), KEPT_S, read)


def together(found: Sequence[Sequence[Exchange]]) -> list[Exchange]:
    """Those of several variants, the newest first."""
    return sorted((each for one in found for each in one), key=lambda each: each.at, reverse=True)[:RECORDS]


def _newest_files(s3: Any, bucket: str, folder: str, now: datetime) -> Iterator[Mapping[str, Any]]:
    for back in range(DAYS):
        day = f"{folder}{now - timedelta(days=back):%Y/%m/%d}/"
        hours = s3.list_objects_v2(Bucket=bucket, Prefix=day, Delimiter="/").get("CommonPrefixes", ())
        if hours:
            newest = max(hour["Prefix"] for hour in hours)
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=newest)
            files = [item for page in islice(pages, PAGES) for item in page.get("Contents", ()) if item["Size"]]
            yield from sorted(files, key=lambda item: str(item["Key"]), reverse=True)
            return


def _end(s3: Any, bucket: str, item: Mapping[str, Any]) -> list[bytes]:
    """The file's last lines, whole ones only."""
    start = max(item["Size"] - MOST_BYTES, 0)
    body = s3.get_object(Bucket=bucket, Key=item["Key"], Range=f"bytes={start}-")["Body"].read()
    lines: list[bytes] = body.split(b"\n")
    return lines[1:] if start else lines


def _records(lines: Sequence[bytes], variant: str) -> Iterator[Exchange]:
    """From the last line backwards; what is no captured request is left out."""
    for line in islice((line for line in reversed(lines) if line.strip()), RECORDS):
        try:
            record = json.loads(line)
            data, about = record["captureData"], record["eventMetadata"]
            yield Exchange(
                datetime.fromisoformat(about["inferenceTime"]),
                variant,
                str(about.get("inferenceId", "")),
                _text(data.get("endpointInput")),
                _text(data.get("endpointOutput")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _text(message: Mapping[str, Any] | None) -> str:
    if message is None:
        return ""
    text = str(message.get("data", ""))
    if message.get("encoding") == "BASE64":
        content = base64.b64decode(text)
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return f"{len(content):,} bytes of {message.get('observedContentType') or 'no known type'}"
    text = text.strip()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
