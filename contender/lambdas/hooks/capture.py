"""Hook `<project>-hook-capture`: what the variant is asked and answers arrives in S3, where data capture is on.

It asks the variant often enough that one request is captured for certain, and waits for a file that was written since.
"""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from contender.lambdas.hooks.variant import Doubtful, Variant, answered, uploaded_row
from contender.lambdas.settings import names_from_environ
from contender.naming import Names
from contender.s3_object import place

CERTAIN = 7.0
"""That many captured requests are expected: e^-7, one time in a thousand, none is."""
PATIENCE_S = 240.0
"""SageMaker writes a file within minutes."""
PAUSE_S = 2.0


def check(
    sagemaker: Any,
    s3: Any,
    runtime: Any,
    names: Names,
    variant: Variant,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    patience_s: float = PATIENCE_S,
) -> str:
    capture = sagemaker.describe_endpoint(EndpointName=variant.endpoint).get("DataCaptureConfig", {})
    if not capture.get("EnableCapture"):
        return f"{variant.endpoint} captures nothing, as the settings ask"
    bucket, prefix = place(f"{capture['DestinationS3Uri'].rstrip('/')}/{variant.endpoint}/{variant.name}/")
    before = _files(s3, bucket, prefix)
    row, began = uploaded_row(sagemaker, s3, names, variant), clock()
    for _ in range(math.ceil(CERTAIN * 100 / capture["CurrentSamplingPercentage"])):
        variant.ask(runtime, row)
    while not (new := _files(s3, bucket, prefix) - before):
        if (clock() - began).total_seconds() >= patience_s:
            raise Doubtful(f"no capture of {variant.name} arrived under s3://{bucket}/{prefix} within {patience_s:g} s")
        sleep(PAUSE_S)
    return f"captured in s3://{bucket}/{min(new)}"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    names = names_from_environ(os.environ)
    left_s = context.get_remaining_time_in_millis() / 1000 - 2 * PAUSE_S

    def checked(variant: Variant) -> str:
        return check(
            *_clients(),
            names,
            variant,
            clock=lambda: datetime.now(UTC),
            sleep=time.sleep,
            patience_s=min(PATIENCE_S, left_s),
        )

    return answered("capture", event, checked)


def _files(s3: Any, bucket: str, prefix: str) -> set[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"] for page in pages for item in page.get("Contents", ())}


@functools.cache
def _clients() -> tuple[Any, Any, Any]:
    return boto3.client("sagemaker"), boto3.client("s3"), boto3.client("sagemaker-runtime")
