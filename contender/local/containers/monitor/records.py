"""The dataset as batches of columns of text, whatever its files are: read in a stream, so that its size is no matter.

A value is missing where the field is empty or not a number (`NaN`, as numpy and pandas may write what is missing).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow
import pyarrow.csv

from contender.local.containers.monitor.errors import MonitorError
from contender.local.containers.monitor.settings import Format

MISSING = ("", "NaN", "nan")
BLOCK_BYTES = 8 * 1024 * 1024
RECORDS_AT_ONCE = 20_000

Rows = Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]]
"""From one line of JSON to the rows it stands for, each a flat or nested object."""


def batches(
    source: Path, form: Format, rows: Rows | None = None, only: Collection[str] | None = None
) -> Iterator[pyarrow.RecordBatch]:
    """Every file at `source` in batches of text columns; `only` leaves out the other columns.

    Raises:
        MonitorError: there is no file, or one that is not what `form` says.
    """
    for path in files(source):
        if form.kind == "csv":
            yield from _csv(path, form.header, only)
        else:
            yield from _json(path, form.lines, rows, only)


def files(source: Path) -> list[Path]:
    """The files below the folder `source`, or `source` itself, in order; hidden and empty ones are none."""
    if not source.exists():
        raise MonitorError(f"there is no dataset at {source}")
    found = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    found = [path for path in found if not path.name.startswith((".", "_")) and path.stat().st_size]
    if not found:
        raise MonitorError(f"there is no file with anything in it at {source}")
    return found


def column_names(path: Path, header: bool) -> tuple[list[str], int]:
    """The columns of a CSV file, and how many lines their names take; one without a name is called `_c<number>`."""
    try:
        with _open(path) as lines:
            reader = csv.reader(lines)
            first = next(reader, [])
            taken = reader.line_num
    except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise MonitorError(f"{path.name}: not CSV in UTF-8: {error}") from error
    if not header:
        return [f"_c{number}" for number in range(len(first))], 0
    names = [name if name.strip() else f"_c{number}" for number, name in enumerate(first)]
    for name in names:
        if names.count(name) > 1:
            raise MonitorError(f"{path.name}: the header names the column {name!r} twice")
    return names, taken


def _csv(path: Path, header: bool, only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
    names, skipped = column_names(path, header)
    wanted = [name for name in names if only is None or name in only]
    try:
        reader = pyarrow.csv.open_csv(
            str(path),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows=skipped
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pyarrow.string() for name in names},
                include_columns=wanted,
                null_values=MISSING,
                strings_can_be_null=True,
            ),
        )
        with reader:
            yield from reader
    except (pyarrow.ArrowInvalid, OSError) as error:
        if "Empty CSV" not in str(error):
            raise MonitorError(f"{path.name}: {error}") from error


def _json(path: Path, lines: bool, rows: Rows | None, only: Collection[str] | None) -> Iterator[pyarrow.RecordBatch]:
    if rows is None:
        # a number's own text is all that is wanted of it, and costs the least
        flat = (flatten(record) for record in objects(path, lines, partial(json.loads, parse_int=str, parse_float=str)))
    else:
        flat = (flatten(row) for record in objects(path, lines, json.loads) for row in rows(record))
    while chunk := list(islice(flat, RECORDS_AT_ONCE)):
        names = [name for name in dict.fromkeys(name for row in chunk for name in row) if only is None or name in only]
        columns = [pyarrow.array([row.get(name) for row in chunk], pyarrow.string()) for name in names]
        if columns:
            yield pyarrow.RecordBatch.from_arrays(columns, names)


def objects(path: Path, lines: bool, parse: Callable[[str], Any]) -> Iterator[Mapping[str, Any]]:
    """The records of a file of JSON. Raises MonitorError for what is none."""
    numbered: Iterator[tuple[int, Any]]
    try:
        with _open(path) as text:
            if lines:
                numbered = ((number, parse(line)) for number, line in enumerate(text, 1) if line.strip())
            else:
                whole = parse(text.read())
                numbered = iter(enumerate(whole if isinstance(whole, list) else [whole], 1))
            for number, record in numbered:
                if not isinstance(record, dict):
                    raise MonitorError(f"{path.name}: record {number} is no JSON object but {str(record)[:40]!r}")
                yield record
    except (ValueError, OSError, EOFError) as error:
        raise MonitorError(f"{path.name}: not JSON: {error}") from error


def flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """The record's values as text, those of nested objects and lists under names joined with dots."""
    flat: dict[str, str | None] = {}
    for name, value in record.items():
        if isinstance(value, str):
            flat[prefix + name] = None if value in MISSING else value
        elif value is None:
            flat[prefix + name] = None
        elif isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            flat |= flatten({str(number): each for number, each in enumerate(value)}, f"{prefix}{name}.")
        else:
            text = json.dumps(value)
            flat[prefix + name] = None if text in MISSING else text
    return flat


def _open(path: Path) -> IO[str]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    opened: IO[str] = opener(path, "rt", encoding="utf-8-sig", newline="")
    return opened
