"""A file as a page shows it: JSON in order, CSV as a table, other text as it is."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from itertools import islice

from contender.studio.reading.files import Content

MOST_ROWS, MOST_COLUMNS = 100, 100
TABLES = (".csv", ".csv.out")


@dataclass(frozen=True, slots=True)
class Rows:
    """The first rows of a table; `columns` is empty where the first row is none of names."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more_rows: bool
    more_columns: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Either of them; neither where the file is empty, or no text."""

    table: Rows | None = None
    text: str = ""


def shown(path: str, content: Content) -> Shown:
    """By the ending of its path; what its ending promises and it does not hold is shown as the text that it is."""
    if not content.text:
        return Shown()
    if path.lower().endswith(TABLES):
        table = _table(content.text)
        return Shown(table) if table else Shown(text=content.text)
    if path.lower().endswith(".json") and not content.cut:
        return Shown(text=_ordered(content.text))
    return Shown(text=content.text)


def _ordered(text: str) -> str:
    """JSON with each thing on a line of its own; what is none, as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _table(text: str) -> Rows | None:
    """None for what csv does not take."""
    try:
        read = [tuple(row) for row in islice(csv.reader(io.StringIO(text)), MOST_ROWS + 2)]
    except csv.Error:
        return None
    if not read:
        return None
    named = len(read) > 1 and not any(map(_is_number, read[0])) and any(map(_is_number, read[1]))
    rows = read[1:] if named else read
    wide = max(map(len, read)) > MOST_COLUMNS
    return Rows(
        read[0][:MOST_COLUMNS] if named else (),
        tuple(row[:MOST_COLUMNS] for row in rows[:MOST_ROWS]),
        len(rows) > MOST_ROWS,
        wide,
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
