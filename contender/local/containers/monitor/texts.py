"""Distinct values of a column of text, and how often each occurs while there are few enough to be categories."""

from __future__ import annotations

from typing import Any

import datasketches
import pyarrow

MOST_CATEGORIES = 1000
"""As many as deequ's histograms keep; a column with more distinct values has no categories."""
LG_DISTINCT = 20
"""The theta sketch is exact up to a million distinct values, and right within 0.2 % beyond."""


class Texts:
    """Counts the first categories it meets, all later ones together, and how many distinct values there are."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.other = 0
        self._sketch: Any = None

    def update(self, distinct: pyarrow.Array, counts: Any) -> None:
        """Take in a block in which each of `distinct` occurs as often as `counts` says."""
        values = distinct.to_pylist()
        if self._sketch is None and len(self.counts) + len(values) > MOST_CATEGORIES:
            self._sketch = datasketches.update_theta_sketch(LG_DISTINCT)
            self._see(self.counts)
        if self._sketch is not None:
            self._see(values)
        for value, count in zip(values, counts.tolist(), strict=True):
            if value in self.counts:
                self.counts[value] += count
            elif len(self.counts) < MOST_CATEGORIES:
                self.counts[value] = count
            else:
                self.other += count

    def _see(self, values: Any) -> None:
        update = self._sketch.update
        for value in values:
            update(value)

    @property
    def distinct(self) -> int:
        return len(self.counts) if self._sketch is None else round(self._sketch.get_estimate())
