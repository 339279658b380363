"""What a file's rows were answered, in all its tries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from contender.scoring.answers import Answers, Problem, failures, outcome
from contender.scoring.chunk import MAX_ROWS, Chunk
from contender.scoring.source import Source

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def chunk(number: int, rows: int = 2) -> Chunk:
    return Chunk("D", "march.csv", "upload", number, Source("bucket", "key"), 0, 10, 1 + number * rows, 0, rows)


@pytest.mark.parametrize("length", [40, 300], ids=["our model", "a talkative one"])
def test_answers_fit_into_an_item_whatever_is_wrong_with_their_rows(length: int) -> None:
    """The largest message of all, with a value of its own in each of its rows."""
    draw = random.Random(1)
    signs = [chr(code) for code in range(0x4E00, 0x9FFF)]
    problems = {
        place: Problem(place + 2, f"column 'Day Mins': {''.join(draw.choices(signs, k=length))!r} is not a number")
        for place in range(MAX_ROWS)
    }
    scores = tuple(draw.random() for _ in range(MAX_ROWS))
    item = Answers(chunk(0, MAX_ROWS).again(tuple(range(MAX_ROWS))), "v1", 1, AT, scores, problems).to_item()
    assert sum(len(value) for attribute in item.values() for value in attribute.values()) < 390_000
    kept = Answers.from_item(item).problems
    assert {problem.reason for problem in kept.values()} == {"column 'Day Mins': '"}
    assert {place: problem.line for place, problem in kept.items()} == {place: place + 2 for place in range(MAX_ROWS)}


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


def test_a_file_has_ended_when_the_last_of_its_rows_was_answered() -> None:
    times = [AT + timedelta(seconds=seconds) for seconds in (1, 3, 2)]
    answered = [Answers(chunk(number), "v1", 1, at, (0.5, 0.5)) for number, at in enumerate(times)]
    assert outcome(answered, shown=1).ended == times[1]
