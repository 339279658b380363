"""ROC curves: what part of the positives each model finds, for what part of the negatives it takes for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contender.studio.charts.chart import Chart, Series, axis

Points = Sequence[tuple[float, float]]
HEIGHT = 340
LEGEND = {"orient": "top", "title": None, "columns": 2, "labelLimit": 240}
FALSE, TRUE = "False positive rate", "True positive rate"


def roc(name: str, title: str, curves: Mapping[str, Points], *, about: str = "") -> Chart:
    """A curve for each model by its name, of (false, true) positive rates, and the line of a model that guesses."""
    rows = [
        {"model": model, "false": false, "true": true} for model, points in curves.items() for false, true in points
    ]
    series = Series(rows, "false", "true", "model")
    guess = {"values": [{"false": at, "true": at} for at in (0, 1)]}
    unit = {"domain": [0, 1]}
    spec = {
        "height": HEIGHT,
        "encoding": {
            "x": {**axis("false", rows, FALSE), "scale": unit},
            "y": {**axis("true", rows, TRUE), "scale": unit},
        },
        "layer": [
            {"data": guess, "mark": {"type": "line", "color": "#888888", "strokeWidth": 1, "opacity": 0.7}},
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    "color": {**series.colours, "legend": LEGEND},
                    "strokeDash": {**series.dashes, "legend": LEGEND},
                    "order": {"field": "true"},
                    "tooltip": [{"field": field} for field in ("model", "false", "true")],
                },
            },
        ],
    }
    columns = {"model": "Model", "false": FALSE, "true": TRUE}
    return Chart(name, title, spec, rows, columns, about, "No curve was measured.")
