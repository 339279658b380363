"""What became of predictions, as SageMaker's model quality jobs read it: JSON lines in a folder of the hour.

An answer is known by its inference id, which the API gives out and which InvokeEndpoint takes as InferenceId. The
folder's hour is when the truth came, not when was asked.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from contender import s3_object
from contender.errors import DataError


def read(path: Path, label: str, positive: str) -> Iterator[tuple[str, str]]:
    """Inference id and truth, 1 or 0, of each row; columns `inference_id` and the label's own name or `label`.

    DataError names the line that cannot be used. Like the label in training, all that is not the positive is the other
    of two values; a third is a word for one of them that nobody here knows, and would count as the wrong one.
    """
    others = set[str]()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        truth = next((name for name in (label, "label") if name in columns), None)
        if "inference_id" not in columns or truth is None:
            raise DataError(f"{path} needs the columns inference_id and {label!r} (or label), it has {columns}")
        for row in rows:
            key, value = (row["inference_id"] or "").strip(), (row[truth] or "").strip()
            if not key or not value:
                raise DataError(f"{path}, line {rows.line_num}: an inference_id or a {truth} is missing")
            if value not in (positive, "1", "0"):
                others.add(value)
            if len(others) > 1:
                raise DataError(
                    f"{path}, line {rows.line_num}: {value!r} is a third value of {truth}: give {positive!r} and one "
                    "other, or 1 and 0"
                )
            yield key, "1" if value in (positive, "1") else "0"


def lines(rows: Iterable[tuple[str, str]]) -> bytes:
    """The file that SageMaker merges."""
    records = (
        {
            "groundTruthData": {"data": value, "encoding": "CSV"},
            "eventMetadata": {"eventId": key},
            "eventVersion": "0",
        }
        for key, value in rows
    )
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def uri(bucket: str, endpoint: str, body: bytes, now: datetime) -> str:
    """Where it goes: in one hour the same content has one place."""
    name = hashlib.sha256(body).hexdigest()[:16]
    return f"s3://{bucket}/ground-truth/{endpoint}/{now:%Y/%m/%d/%H}/{name}.jsonl"


def put(s3: Any, address: str, body: bytes) -> None:
    bucket, key = s3_object.place(address)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
