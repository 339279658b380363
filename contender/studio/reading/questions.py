"""The questions that a dimension's experiments have asked: which challenger against which champion.

An experiment keeps its champion for as long as it lasts; a promotion begins another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contender.rollout.decision import Entry
from contender.rollout.state import State, Track


@dataclass(frozen=True, slots=True)
class Question:
    """A challenger in an experiment. `state` is the last one in which it was under way, `track` how far it was then."""

    experiment: int
    champion: int
    track: Track
    state: State

    @property
    def version(self) -> int:
        return self.track.version


def questions(state: State | None, entries: Sequence[Entry]) -> tuple[Question, ...]:
    """All that these decisions, newest first, tell of; the newest experiment first, and its newest challenger."""
    found: dict[tuple[int, int], Question] = {}
    for each in _states(state, entries):
        if each.champion is None or not each.experiment:
            continue
        for track in each.active:
            if track.step > 0 and track.version != each.champion:
                found.setdefault(
                    (each.experiment, track.version), Question(each.experiment, each.champion, track, each)
                )
    return tuple(found[key] for key in sorted(found, reverse=True))


def chosen(
    asked: Sequence[Question], state: State | None, experiment: int | None = None, version: int | None = None
) -> Question | None:
    """The question that a person wants to see; by default the newest that is under way in this state, or was."""
    fitting = [each for each in asked if experiment in (None, each.experiment) and version in (None, each.version)]
    under_way = [each for each in fitting if each.state is state]
    return next(iter(under_way or fitting), None)


def _states(state: State | None, entries: Sequence[Entry]) -> Iterator[State]:
    if state is not None:
        yield state
    for entry in entries:
        yield entry.decision.state
        yield entry.before
