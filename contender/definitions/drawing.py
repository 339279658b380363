"""Draws a graph as `git log --graph` does, but downwards: a line a step, one lane for each step still to come.

    ● Preprocess
    ├─╮
    ● │ DataQuality
    │ ● DataBias
    ├─╯
    ● Train

A lane leads to one step only, so lines that meet never leave a doubt; a line that crosses another is broken by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_GLYPHS = {
    0: " ",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "╰",
    _UP | _LEFT: "╯",
    _DOWN | _RIGHT: "╭",
    _DOWN | _LEFT: "╮",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
ASCII = str.maketrans(
    {"●": "o", "◆": "?", "×": "x", "│": "|", "─": "-", "←": "<-", "→": "->", "≥": ">=", "≤": "<=", "…": "..", "·": "-"}
    | dict.fromkeys("╰╯╭╮├┤┴┬┼", "+")
)
"""For outputs that have no room for the others."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the drawing: with a step, or only lanes. `below` is the lanes beside more lines about that step."""

    lanes: str
    step: str = ""
    below: str = ""


def draw(order: Sequence[str], followers: Mapping[str, Sequence[str]], marks: Mapping[str, str]) -> Iterator[Row]:
    """Rows for the steps in this order; `marks` are the signs of steps that are not drawn as ●."""
    lanes: list[str | None] = []
    for name in order:
        at = lanes.index(name) if name in lanes else _free(lanes, 0)
        others = [lane is not None for lane in lanes]
        row = ["│" if used else " " for used in others]
        row[at] = marks.get(name, "●")
        below = list(row)
        below[at] = "│" if followers[name] else " "
        yield Row(" ".join(row).rstrip(), name, " ".join(below).rstrip())
        lanes[at] = None
        joined = [lanes.index(step) for step in followers[name] if step in lanes]
        opened = _open(lanes, at, [step for step in _by_length(order, followers, name) if step not in lanes])
        if joined or opened != [at][: len(opened)]:
            yield Row(_connector(lanes, at, opened, joined))
        while lanes and lanes[-1] is None:
            lanes.pop()


def _by_length(order: Sequence[str], followers: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """Followers as they are drawn, but dead ends last: the lane they leave is free again at once."""
    return sorted(followers[name], key=lambda step: (not followers[step], order.index(step)))


def _free(lanes: list[str | None], start: int) -> int:
    """An unused lane at or after `start`; the drawing grows by one if there is none."""
    for index in range(start, len(lanes)):
        if lanes[index] is None:
            return index
    lanes.append(None)
    return len(lanes) - 1


def _open(lanes: list[str | None], at: int, steps: Sequence[str]) -> list[int]:
    """Give each step a lane: the first goes straight on, the others to the right."""
    places = []
    for step in steps:
        place = _free(lanes, at)
        lanes[place] = step
        places.append(place)
    return places


def _connector(lanes: Sequence[str | None], at: int, opened: Sequence[int], joined: Sequence[int]) -> str:
    ends = {at, *opened, *joined}
    left, right = min(ends), max(ends)
    cells = []
    for index, lane in enumerate(lanes):
        within = left <= index <= right
        if index in ends:
            bits = _DOWN if index in opened else _UP | _DOWN if index in joined else 0
            bits |= _UP if index == at else 0
            bits |= (_LEFT if index > left else 0) | (_RIGHT if index < right else 0)
        else:
            bits = _UP | _DOWN if lane is not None else _LEFT | _RIGHT if within else 0
        cells.append(_GLYPHS[bits])
        cells.append("─" if left <= index < right else " ")
    return "".join(cells).rstrip()
