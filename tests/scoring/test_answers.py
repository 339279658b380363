"""What a file's rows were answered, in all its tries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import nan

from contender.scoring.answers import Answers, Problem, failures, outcome
from contender.scoring.chunk import Chunk
from contender.scoring.source import Source

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def chunk(number: int, rows: int = 2) -> Chunk:
    return Chunk("D", "march.csv", "upload", number, Source("bucket", "key"), 0, 10, 1 + number * rows, 0, rows)


def failed(count: int, taken: list[int]) -> Iterator[Answers]:
    for number in range(count):
        taken.append(number)
        yield Answers(chunk(number), "v1", 1, AT, (nan, nan), {0: Problem(1, "no"), 1: Problem(2, "nor this")})


def test_failures_are_found_one_chunk_after_the_other() -> None:
    taken: list[int] = []
    found = failures(failed(100, taken))
    assert [next(found).row for _ in range(3)] == [1, 2, 3]
    assert len(taken) < 5


def test_an_outcome_counts_all_failures_and_keeps_the_first() -> None:
    found = outcome(failed(100, []), shown=3)
    assert (found.failed, [failure.row for failure in found.first]) == (200, [1, 2, 3])


def test_a_row_has_failed_if_no_try_has_scored_it() -> None:
    first = Answers(chunk(0, 3), "v1", 1, AT, (0.5, nan, nan), {1: Problem(2, "busy"), 2: Problem(3, "busy")})
    again = Answers(chunk(0, 3).again((1, 2)), "v2", 2, AT, (nan, 0.7, nan), {2: Problem(3, "no number")})
    found = outcome([first, again], shown=10)
    assert [(failure.row, failure.problem.reason) for failure in found.first] == [(3, "no number")]
    assert found.scored_by == {"v1": 1, "v2": 1}
