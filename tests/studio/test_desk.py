"""What pages work with: what is kept for a moment, and AWS's calls counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from contender.studio.desk import Kept

NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_what_was_read_is_kept_for_its_seconds_only() -> None:
    clock = Clock()
    kept, reads = Kept(clock), count(1)
    assert [kept.get("a", 10, lambda: next(reads)) for _ in range(3)] == [1, 1, 1]
    clock.now += timedelta(seconds=9)
    assert kept.get("a", 10, lambda: next(reads)) == 1
    clock.now += timedelta(seconds=2)
    assert kept.get("a", 10, lambda: next(reads)) == 2


def test_nothing_that_was_read_before_an_action_is_shown_after_it() -> None:
    kept, reads = Kept(Clock()), count(1)
    kept.get("a", 10, lambda: next(reads))
    kept.forget()
    assert kept.get("a", 10, lambda: next(reads)) == 2


def test_a_read_that_an_action_overtook_is_not_kept() -> None:
    kept, answers = Kept(Clock()), iter(("before", "after"))

    def read() -> str:
        answer = next(answers)
        if answer == "before":
            kept.forget()  # somebody acts while AWS answers
        return answer

    assert kept.get("a", 10, read) == "before"
    assert kept.get("a", 10, read) == "after"


def test_nothing_at_all_is_an_answer_too() -> None:
    kept, reads = Kept(Clock()), count(1)
    assert [kept.get("a", 10, lambda: next(reads) and None) for _ in range(2)] == [None, None]
    assert next(reads) == 2
