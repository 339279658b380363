"""A line for each of several series; they differ in their dashes as well as in their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contender.studio.charts.chart import FEW_POINTS, NOTHING_YET, Chart, Row, axis, colours, dashes


def lines(
    name: str,
    title: str,
    rows: Sequence[Row],
    x: str,
    y: str,
    series: str,
    *,
    x_title: str = "",
    y_title: str = "",
    share: bool = False,
    step: bool = False,
    zero: bool = True,
    about: str = "",
    empty: str = NOTHING_YET,
    order: Sequence[str] = (),
) -> Chart:
    """A line for each value of `series`; a step holds its value until the next one. `zero`: 0 is in sight."""
    mark: dict[str, Any] = {"type": "line", "point": sum(row.get(y) is not None for row in rows) <= FEW_POINTS}
    if step:
        mark["interpolate"] = "step-after"
    spec = {
        "mark": mark,
        "encoding": {
            "x": axis(x, rows, x_title),
            "y": {**axis(y, rows, y_title, share=share), **({} if zero else {"scale": {"zero": False}})},
            "color": colours(series, rows, order),
            "strokeDash": dashes(series, rows, order),
            "tooltip": [{"field": field} for field in (series, x, y)],
        },
    }
    columns = {x: x_title or x, series: series, y: y_title or y}
    return Chart(name, title, spec, rows, columns, about, empty, frozenset({y} if share else ()))
