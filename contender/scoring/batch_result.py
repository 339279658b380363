"""What the batch pipeline left of a file: its rows with a score, and why some have none."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from itertools import islice
from typing import Any

from contender.errors import DataError
from contender.scoring.answers import Problem
from contender.scoring.rows import Row
from contender.scoring.source import Source

PREDICTIONS = "predictions.csv"
REFUSED = "refused.csv"


def scores_of(rows: Mapping[int, Row]) -> tuple[dict[int, float], list[int]]:
    """The scores, which stand last in each row, by place; and the places of the rows without one."""
    scores: dict[int, float] = {}
    blank: list[int] = []
    for place, row in rows.items():
        if row.values[-1]:
            scores[place] = float(row.values[-1])
        else:
            blank.append(place)
    return scores, blank


def refusals(s3: Any, predictions: Source, first: int, count: int) -> list[Problem]:
    """Why `count` rows were refused, after the `first` ones of the file: they stand in the order of the rows."""
    if not count:
        return []
    key = predictions.key.removesuffix(PREDICTIONS) + REFUSED
    text = io.TextIOWrapper(s3.get_object(Bucket=predictions.bucket, Key=key)["Body"], encoding="utf-8", newline="")
    reader = csv.reader(text)
    next(reader, None)
    found = [Problem(int(line), problem) for line, problem in islice(reader, first, first + count)]
    if len(found) != count:
        raise DataError(f"s3://{predictions.bucket}/{key} tells of fewer rows than were refused")
    return found
