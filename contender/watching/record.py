"""Rows of a captured request, each value under its column's name: what Model Monitor calls for every record.

This text runs in AWS's container (and in the laptop's) with one line added at its end, `ENCODER = {…}`: the champion's
own description of its columns, see `baseline.py`. It needs the standard library of Python 3.6 and nothing of ours.

What it understands is what the champion understands (`steps/package/inference.py`): CSV with or without a header, with
or without the columns that are no features, JSON, JSON lines. Values become as the baseline's are: trimmed, on one
line, a missing number empty. The container compares columns by their names, or as it sorts them, by their places; so
the features come in the order of their names, as in the baseline beside this file.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-pre-and-post-processing.html
"""

import base64
import csv
import io
import json
from typing import Any

ENCODER: Any = {}


def preprocess_handler(inference_record: Any) -> Any:
    """A row as a dictionary, several as a list of them; an empty list leaves the record out."""
    message = inference_record.endpoint_input
    kind = getattr(message, "observedContentType", None) or getattr(message, "observed_content_type", None) or ""
    found = rows(message.data, message.encoding or "", kind, ENCODER)
    return found[0] if len(found) == 1 else found


def rows(data: Any, encoding: str, content_type: str, encoder: Any) -> Any:
    """The features of each row of a request. A row that is none, and a request that cannot be read, are left out."""
    columns, dropped = encoder["columns"], set(encoder["dropped"])
    features = sorted(column for column in columns if column not in dropped)
    numbers = {feature["column"] for feature in encoder["features"] if feature["kind"] == "number"}
    missing = set(encoder["missing"])
    try:
        named = list(records(data, encoding, content_type, columns, dropped))
    except (ValueError, csv.Error):
        return []
    return [{name: clean(row.get(name), name in numbers, missing) for name in features} for row in named]


def records(data: Any, encoding: str, content_type: str, columns: Any, dropped: Any) -> Any:
    """Each row as a dictionary of whatever it has."""
    text = data or ""
    if encoding.upper() == "BASE64":
        text = base64.b64decode(text).decode("utf-8")
    if isinstance(text, str) and text.startswith("\ufeff"):
        text = text[1:]
    kind = content_type.split(";", 1)[0].strip().lower()
    if kind in ("application/jsonlines", "application/x-jsonlines"):
        found = [json.loads(line) for line in text.split("\n") if line.strip()]
    elif kind == "application/json" or encoding.upper() == "JSON":
        # The container may have taken JSON apart already.
        found = json.loads(text) if isinstance(text, str) else text
        if isinstance(found, dict) and "instances" in found:
            found = found["instances"]
        if not isinstance(found, (dict, list)):
            raise ValueError("no rows")
        if isinstance(found, dict) or (found and not isinstance(found[0], (dict, list))):
            found = [found]
    else:
        found = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        if found and 2 * sum(value.strip() in columns for value in found[0]) > len(found[0]):
            columns, found = [name.strip() for name in found[0]], found[1:]
    kept = [column for column in columns if column not in dropped]
    for row in found:
        if isinstance(row, dict):
            yield row
        elif len(row) == len(columns):
            yield {name: row[place] for place, name in enumerate(columns)}
        elif len(row) == len(kept):
            yield {name: row[place] for place, name in enumerate(kept)}


def clean(value: Any, is_number: bool, missing: Any) -> str:
    """A value as the baseline would have it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split("\n")).replace("\r", " ").strip()
    return "" if is_number and text.lower() in missing else text
