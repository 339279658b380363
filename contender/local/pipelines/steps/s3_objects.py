"""Single objects on S3 that steps look at: whether they are there, and what they hold."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.context import Context
from contender.local.pipelines import retries
from contender.local.pipelines.steps.runner import StepFailed

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


def etag(context: Context, uri: str) -> str | None:
    """What S3 calls the object's content; None if there is no such object. Raises StepFailed."""
    bucket, key = _place(uri)
    try:
        answer = context.aws.client("s3").head_object(Bucket=bucket, Key=key)
    except (ClientError, BotoCoreError) as error:
        _pass_absence(uri, error)
        return None
    return str(answer["ETag"]).strip('"')


def read_json(context: Context, uri: str) -> Any | None:
    """The JSON document; None if there is no such object. Raises StepFailed."""
    bucket, key = _place(uri)
    try:
        body = context.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        _pass_absence(uri, error)
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise StepFailed(f"ClientError: {uri} does not hold JSON: {error}") from error


def _place(uri: str) -> tuple[str, str]:
    bucket, key = _parts(uri)
    if not key:
        raise StepFailed(f"ClientError: {uri!r} is not an S3 address such as s3://bucket/key")
    return bucket, key


def is_object_uri(text: str) -> bool:
    return bool(_parts(text)[1])


def _parts(uri: str) -> tuple[str, str]:
    scheme, _, place = uri.partition("://")
    bucket, _, key = place.partition("/")
    return (bucket, key) if scheme == "s3" and bucket else ("", "")


def _pass_absence(uri: str, error: ClientError | BotoCoreError) -> None:
    """Raises StepFailed unless the error says that nothing is there."""
    if isinstance(error, BotoCoreError):
        raise StepFailed(f"{uri} cannot be read: {error}", exception_type=retries.SERVICE_FAULT) from error
    code = error.response["Error"]["Code"]
    if code not in ABSENT:
        raise StepFailed(f"ClientError: {uri} cannot be read: {error}") from error
