"""Rows as the model is sent them: CSV lines, JSON lines or one JSON document, by AWS's templates.

A cell is rendered once, however many rows hold it: explanations send the same few values in very many combinations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contender.local.containers.clarify.config import CSV, JSON_LINES, PredictorConfig

Cells = npt.NDArray[np.object_]

MAX_BYTES = 5_000_000
"""Of one request; an endpoint takes up to six megabytes."""


class Payload:
    """Renders rows of the columns `names` for one predictor."""

    def __init__(self, predictor: PredictorConfig, names: Sequence[str]) -> None:
        self._csv = predictor.content_type == CSV
        self._lines = predictor.content_type == JSON_LINES
        self._content = predictor.content_template
        self.single = not self._csv and not self._lines and "$records" not in self._content
        template = self._content if self._lines else predictor.record_template
        self._record = _csv_record if self._csv else _record(template, names)

    def render(self, value: Any) -> str:
        """One cell: of a CSV line, or a JSON value."""
        return _csv_cell(value) if self._csv else json.dumps(value)

    def bodies(self, rows: Cells) -> Iterator[tuple[bytes, int]]:
        """Requests of rendered cells, and how many rows each of them has."""
        records: list[str] = []
        size = 0
        for row in rows:
            record = self._record(row)
            if records and (self.single or size + len(record) > MAX_BYTES):
                yield self._body(records), len(records)
                records, size = [], 0
            records.append(record)
            size += len(record) + 1
        if records:
            yield self._body(records), len(records)

    def _body(self, records: Sequence[str]) -> bytes:
        if self._csv or self._lines:
            return ("\n".join(records) + "\n").encode()
        if self.single:
            return self._content.replace("$record", records[0]).encode()
        return self._content.replace("$records", f"[{','.join(records)}]").encode()


def _csv_record(row: Sequence[str]) -> str:
    return ",".join(row)


def _csv_cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    text = str(value)
    if not any(sign in text for sign in ',"\r\n'):
        return text
    quoted = text.replace('"', '""')
    return f'"{quoted}"'


def _record(template: str, names: Sequence[str]) -> Callable[[Sequence[str]], str]:
    """A template as a function of rendered cells."""
    keys = [json.dumps(name) for name in names]
    positions = {f'"${{{name}}}"': position for position, name in enumerate(names)}
    pattern = "|".join([r"\$features_kvp", r"\$feature_names", r"\$features", *map(re.escape, positions)])
    parts = re.split(f"({pattern})", template)

    def render(row: Sequence[str]) -> str:
        return "".join(_part(part, row) for part in parts)

    def _part(part: str, row: Sequence[str]) -> str:
        if part == "$features":
            return f"[{','.join(row)}]"
        if part == "$features_kvp":
            return f"{{{','.join(f'{key}:{cell}' for key, cell in zip(keys, row, strict=True))}}}"
        if part == "$feature_names":
            return f"[{','.join(keys)}]"
        position = positions.get(part)
        return part if position is None else row[position]

    return render
