"""What changed in a step's code or configuration: the files it is given now against those that are still in S3."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contender.pipeline.compiling import Upload
from contender.pipeline.definitions import words
from contender.pipeline.definitions.changes import ABSENT, differences

MOST = 4
"""Differences of one configuration file that are told one by one."""


@dataclass(frozen=True, slots=True)
class CodeChanges:
    """Tells code by its address: the folder or the file of an upload. Reads S3 only where an address changed.

    `uploads` are the files that the new definition brings; None where they are in S3 as well.
    """

    s3: Any
    uploads: Sequence[Upload] | None

    def __call__(self, step: str, before: str, after: str) -> str | None:
        """A sentence about the step's files, or None: neither address is code, or both hold the same."""
        new = self._brought(after)
        if not new or not before.startswith("s3://"):
            return None
        old = self._stored(before)
        said = [text for name in dict.fromkeys([*old, *new]) if (text := _file(name, old.get(name), new.get(name)))]
        if old and not said:
            return None
        kind = "configuration" if all(name.endswith(".json") for name in new) else "code"
        return f"{kind} of {step} changed ({'; '.join(said if old else new)})"

    def _brought(self, uri: str) -> dict[str, bytes]:
        """The files under an address that is new, by name."""
        if self.uploads is None:
            return self._stored(uri) if uri.startswith("s3://") else {}
        return {
            item.uri.rpartition("/")[2]: item.body
            for item in self.uploads
            if item.uri == uri or item.uri.startswith(f"{uri.rstrip('/')}/")
        }

    def _stored(self, uri: str) -> dict[str, bytes]:
        """The files under an address by name; none where they are gone or may not be read."""
        place = urlsplit(uri, allow_fragments=False)
        key = place.path.removeprefix("/").rstrip("/")
        found = {}
        try:
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=key):
                for item in page.get("Contents", []):
                    if item["Key"] == key or item["Key"].startswith(f"{key}/"):
                        body = self.s3.get_object(Bucket=place.netloc, Key=item["Key"])["Body"].read()
                        found[item["Key"].rpartition("/")[2]] = body
        except ClientError:
            return {}
        return found


def _file(name: str, old: bytes | None, new: bytes | None) -> str:
    if old == new:
        return ""
    if old is None:
        return f"{name} is new"
    if new is None:
        return f"{name} is gone"
    if name.endswith(".json") and (said := _document(old, new)):
        return f"{name}: {said}"
    lines, new_lines = (text.decode(errors="replace").splitlines() for text in (old, new))
    signs = [line[0] for line in difflib.ndiff(lines, new_lines) if line[0] in "+-"]
    added = signs.count("+")
    return f"{name}: {added} line{'' if added == 1 else 's'} added, {signs.count('-')} removed"


def _document(old: bytes, new: bytes) -> str:
    try:
        found = list(differences(json.loads(old), json.loads(new)))
    except ValueError:
        return ""
    said = [f"{'.'.join(each.path)} {_sides(each.before, each.after)}" for each in found[:MOST]]
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return ", ".join([*said, *more])


def _sides(before: Any, after: Any) -> str:
    if before is ABSENT:
        return f"is new: {words.shortened(after)}"
    return "is gone" if after is ABSENT else words.change(before, after)
