"""A line for each of several series; they differ in their dashes as well as in their colours."""

from __future__ import annotations

from contender.studio.charts.chart import FEW_POINTS, NOTHING_YET, Chart, Series, axis


def lines(
    name: str,
    title: str,
    series: Series,
    *,
    x_title: str = "",
    y_title: str = "",
    share: bool = False,
    about: str = "",
    empty: str = NOTHING_YET,
) -> Chart:
    """A line for each of them, with a mark at each point where there are few."""
    few = sum(row.get(series.y) is not None for row in series.rows) <= FEW_POINTS
    spec = {
        "mark": {"type": "line", "point": few},
        "encoding": {
            "x": axis(series.x, series.rows, x_title),
            "y": axis(series.y, series.rows, y_title, share=share),
            "color": series.colours,
            "strokeDash": series.dashes,
            "tooltip": [{"field": field} for field in (series.by, series.x, series.y)],
        },
    }
    columns = {series.x: x_title or series.x, series.by: series.by, series.y: y_title or series.y}
    return Chart(name, title, spec, series.rows, columns, about, empty, frozenset({series.y} if share else ()))
