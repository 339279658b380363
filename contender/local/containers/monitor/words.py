"""Values and shares as descriptions write them."""

from __future__ import annotations

LONGEST_VALUE = 60


def quoted(value: str) -> str:
    return repr(value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…")


def percent(share: float) -> str:
    """Never rounded to a full 100 %."""
    return f"{min(round(share * 100, 2), 99.99) if share < 1 else 100.0}%"
