"""Deciding again what the ledger has: from the same state, settings, observation and time, is it the same?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender.rollout.decide import decide
from contender.rollout.decision import Entry
from contender.rollout.documents import to_json
from contender.rollout.spec import Spec

ROUNDING = 1e-9
"""Another machine's logarithm may differ in the last digit."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision made again; `difference` names the first thing that is not the same, "" when all is."""

    revision: int
    at: datetime
    difference: str = ""

    @property
    def same(self) -> bool:
        return not self.difference


def replay(entries: Iterable[Entry], spec: Callable[[str], Spec]) -> Iterator[Replayed]:
    """Make each decision again, oldest first; `spec` gives the settings with a digest.

    A decision must also begin with the state that the one before it has left.
    """
    previous: Entry | None = None
    for entry in entries:
        again = decide(spec(entry.spec), entry.before, entry.observation, entry.at)
        found = _difference("decision", entry.decision, again)
        if previous is not None and not found:
            found = _difference("state before", previous.decision.state, entry.before)
        yield Replayed(entry.revision, entry.at, found)
        previous = entry


def _difference(place: str, recorded: Any, again: Any) -> str:
    """The first place in which two values differ, with what stands there; "" when none does."""
    return "" if recorded == again else _within(place, to_json(recorded), to_json(again))


def _within(place: str, recorded: Any, again: Any) -> str:
    if isinstance(recorded, dict) and isinstance(again, dict):
        for key in sorted(recorded.keys() | again.keys()):
            if found := _within(f"{place}.{key}", recorded.get(key), again.get(key)):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        pairs = enumerate(zip(recorded, again, strict=True))
        return next((found for i, pair in pairs if (found := _within(f"{place}[{i}]", *pair))), "")
    return "" if _same(recorded, again) else f"{place} was {recorded!r} and is {again!r}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) <= ROUNDING * max(abs(one), abs(other))
    return bool(one == other)
