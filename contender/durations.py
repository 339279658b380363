"""How long something took, as a person reads it."""

from __future__ import annotations

from datetime import timedelta


def duration(took: timedelta | float | None) -> str:
    """`8.5 s`, `3 min 20 s`, `2 h 5 min`; a number is seconds."""
    if took is None:
        return "–"
    seconds = max(took.total_seconds() if isinstance(took, timedelta) else took, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
