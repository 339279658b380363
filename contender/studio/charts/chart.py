"""Charts as data: a Vega-Lite document each, and the same numbers as a table.

What charts show, the pages know. https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contender.studio.formats import number, percent, time_

Row = Mapping[str, Any]
HEIGHT = 220
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [3, 5], [12, 3, 3, 3], [1, 3])
NOTHING_YET = "Nothing was measured yet."
FEW_POINTS = 40
"""Up to which each point of a line is marked."""
TICKS = 6
CLOCKS = (
    (timedelta(minutes=6), "%H:%M:%S"),
    (timedelta(days=1), "%H:%M"),
    (timedelta(days=5), "%d %b %H:%M"),
)
"""How a time is written where all lie within less than that; beyond, as a day."""


@dataclass(frozen=True, slots=True)
class Chart:
    """`columns`: what the table calls each field of the rows. `empty`: what is said where there are no rows."""

    name: str
    title: str
    spec: Mapping[str, Any]
    rows: Sequence[Row]
    columns: Mapping[str, str]
    about: str = ""
    empty: str = NOTHING_YET
    shares: frozenset[str] = frozenset()
    """Fields that are shares of 1."""

    @property
    def document(self) -> dict[str, Any]:
        """The whole Vega-Lite document."""
        fields = [{name: row.get(name) for name in self.columns} for row in self.rows]
        return {"width": "container", "height": HEIGHT, "data": {"values": fields}, **self.spec}

    @property
    def table(self) -> list[list[str]]:
        return [[self._cell(name, row.get(name)) for name in self.columns] for row in self.rows]

    def _cell(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return time_(value)
        return percent(value) if name in self.shares and value is not None else number(value)


@dataclass(frozen=True, slots=True)
class Series:
    """Rows that hold `y` over `x` for each value of the field `by`.

    `order`: all values that the page's charts have, so that each has the same colour and dashes in all of them.
    """

    rows: Sequence[Row]
    x: str
    y: str
    by: str
    order: Sequence[str] = ()

    @property
    def colours(self) -> dict[str, Any]:
        return self._told_apart({})

    @property
    def dashes(self) -> dict[str, Any]:
        return self._told_apart({"range": [*DASHES]})

    def _told_apart(self, scale: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"field": self.by, "type": "nominal", "title": None, "sort": None}
        if not self.order:
            return {**found, "scale": scale} if scale else found
        there = {row.get(self.by) for row in self.rows}
        legend = {"values": [name for name in self.order if name in there]}
        return {**found, "scale": {**scale, "domain": [*self.order]}, "legend": legend}


def axis(field: str, rows: Sequence[Row], title: str = "", *, share: bool = False) -> dict[str, Any]:
    """A quantity, or a time in UTC where the rows hold times."""
    if any(isinstance(row.get(field), datetime) for row in rows):
        clock = moments([row[field] for row in rows if row.get(field) is not None])
        return {"field": field, "type": "temporal", "title": title or None, **clock}
    found: dict[str, Any] = {"field": field, "type": "quantitative", "title": title or None}
    return {**found, "axis": {"format": "~%"}} if share else found


def moments(times: Sequence[datetime]) -> dict[str, Any]:
    """Scale and axis of times in UTC: each label is a whole time, as fine as the ticks of such an extent."""
    span = max(times) - min(times) if times else timedelta()
    form = next((form for most, form in CLOCKS if span < most), "%d %b")
    return {"scale": {"type": "utc"}, "axis": {"format": form, "tickCount": TICKS}}
