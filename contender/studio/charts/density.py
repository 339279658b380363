"""What is believed of a number, as a curve for each of several series: the higher, the more plausible."""

from __future__ import annotations

from contender.studio.charts.chart import NOTHING_YET, Chart, Series, axis


def density_curves(
    name: str,
    title: str,
    series: Series,
    *,
    x_title: str = "",
    share: bool = False,
    about: str = "",
    empty: str = NOTHING_YET,
) -> Chart:
    """Areas that may lie over each other; their heights say nothing by themselves, so that axis has no numbers."""
    encoding = {
        "x": {**axis(series.x, series.rows, x_title, share=share), "scale": {"zero": False}},
        "y": {
            **axis(series.y, series.rows),
            "stack": None,
            "axis": {"labels": False, "ticks": False, "title": "density"},
        },
        "color": series.colours,
    }
    shown = [{"field": series.by}, {"field": series.x, "type": "quantitative", "format": ".2%" if share else ".4g"}]
    spec = {
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "area", "opacity": 0.15}},
            {"mark": "line", "encoding": {"strokeDash": series.dashes, "tooltip": shown}},
        ],
    }
    columns = {series.by: series.by, series.x: x_title or series.x, series.y: series.y}
    return Chart(name, title, spec, series.rows, columns, about, empty, frozenset({series.x} if share else ()))
