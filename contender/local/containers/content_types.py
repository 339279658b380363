"""Request bodies to rows of features, predictions to response bodies, in the formats AWS's XGBoost image speaks.

In: `text/csv` without the label, `text/libsvm`, `application/json` (instances) and `application/jsonlines`.
Out: `text/csv` (a row a line), `application/json` ({"predictions": [{"score": …}]}) and `application/jsonlines`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
LIBSVM = "text/libsvm"
LIBSVM_NAMES = frozenset({LIBSVM, "text/x-libsvm", "application/libsvm", "application/x-libsvm"})
TEXT_TYPES = frozenset({CSV, JSON, JSON_LINES}) | LIBSVM_NAMES
DELIMITERS = (b",", b";", b"\t", b"|", b" ")
NO_PREFERENCE = frozenset({"", "*/*"})


class ContentError(ValueError):
    """A request that cannot be read or answered as asked; `status_code` is the answer's HTTP status."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code


def media_type(header: str) -> str:
    """`text/csv; charset=utf-8` → `text/csv`."""
    return header.partition(";")[0].strip().lower()


def choose_accept(header: str, default: str) -> str:
    """The first type of an Accept header that we write; `default` when the client has no preference.

    Raises ContentError (406) when there is none.
    """
    for part in header.split(","):
        wanted = media_type(part)
        if wanted in NO_PREFERENCE:
            return default
        if wanted in ENCODERS:
            return wanted
    raise ContentError(
        f"Accept type {header} is not supported. Please use supported accept types: {', '.join(ENCODERS)}.", 406
    )


def decode(body: bytes, content_type: str, width: int | None = None) -> Rows:
    """The body as a matrix, one row an instance, NaN where a value is missing.

    `width` is the number of features the model knows; libsvm rows are filled up to it.
    Raises ContentError: 415 for a type we do not read and, as AWS's image does, for a body that is not of its type.
    """
    kind = media_type(content_type) or CSV
    try:
        if kind == CSV:
            return _decode_csv(body)
        if kind in LIBSVM_NAMES:
            return _decode_libsvm(body, width)
        if kind == JSON:
            return _matrix(_instances(json.loads(body)))
        if kind == JSON_LINES:
            return _matrix([_features(json.loads(line)) for line in body.splitlines() if line.strip()])
    except (ValueError, TypeError, KeyError) as error:
        message = f"Loading {kind} data failed, please ensure data is in {kind} format: {error}"
        raise ContentError(message, 415) from error
    raise ContentError(
        f"Content-type {content_type} is not supported."
        f" Supported content types are {CSV}, {LIBSVM}, {JSON} and {JSON_LINES}.",
        415,
    )


def encode(predictions: npt.NDArray[Any], accept: str) -> bytes:
    """Predictions (one value or one row of values per instance) in a type that `choose_accept` returned."""
    return ENCODERS[accept](predictions.tolist())


def dump_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _decode_csv(body: bytes) -> Rows:
    lines = body.strip().splitlines()
    if not lines:
        raise ValueError("the body has no rows")
    delimiter = next((sign for sign in DELIMITERS if sign in lines[0]), b",")
    return _matrix([[float(value) if value else math.nan for value in line.split(delimiter)] for line in lines])


def _decode_libsvm(body: bytes, width: int | None) -> Rows:
    rows = [
        [(int(index), float(value)) for index, sign, value in (token.partition(":") for token in line.split()) if sign]
        for line in body.decode().strip().splitlines()
    ]
    indices = [index for row in rows for index, _ in row]
    if not indices:
        raise ValueError("no index:value pair")
    # libsvm counts from 1, XGBoost from 0: only a body that does not fit otherwise is shifted
    shift = 1 if min(indices) >= 1 and width is not None and max(indices) == width else 0
    matrix = np.full((len(rows), max(width or 0, max(indices) + 1 - shift)), np.nan, dtype=np.float32)
    for number, row in enumerate(rows):
        for index, value in row:
            matrix[number, index - shift] = value
    return matrix


def _instances(payload: Any) -> list[Any]:
    """`{"instances": [row or {"features": row}, …]}`, a list of rows, or one row."""
    if isinstance(payload, dict):
        payload = payload.get("instances", [payload])
    if not isinstance(payload, list) or not payload:
        raise ValueError('expected {"instances": [[…], …]} or a list of rows')
    if isinstance(payload[0], list | dict):
        return [_features(item) for item in payload]
    return [payload]


def _features(item: Any) -> Any:
    return item["features"] if isinstance(item, dict) else item


def _matrix(rows: Sequence[Any]) -> Rows:
    matrix = np.array(rows, dtype=np.float32)  # None becomes NaN
    if matrix.ndim != 2:
        raise ValueError("every row must have the same number of values")
    return matrix


def _encode_csv(predictions: list[Any]) -> bytes:
    lines = (
        ",".join(map(str, prediction)) if isinstance(prediction, list) else str(prediction)
        for prediction in predictions
    )
    return ("\n".join(lines) + "\n").encode()


def _encode_json(predictions: list[Any]) -> bytes:
    return dump_json({"predictions": [{"score": prediction} for prediction in predictions]})


def _encode_json_lines(predictions: list[Any]) -> bytes:
    return "".join(json.dumps({"score": prediction}) + "\n" for prediction in predictions).encode()


ENCODERS: dict[str, Callable[[list[Any]], bytes]] = {
    CSV: _encode_csv,
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
}
