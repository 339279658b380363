"""A bar for each of several names, the longest first."""

from __future__ import annotations

from collections.abc import Mapping

from contender.studio.charts.chart import Chart

BAR = 20
"""Height of one, with the gap to the next, in pixels."""
MOST = 40


def bars(
    name: str, title: str, values: Mapping[str, float], *, name_title: str, value_title: str, about: str = ""
) -> Chart:
    """Lengths by name. Only the longest are drawn where there are many; the table has them all."""
    ordered = sorted(values.items(), key=lambda item: -abs(item[1]))
    rows = [{"name": each, "value": value} for each, value in ordered]
    left_out = f"The {MOST} largest of {len(rows)}." if len(rows) > MOST else ""
    spec = {
        "height": BAR * min(len(rows), MOST),
        "transform": [{"window": [{"op": "row_number", "as": "rank"}]}, {"filter": {"field": "rank", "lte": MOST}}],
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 180}},
            "x": {"field": "value", "type": "quantitative", "title": value_title},
        },
    }
    return Chart(
        name, title, spec, rows, {"name": name_title, "value": value_title}, " ".join(filter(None, (about, left_out)))
    )
