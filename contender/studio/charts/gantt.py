"""What ran from when to when: a bar each, with its state as its colour and as a word beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender.durations import duration
from contender.studio import states
from contender.studio.charts.chart import Chart, moments

STEP = 15
"""Height of a row, in pixels."""
ABOVE_LONGEST = 25
"""How many times the longest bar all of them may span, before bars become too short to be compared."""
TICKS = {"labelExpr": "datum.value < 120 ? datum.value + ' s' : round(datum.value / 6) / 10 + ' min'"}


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that ran; one that still runs ends now."""

    name: str
    state: str
    start: datetime
    end: datetime


def gantt(name: str, title: str, bars: Sequence[Bar]) -> Chart:
    """By the clock, or each from its own start where they lie too far apart for that."""
    took = [(bar.end - bar.start).total_seconds() for bar in bars]
    span = (max(bar.end for bar in bars) - min(bar.start for bar in bars)).total_seconds() if bars else 0.0
    by_clock = span <= ABOVE_LONGEST * max(took, default=0.0)
    rows = [
        {
            "name": bar.name,
            "state": bar.state,
            "kind": states.kind(bar.state),
            "start": bar.start,
            "end": bar.end,
            "seconds": seconds,
            "took": f"{states.mark(bar.state)} {bar.state}, {duration(seconds)}",
        }
        for bar, seconds in zip(bars, took, strict=True)
    ]
    return Chart(
        name,
        title,
        _spec(rows, by_clock=by_clock),
        rows,
        {"name": "Of", "state": "State", "start": "Started", "end": "Ended", "seconds": "Seconds"},
        "" if by_clock else "Each from its own start: they lie far apart.",
        "Nothing has run yet.",
    )


def _spec(rows: Sequence[dict[str, Any]], *, by_clock: bool) -> dict[str, Any]:
    if by_clock:
        clock = moments([row[end] for row in rows for end in ("start", "end")])
        time: dict[str, Any] = {"type": "temporal", "title": None, **clock}
        along: dict[str, Any] = {"x": {"field": "start", **time}, "x2": {"field": "end"}}
        end = {"x": {"field": "end", **time}}
    else:
        length: dict[str, Any] = {"field": "seconds", "type": "quantitative", "title": None, "axis": TICKS}
        along, end = {"x": length}, {"x": length}
    return {
        "data": {"values": rows},
        "height": STEP * max(len(rows), 1),
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelLimit": 330, "ticks": False, "domain": False},
            }
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.7}},
                "encoding": {
                    **along,
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": list(states.MARKS), "range": "state"},
                    },
                    "tooltip": [{"field": field} for field in ("name", "took")],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 10},
                "encoding": {**end, "text": {"field": "took"}},
            },
        ],
    }
