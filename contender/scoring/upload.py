"""A file as it was uploaded: one content under one key, and the places it goes to.

    inference/<dimension>/<file>.csv               dropped here
    scoring/<dimension>/<upload>/<file>.csv        a large one, while the batch pipeline reads it
    processed/<dimension>/<upload>/<file>.csv      every row is settled; beside it the report, and the rows that failed
    refused/<dimension>/<upload>/<file>.csv        it cannot be scored; beside it the report

`<upload>` is a digest of key and version: the same name uploaded again is another upload, with places of its own, so
that no two of them ever write the same thing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contender.errors import DataError
from contender.naming import is_dimension, parse_object_key

INBOX = "inference/"
STAGING = "scoring/"
PROCESSED = "processed/"
REFUSED = "refused/"
OURS = (STAGING, PROCESSED, REFUSED)
UNKNOWN = "unknown"
"""Stands for the dimension of a file whose key names none."""
CREATED = "Object Created"

_STAGED = re.compile(rf"s3://[^/]+/{STAGING}([^/]+)/([^/]+)/([^/]+)")


@dataclass(frozen=True, slots=True)
class Upload:
    """One version of one object. `dimension` is UNKNOWN while nobody has checked the key."""

    bucket: str
    key: str
    version: str
    dimension: str = UNKNOWN

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Read an S3 event as EventBridge sends it; DataError for any other."""
        try:
            bucket, item = str(event["detail"]["bucket"]["name"]), event["detail"]["object"]
            return cls(bucket, str(item["key"]), str(item["version-id"]))
        except (KeyError, TypeError) as error:
            raise DataError("the message is no S3 event of a bucket with versions") from error

    def addressed(self) -> Upload:
        """The same with the dimension its key names; NamingError says what is wrong with any other key."""
        return Upload(self.bucket, self.key, self.version, parse_object_key(INBOX, self.key).dimension)

    @property
    def file(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    @property
    def id(self) -> str:
        return self.token[:12]

    @property
    def token(self) -> str:
        return hashlib.sha256("\0".join([self.bucket, self.key, self.version]).encode()).hexdigest()

    def place(self, folder: str) -> str:
        """Its key under one of the folders above."""
        return place(folder, self.dimension, self.id, self.file)


def place(folder: str, dimension: str, upload: str, file: str) -> str:
    return f"{folder}{dimension}/{upload}/{file}"


def staged(uri: str) -> tuple[str, str, str] | None:
    """Dimension, upload and file of what was put aside for the batch pipeline; None for any other address."""
    found = _STAGED.fullmatch(uri)
    return (found[1], found[2], found[3]) if found and is_dimension(found[1]) else None


def parse_event(body: str) -> Mapping[str, Any]:
    """An event of EventBridge's; DataError for any other message."""
    try:
        event = json.loads(body)
    except ValueError as error:
        raise DataError("the message is no JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("detail"), dict):
        raise DataError("the message is no event of EventBridge's")
    return event
