"""What a model answered: predicted labels and scores, where the configuration says they are.

`label` and `probability` are an index into a CSV row or a JMESPath into a JSON document. Where neither is given, the
answer is the score itself: one number a row, or one a class.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
import numpy as np
import numpy.typing as npt

from contender.local.containers.clarify.config import CSV, JSON_LINES, PredictorConfig
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.fields import Name

Scores = npt.NDArray[np.float64]

SHOWN = 120


@dataclass(frozen=True, slots=True)
class Answers:
    """For every row its label, or labels where the model names all of them, and its scores, one column a class."""

    labels: list[Any] | None
    scores: Scores | None


def read_answer(predictor: PredictorConfig, body: bytes, count: int) -> Answers:
    """The answer to `count` rows. Raises ClarifyError."""
    text = body.decode(errors="replace")
    try:
        if predictor.accept_type == CSV:
            rows: Any = [[_json_inside(cell) for cell in row] for row in csv.reader(text.strip().splitlines())]
            labels, scores = _column(predictor.label, rows), _column(predictor.probability, rows)
        elif predictor.accept_type == JSON_LINES:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            labels, scores = _each(predictor.label, rows), _each(predictor.probability, rows)
        else:
            rows = json.loads(text)
            labels, scores = _whole(predictor.label, rows), _whole(predictor.probability, rows)
            rows = _records(rows)
        if labels is None and scores is None:
            scores = [_bare(row) for row in rows]
        for found in (labels, scores):
            if found is not None and len(found) != count:
                raise ClarifyError(f"the model answered {count} rows with {len(found)} predictions: {text:.{SHOWN}}")
        return Answers(labels, None if scores is None else _matrix(scores))
    except (ValueError, TypeError, LookupError) as error:
        raise ClarifyError(
            f"the model's {predictor.accept_type} answer cannot be read as label {predictor.label!r} and probability "
            f"{predictor.probability!r} of the predictor: {error} in {text:.{SHOWN}}"
        ) from error


def join(parts: Sequence[Answers]) -> Answers:
    labels = None if parts[0].labels is None else [label for part in parts for label in part.labels or ()]
    scores = (
        None if parts[0].scores is None else np.concatenate([part.scores for part in parts if part.scores is not None])
    )
    return Answers(labels, scores)


def _json_inside(cell: str) -> Any:
    """A cell of CSV may hold a JSON list, such as the probabilities of all classes."""
    return json.loads(cell) if cell.startswith("[") and cell.endswith("]") else cell


def _column(where: Name | None, rows: Sequence[Sequence[Any]]) -> list[Any] | None:
    if where is None:
        return None
    if not isinstance(where, int):
        raise ValueError(f"{where!r} must be the index of a column where the model answers CSV")
    return [row[where] for row in rows]


def _each(where: Name | None, rows: Sequence[Any]) -> list[Any] | None:
    return None if where is None else [_found(where, row) for row in rows]


def _whole(where: Name | None, document: Any) -> list[Any] | None:
    if where is None:
        return None
    found = _found(where, document)
    return found if isinstance(found, list) else [found]


def _found(where: Name, document: Any) -> Any:
    try:
        found = document[where] if isinstance(where, int) else jmespath.search(where, document)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"{where!r} is not a JMESPath: {error}") from error
    if found is None:
        raise ValueError(f"{where!r} finds nothing")
    return found


def _records(document: Any) -> list[Any]:
    """The predictions of a JSON document of one of the usual forms."""
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = lists[0] if len(lists) == 1 else [document]
    return document if isinstance(document, list) else [document]


def _bare(row: Any) -> Any:
    """A score that nobody said where to find: the row itself, or the one value of an object."""
    if isinstance(row, dict):
        if len(row) != 1:
            raise ValueError(f"name one of the keys {', '.join(row)}")
        row = next(iter(row.values()))
    if isinstance(row, list) and len(row) == 1:
        row = row[0]
    return row


def _matrix(scores: Sequence[Any]) -> Scores:
    matrix = np.array(
        [json.loads(score) if isinstance(score, str) and score.startswith("[") else score for score in scores]
    )
    matrix = matrix.astype(np.float64)
    if not np.isfinite(matrix).all():
        raise ValueError("a score is no number")
    return matrix.reshape(len(matrix), -1)
