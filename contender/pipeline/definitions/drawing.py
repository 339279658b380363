"""Draws a graph as `git log --graph` does, but downwards: a line a step, one lane for each step still to come.

    ● Preprocess
    ├─╮
    ● │ DataQuality
    │ ● DataBias
    ├─╯
    ● Train

A lane leads to one step only, so lines that meet leave no doubt; a line that crosses another is broken by it.
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
    | {"◂": "<", "▸": ">"}
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
    ended: int | None = None
    for name in order:
        known = name in lanes
        at = lanes.index(name) if known else _free(lanes, 0)
        if not known and at == ended:  # else it would stand right below a step that it has nothing to do with
            yield Row(" ".join("│" if lane is not None else " " for lane in lanes).rstrip())
        others = [lane is not None for lane in lanes]
        row = ["│" if used else " " for used in others]
        row[at] = marks.get(name, "●")
        below = list(row)
        below[at] = "│" if followers[name] else " "
        yield Row(" ".join(row).rstrip(), name, " ".join(below).rstrip())
        lanes[at] = None
        ended = None if followers[name] else at
        new = [step for step in _by_length(order, followers, name) if step not in lanes]
        joined = sorted((lanes.index(step) for step in followers[name] if step in lanes), key=lambda to: abs(to - at))
        # One line to a lane in each row, and with an arrow where it goes on: else a lane seems to lead to the other.
        for count, to in enumerate(joined, 1):
            ends = count == len(joined) and not new
            yield Row(_across(lanes, {at: _UP if ends else _UP | _DOWN, to: _UP | _DOWN}, None if ends else (at, to)))
        opened = _open(lanes, at, new)
        if len(opened) > 1:
            yield Row(_across(lanes, {**dict.fromkeys(opened, _DOWN), at: _UP | _DOWN}, None))
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


def _across(lanes: Sequence[str | None], ends: Mapping[int, int], arrow: tuple[int, int] | None) -> str:
    """A line across that ends in these lanes, which it also goes up or down in; an arrow points from lane to lane."""
    left, right = min(ends), max(ends)
    row = []
    for index, lane in enumerate([*lanes, *[None] * (right + 1 - len(lanes))]):
        within = left <= index <= right
        bits = ends.get(index, _UP | _DOWN if lane is not None else 0)
        if index in ends or (within and lane is None):
            bits |= (_LEFT if index > left else 0) | (_RIGHT if index < right else 0)
        row += [_GLYPHS[bits], "─" if left <= index < right else " "]
    if arrow:
        at, to = arrow
        row[2 * to + (1 if to < at else -1)] = "◂" if to < at else "▸"
    return "".join(row).rstrip()
