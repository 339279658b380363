"""A confusion matrix as a table: each cell with its count, its share of its row, and how dark it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SHADES = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """`share` is of the rows that have this actual label; `shade` is 0 to 4."""

    count: int
    share: float
    shade: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """`answered` are the columns' labels; a row is an actual label with a cell for each of them."""

    title: str
    answered: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def matrix(title: str, counts: Mapping[str, Mapping[str, int]]) -> Matrix | None:
    """Of counts by actual and answered label; None where there are none."""
    if not counts:
        return None
    answered = tuple(dict.fromkeys(label for row in counts.values() for label in row))
    rows = []
    for actual, row in counts.items():
        total = sum(row.values())
        shares = [row.get(label, 0) / total if total else 0.0 for label in answered]
        rows.append(
            (
                actual,
                tuple(
                    Cell(row.get(label, 0), share, round(share * SHADES))
                    for label, share in zip(answered, shares, strict=True)
                ),
            )
        )
    return Matrix(title, answered, tuple(rows))
