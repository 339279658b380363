"""An object in S3 by its address: where it lies, whether it is there, and in which version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from contender.errors import DataError


def place(uri: str) -> tuple[str, str]:
    """Bucket and key; DataError for what is no object's address."""
    parts = urlsplit(uri, allow_fragments=False)
    key = parts.path.removeprefix("/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme != "s3" or not parts.netloc or not key:
        raise DataError(f"{uri!r} is no S3 object: give s3://<bucket>/<key>")
    return parts.netloc, key


def head(s3: Any, uri: str) -> Mapping[str, Any] | None:
    """What S3 tells of the object; None if it is not there."""
    bucket, key = place(uri)
    try:
        found: Mapping[str, Any] = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
            return None
        raise
    return found


def version(found: Mapping[str, Any]) -> str:
    """Which content this is: the version's id, or in a bucket without versions the ETag."""
    known = found.get("VersionId")
    return str(known) if known not in (None, "null") else str(found["ETag"]).strip('"')
