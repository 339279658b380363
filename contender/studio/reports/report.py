"""A report as a page shows it: tables, and charts that have their numbers with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contender.studio.charts.chart import Chart


@dataclass(frozen=True, slots=True)
class Table:
    """`empty`: what is said where there are no rows. `verdicts`: the column whose words are states, if there is one."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str = "There is nothing in it."
    verdicts: int | None = None

    @property
    def numbers(self) -> frozenset[int]:
        """The columns that hold numbers."""
        return frozenset(
            place for row in self.rows for place, value in enumerate(row) if isinstance(value, int | float)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """`about`: what it says, in a sentence; "" where the tables say it."""

    title: str
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    about: str = ""
