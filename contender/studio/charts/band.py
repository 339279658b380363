"""An estimate between bounds over time, with the lines that decide when a bound crosses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.studio.charts.chart import NOTHING_YET, Chart, Row, axis

MARKED = "decided"
FIGURES = ("estimate", "lower", "upper")


def band(
    name: str,
    title: str,
    rows: Sequence[Row],
    boundaries: Mapping[str, float],
    *,
    domain: tuple[float, float] | None = None,
    share: bool = False,
    about: str = "",
    empty: str = NOTHING_YET,
) -> Chart:
    """Rows hold `at`, `estimate`, `lower`, `upper`, and in `decided` a word where something was shown first.

    boundaries: what each line means, and where it lies. domain: what is drawn; bounds beyond it are cut.
    """
    x = axis("at", rows)
    scale: dict[str, Any] = {"domain": [*domain], "nice": False} if domain else {}
    y = {**axis("estimate", rows, share=share), "scale": scale}
    lines = [{"y": place, "meaning": meaning} for meaning, place in boundaries.items()]
    rule = {"field": "y", "type": "quantitative"}
    figure = {"format": "+.2%"} if share else {"format": "+.4g"}
    spec = {
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.22, "clip": True},
                "encoding": {"x": x, "y": {**y, "field": "lower"}, "y2": {"field": "upper"}},
            },
            {"mark": {"type": "line", "clip": True}, "encoding": {"x": x, "y": y}},
            {
                "data": {"values": lines},
                "mark": {"type": "rule", "strokeDash": [5, 4], "size": 1.5},
                "encoding": {"y": rule, "tooltip": {"field": "meaning"}},
            },
            {
                "data": {"values": lines},
                "mark": {"type": "text", "align": "left", "dx": 4, "dy": -6, "x": 0},
                "encoding": {"y": rule, "text": {"field": "meaning"}},
            },
            {
                "transform": [{"filter": {"field": MARKED, "valid": True}}],
                "mark": {"type": "point", "shape": "diamond", "size": 140, "filled": True},
                "encoding": {"x": x, "y": y},
            },
            {
                "transform": [{"filter": {"field": MARKED, "valid": True}}],
                "mark": {"type": "text", "align": "left", "dx": 10, "dy": -8, "fontWeight": "bold"},
                "encoding": {"x": x, "y": y, "text": {"field": MARKED}},
            },
            {
                "mark": {"type": "rule", "opacity": 0, "size": 12},
                "encoding": {
                    "x": x,
                    "tooltip": [{"field": each, "type": "quantitative", **figure} for each in FIGURES],
                },
            },
        ]
    }
    columns = {"at": "time", **{each: each for each in FIGURES}, MARKED: MARKED}
    return Chart(name, title, spec, rows, columns, about, empty, frozenset(FIGURES if share else ()))
