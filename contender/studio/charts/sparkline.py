"""A series so small that it stands in a line of a table: its shape as the points of an SVG polyline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 96, 22


def points(values: Sequence[float | None], width: float = WIDTH, height: float = HEIGHT) -> tuple[str, ...]:
    """Points of each unbroken stretch, from 0 below to the largest value above; a gap where there is no value.

    A value that stands alone is a dash, for a line of one point is not drawn.
    """
    largest = max((value for value in values if value is not None), default=0.0) or 1.0
    step = width / max(len(values) - 1, 1)
    return tuple(
        " ".join(f"{index * step:.1f},{height - 1 - value / largest * (height - 2):.1f}" for index, value in stretch)
        for stretch in map(_drawable, _stretches(values))
    )


def _stretches(values: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    stretch: list[tuple[float, float]] = []
    for index, value in enumerate(values):
        if value is None:
            if stretch:
                yield stretch
            stretch = []
        else:
            stretch.append((index, value))
    if stretch:
        yield stretch


def _drawable(stretch: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(stretch) > 1:
        return stretch
    ((index, value),) = stretch
    return [(index - 1, value), (index + 1, value)]
