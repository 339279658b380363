"""A hint for a name that is not known: the nearest one that is, or all where there are few."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if len(known) <= 12 else ""
