"""What is believed of a number, as a curve for each of several series: the higher, the more plausible."""

from __future__ import annotations

from collections.abc import Sequence

from contender.studio.charts.chart import NOTHING_YET, Chart, Row, axis, colours, dashes


def density_curves(
    name: str,
    title: str,
    rows: Sequence[Row],
    x: str,
    y: str,
    series: str,
    *,
    x_title: str = "",
    share: bool = False,
    about: str = "",
    empty: str = NOTHING_YET,
    order: Sequence[str] = (),
) -> Chart:
    """Areas that may lie over each other; their heights say nothing by themselves, so that axis has no numbers."""
    encoding = {
        "x": {**axis(x, rows, x_title, share=share), "scale": {"zero": False}},
        "y": {**axis(y, rows), "stack": None, "axis": {"labels": False, "ticks": False, "title": "density"}},
        "color": colours(series, rows, order),
    }
    shown = [{"field": series}, {"field": x, "type": "quantitative", "format": ".2%" if share else ".4g"}]
    spec = {
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "area", "opacity": 0.15}},
            {"mark": "line", "encoding": {"strokeDash": dashes(series, rows, order), "tooltip": shown}},
        ],
    }
    columns = {series: series, x: x_title or x, y: y}
    return Chart(name, title, spec, rows, columns, about, empty, frozenset({x} if share else ()))
