"""Names that are not known, with the nearest one that is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown_field(owner: str, name: str, known: Iterable[str]) -> str:
    prefix = f"{owner}: " if owner else ""
    return f"{prefix}{name}: there is no such field{nearest(name, known)}"


def nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
