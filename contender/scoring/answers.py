"""What the rows of a chunk were answered: once written it stands, whoever asks again.

    asked ─► pinned, if nobody was first ─► what is pinned goes into the table ─► the chunk is settled

A message that comes twice, or comes back after a kill, may be answered by another version, at another time. Only the
first answer is pinned; whoever comes later writes that one. So every row has one item, and it never changes.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from math import isfinite, nan
from typing import Any, Self

from contender.scoring.chunk import Chunk

YES = 0.5
"""The probability from which a row is predicted to be positive, as in batch scoring."""


MAX_PROBLEMS = 300_000
"""Bytes: an item may have 400 KB, and the scores of a message take up to 40."""
SENTENCES = (1000, 100, 20)
"""Characters of a problem; a model may say as much as it likes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row has no score, and the line of the file it ends on."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """One score for each place of the chunk, not a number where there is none; why there is none, by place."""

    chunk: Chunk
    variant: str
    version: int
    at: datetime
    scores: tuple[float, ...]
    problems: Mapping[int, Problem] = field(default_factory=dict)

    @property
    def scored(self) -> Iterator[tuple[int, float]]:
        """Place and score of the rows that have one."""
        return ((place, score) for place, score in enumerate(self.scores) if isfinite(score))

    @property
    def left(self) -> tuple[int, ...]:
        """Places of the rows that were not asked: many were refused, and the time was up."""
        return tuple(
            place for place in self.chunk.places if place not in self.problems and not isfinite(self.scores[place])
        )

    def to_item(self) -> dict[str, Any]:
        return {
            "chunk": {"S": self.chunk.body},
            "variant": {"S": self.variant},
            "version": {"N": str(self.version)},
            "at": {"S": self.at.isoformat()},
            "scores": {"B": zlib.compress(array("d", self.scores).tobytes())},
            "problems": {"B": _packed(self.problems)},
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        scores = array("d")
        scores.frombytes(zlib.decompress(bytes(item["scores"]["B"])))
        problems = json.loads(zlib.decompress(bytes(item["problems"]["B"])))
        return cls(
            Chunk.from_body(item["chunk"]["S"]),
            item["variant"]["S"],
            int(item["version"]["N"]),
            datetime.fromisoformat(item["at"]["S"]),
            tuple(scores),
            {int(place): Problem(*problem) for place, problem in problems.items()},
        )


def _packed(problems: Mapping[int, Problem]) -> bytes:
    """Sentences are cut where all of them together would be more than an item has room for."""
    packed = b""
    for length in SENTENCES:
        told = {place: [problem.line, problem.reason[:length]] for place, problem in problems.items()}
        # A thousand sentences that differ in a number take a tenth of their length.
        packed = zlib.compress(json.dumps(told).encode())
        if len(packed) <= MAX_PROBLEMS:
            break
    return packed


def laid_out(chunk: Chunk, scores: Mapping[int, float]) -> tuple[float, ...]:
    return tuple(scores.get(place, nan) for place in range(chunk.rows))


@dataclass(frozen=True, slots=True)
class Failure:
    """A row without a prediction: its place in its chunk, its number, and why."""

    chunk: Chunk
    place: int
    problem: Problem

    @property
    def row(self) -> int:
        return self.chunk.row + self.place


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file's rows: how many each variant scored, when the last were answered, how many failed, and
    the first of those."""

    scored_by: Mapping[str, int]
    ended: datetime
    failed: int
    first: Sequence[Failure]


def outcome(answered: Iterable[Answers], shown: int) -> Outcome:
    """From all answers of a file, by chunk and attempt; of the failures it keeps the first `shown`."""
    scored_by: Counter[str] = Counter()
    ended = datetime.min.replace(tzinfo=UTC)

    def counted() -> Iterator[Answers]:
        nonlocal ended
        for answers in answered:
            if count := sum(1 for _ in answers.scored):
                scored_by[answers.variant] += count
            ended = max(ended, answers.at)
            yield answers

    failed, first = 0, []
    for failure in failures(counted()):
        failed += 1
        if failed <= shown:
            first.append(failure)
    return Outcome(scored_by, ended, failed, first)


def failures(answered: Iterable[Answers]) -> Iterator[Failure]:
    """The rows that failed, in their order: those that no try has scored, with what the last one said of each.

    One chunk after the other: all rows of a file may have failed, and there may be millions.
    """
    for _, tries in groupby(answered, key=lambda answers: answers.chunk.number):
        left: dict[int, Failure] = {}
        for answers in tries:
            for place, problem in answers.problems.items():
                left[place] = Failure(answers.chunk, place, problem)
            for place, _ in answers.scored:
                left.pop(place, None)
        yield from (left[place] for place in sorted(left))
