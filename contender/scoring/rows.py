"""A CSV file cut where rows end, and what stands in a cut: what batch scoring takes for a row is one here.

Only a CSV reader knows where a row ends: a quoted value may hold line breaks. So the file is read once as CSV, and the
bytes the reader has taken are counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from contender.errors import DataError

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Cut:
    """Whole rows of a file: bytes `start` to `end`, which is the first one that is not theirs.

    `row` is the number of its first row, from 1; `line` counts the lines before it. `blank` counts rows whose last
    value is empty before it.
    """

    number: int
    start: int
    end: int
    row: int
    line: int
    rows: int
    blank: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Its values, and the line it ends on."""

    line: int
    values: list[str]


class Table:
    """A file that is read once: its header, then its cuts. DataError says what is wrong with it, and where."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._name = name
        self._taken = 0
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._reader = csv.reader(self._lines())
        self.header = tuple(column.strip() for column in self._next() or ())
        if not any(self.header):
            raise DataError(f"{name} is empty: its first line must name its columns")
        self.rows = 0

    def cuts(self, max_rows: int, max_bytes: int) -> Iterator[Cut]:
        """Cuts of at most `max_rows` rows; of fewer where those have more than `max_bytes`, but never of none."""
        number, start, line, rows, blank, before = 0, self._taken, self._reader.line_num, 0, 0, 0
        while (values := self._next()) is not None:
            if is_row(values):
                rows += 1
                blank += not values[-1]
            if rows == max_rows or (rows and self._taken - start >= max_bytes):
                yield Cut(number, start, self._taken, self.rows + 1, line, rows, before)
                self.rows += rows
                number, start, line, rows, before = number + 1, self._taken, self._reader.line_num, 0, blank
        if rows:
            yield Cut(number, start, self._taken, self.rows + 1, line, rows, before)
            self.rows += rows

    def _lines(self) -> Iterator[str]:
        for line in self._text:
            at_start = self._taken == 0
            self._taken += len(line) if line.isascii() else len(line.encode())
            yield line.removeprefix(BYTE_ORDER_MARK) if at_start else line

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            raise DataError(f"{self._name}, line {self._reader.line_num}: not CSV: {error}") from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self._name}, after line {self._reader.line_num}: not UTF-8 text: {error.reason}"
            ) from error


def rows_of(data: bytes, line: int) -> list[Row]:
    """The rows of a cut; `line` counts the lines before it."""
    reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    return [Row(line + reader.line_num, values) for values in reader if is_row(values)]


@dataclass(frozen=True, slots=True)
class Picked:
    """What a model reads of rows, by the rows' place, and why it cannot read others."""

    values: dict[int, list[str]]
    problems: dict[int, str]


def pick(rows: Mapping[int, Row], header: Sequence[str], columns: Sequence[str]) -> Picked:
    """The values of `columns`, in their order, of rows by their place. The header has all of them."""
    at = [header.index(column) for column in columns]
    picked = Picked({}, {})
    for place, row in rows.items():
        if len(row.values) != len(header):
            picked.problems[place] = f"{len(row.values)} values under a header of {len(header)} columns"
            continue
        values = [row.values[position] for position in at]
        if row.values[0].strip() == header[0] and [value.strip() for value in row.values] == list(header):
            picked.problems[place] = "the header again"
        elif any("\n" in value or "\r" in value for value in values):
            # In a batch transform a row is a line, and a file has one result on either way.
            picked.problems[place] = "a value holds a line break, and a batch's rows are lines"
        else:
            picked.values[place] = values
    return picked


def is_row(values: list[str]) -> bool:
    """What editors leave at the end of a file is none."""
    return bool(values) and (len(values) > 1 or bool(values[0].strip()))


def to_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
