"""Hook `<project>-hook-golden`: the variant scores rows whose right answers a team has written down.

    s3://<artifact bucket>/golden/<dimension>.csv     or golden/all.csv for the dimensions that have none of their own

with a header: the columns that a model is asked with, `expected`, and if wanted `tolerance`, which is 0.05 otherwise.
"""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from contender.errors import SettingsError
from contender.lambdas.hooks.variant import Doubtful, Variant, answered, to_csv

EXPECTED, TOLERANCE = "expected", "tolerance"
DEFAULT_TOLERANCE = 0.05
FOLDER = "golden/"
ALL = "all"
MAX_ROWS = 500
"""More rows are asked in several requests."""


def check(s3: Any, runtime: Any, bucket: str, variant: Variant) -> str:
    uri, rows = _rows(s3, bucket, variant.dimension)
    columns = [column for column in rows[0] if column not in (EXPECTED, TOLERANCE)]
    worst = 0.0
    for start in range(0, len(rows), MAX_ROWS):
        part = rows[start : start + MAX_ROWS]
        asked = to_csv([columns, *([row[column] for column in columns] for row in part)])
        answers = variant.ask(runtime, asked)
        if len(answers) != len(part):
            raise Doubtful(f"{variant.name} gave {len(answers)} answers to {len(part)} rows of {uri}")
        for number, (row, answer) in enumerate(zip(part, answers, strict=True), start + 1):
            found = _number(answer, f"answer to row {number} of {uri}")
            distance = abs(found - _number(row[EXPECTED], f"{uri}: {EXPECTED}"))
            tolerance = _number(row.get(TOLERANCE) or str(DEFAULT_TOLERANCE), f"{uri}: {TOLERANCE}")
            if not distance <= tolerance:
                raise Doubtful(
                    f"row {number} of {uri}: {variant.name} answers {answer} where {row[EXPECTED]} is expected, "
                    f"{distance:.3g} away and not at most {tolerance:g}"
                )
            worst = max(worst, distance)
    return f"{len(rows)} rows of {uri}, at most {worst:.3g} away"


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    bucket = os.environ.get("ARTIFACT_BUCKET", "")
    if not bucket:
        raise SettingsError("environment variable ARTIFACT_BUCKET is not set: deploy the stack again")
    return answered("golden", event, lambda variant: check(*_clients(), bucket, variant))


def _rows(s3: Any, bucket: str, dimension: str) -> tuple[str, list[dict[str, str]]]:
    """Where the rows lie, and the rows by column."""
    for name in (dimension, ALL):
        key = f"{FOLDER}{name}.csv"
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            continue
        uri = f"s3://{bucket}/{key}"
        rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
        if not rows or EXPECTED not in rows[0]:
            raise Doubtful(f"{uri} has no rows with a column {EXPECTED!r}: add the answers that are right")
        return uri, rows
    raise Doubtful(f"there are no golden rows at s3://{bucket}/{FOLDER}{dimension}.csv: put them there")


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Doubtful(f"{what} is {text!r}, no number") from error


@functools.cache
def _clients() -> tuple[Any, Any]:
    return boto3.client("s3"), boto3.client("sagemaker-runtime")
