"""Bytes in S3: a version of an object, a part of it, and how it is put somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

MAX_COPY = 5_000_000_000
"""Bytes that CopyObject moves at once, whose limit is a little higher."""

_GONE = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")


@dataclass(frozen=True, slots=True)
class Source:
    """Where bytes stand; without a version the newest is meant."""

    bucket: str
    key: str
    version: str = ""

    @property
    def request(self) -> dict[str, str]:
        """The object as S3's operations want it."""
        which = {"Bucket": self.bucket, "Key": self.key}
        return {**which, "VersionId": self.version} if self.version else which

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read(s3: Any, source: Source, start: int, end: int) -> bytes | None:
    """Bytes `start` to `end`, the last one excluded; None if the object is gone."""
    try:
        answer = s3.get_object(**source.request, Range=f"bytes={start}-{end - 1}")
        body: bytes = answer["Body"].read()
    except ClientError as error:
        if is_gone(error):
            return None
        raise
    # A server may answer a part with the whole, as HTTP allows; the laptop's does so for old versions.
    return body if "ContentRange" in answer else body[start:end]


def copy(s3: Any, source: Source, target: Source) -> bool:
    """Copy it; False if it is gone. Done again it is the same."""
    try:
        s3.copy_object(Bucket=target.bucket, Key=target.key, CopySource=source.request)
    except ClientError as error:
        if is_gone(error):
            return False
        raise
    return True


def is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _GONE
