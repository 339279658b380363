"""How times, shares and numbers are written, on pages and in charts alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

DASH = "–"


def time_(at: datetime | None) -> str:
    """`2026-11-30 20:11:05`, UTC as in every log and ledger."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else DASH


def percent(share: float | None) -> str:
    """`12.5%`; 0 and 1 without a fraction."""
    return DASH if share is None else f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


def number(value: Any) -> str:
    """A number with four digits that count, a whole one with its thousands apart; text as it is."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,d}"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def figure(value: Any) -> str:
    """Four digits after the point, so that AUCs stand below one another; what is no number as it is."""
    return f"{value:.4f}" if isinstance(value, int | float) else number(value)


def figures(text: str) -> str:
    """The same text, a number with a fraction in it with four digits that count."""
    try:
        return number(float(text)) if "." in text else text
    except ValueError:
        return text
