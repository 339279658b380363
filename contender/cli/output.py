"""How commands speak: data on stdout as a table or as JSON, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """`--json`: the data as JSON instead of a table."""
    return click.option("--json", "as_json", is_flag=True, help="Print the data as JSON.")(command)


def dry_run_option(command: Command) -> Command:
    """`--dry-run`: say what would change, change nothing."""
    return click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")(command)


def note(message: str) -> None:
    """A line for the person, not for a pipe."""
    click.echo(message, err=True)


def emit(data: Any) -> None:
    """`data` as indented JSON on stdout; datetimes as ISO 8601."""
    click.echo(json.dumps(data, indent=2, default=_encode, ensure_ascii=False))


def emit_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, title: str = "") -> None:
    """Rows as a table with `columns`, or all of their fields as JSON."""
    if as_json:
        emit(list(rows))
        return
    table = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    stdout = Console(file=sys.stdout)
    if not stdout.is_terminal:
        stdout.width = 10_000  # a pipe has no width: do not fold rows that a person will grep
    stdout.print(table)


def progress() -> Progress:
    """A progress bar on stderr for long work."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
