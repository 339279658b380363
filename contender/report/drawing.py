"""How figures look, and how they become SVG.

Drawn without pyplot, so that nothing is shared between figures; text stays text, and the same numbers give the same
SVG.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#1f5fa8", "#d9641e", "#2f8f5b", "#8a4fa3", "#b0303a", "#777777")
"""Champion, challenger, then the others."""
MARK = "#999999"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "contender",
    "font.family": ["sans-serif"],
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}
SIZE = (4.6, 2.9)


def colour_of(place: int) -> str:
    """The colour of the variant, or whatever is compared, with this place; all that come late share one."""
    return COLOURS[min(place, len(COLOURS) - 1)]


def drawn(draw: Callable[[Axes], None]) -> str:
    """One picture."""
    return drawn_side_by_side(lambda places: draw(places[0]), 1)


def drawn_side_by_side(draw: Callable[[Sequence[Axes]], None], count: int) -> str:
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        draw(figure.subplots(1, max(count, 1), squeeze=False)[0])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
