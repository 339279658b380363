"""Reads from S3 what the configuration names by URI."""

from __future__ import annotations

from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.containers.clarify.clients import client
from contender.local.containers.clarify.errors import ClarifyError

SCHEME = "s3://"


def download(uri: str, target: Path, what: str) -> Path:
    """Fetch the object at `uri`, or every object below it, into the directory `target`.

    Raises ClarifyError, which calls the URI's object `what`, where there is none.
    """
    bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise ClarifyError(f"{what} must be an S3 URI, not {uri!r}")
    s3 = client("s3")
    found = False
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                key = item["Key"]
                if key.endswith("/") or (key != prefix and not key.startswith(prefix.rstrip("/") + "/")):
                    continue  # `data/a` is no prefix of the folder `data/ab`
                path = target / (key.removeprefix(prefix).strip("/") or Path(key).name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
                found = True
    except (ClientError, BotoCoreError) as error:
        raise ClarifyError(f"{what} {uri} cannot be read: {error}") from error
    if not found:
        raise ClarifyError(f"{what} {uri} does not exist")
    return target
