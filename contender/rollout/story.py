"""A rollout in lines that a person reads: when what was decided, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, tzinfo

from contender.rollout.decision import Entry


def story(entries: Iterable[Entry], zone: tzinfo = UTC) -> Iterator[str]:
    """A line for every event, with the time of day; the day stands above its lines."""
    day: date | None = None
    for entry in entries:
        at = entry.at.astimezone(zone)
        if at.date() != day:
            day = at.date()
            yield f"{day:%Y-%m-%d}, {zone}"
        for event in entry.decision.events:
            yield f"{at:%H:%M} {event.sentence}"
