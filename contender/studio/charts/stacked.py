"""Shares of a whole that change from time to time: areas on top of each other, each holding until the next change."""

from __future__ import annotations

from contender.studio.charts.chart import NOTHING_YET, Chart, Series, axis

LEAST_NAMED = 0.04
"""The share from which on an area has room for its name."""


def stacked(
    name: str,
    title: str,
    series: Series,
    *,
    about: str = "",
    empty: str = NOTHING_YET,
) -> Chart:
    """An area for each of them; their shares add up to 1 at each time."""
    x, y, by, rows = series.x, series.y, series.by, series.rows
    x_axis, height = axis(x, rows), {**axis(y, rows, share=True), "stack": "zero", "scale": {"domain": [0, 1]}}
    end = max((row[x] for row in rows), default=None)
    last = [{**row, "label": row[by] if row[y] >= LEAST_NAMED else ""} for row in rows if row[x] == end]
    spec = {
        "layer": [
            {
                "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.7},
                "encoding": {
                    "x": x_axis,
                    "y": height,
                    "color": series.colours,
                    "tooltip": [{"field": by}, {"field": y, "type": "quantitative", "format": ".1%"}],
                },
            },
            {
                "data": {"values": last},
                "mark": {"type": "text", "align": "left", "dx": 5},
                "encoding": {
                    "x": x_axis,
                    "y": {**height, "bandPosition": 0.5},
                    "detail": {"field": by, "type": "nominal"},
                    "text": {"field": "label"},
                },
            },
        ]
    }
    return Chart(name, title, spec, rows, {x: x, by: by, y: y}, about, empty, frozenset({y}))
