"""What was read a moment ago: shown again, read again in the background, and never after an action."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from contender.studio import kept
from contender.studio.kept import Kept

LONG = 30.0
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def begin() -> Iterator[Callable[[Callable[[], None]], Future[None]]]:
    with ThreadPoolExecutor(2) as pool:
        yield pool.submit


Begin = Callable[[Callable[[], None]], Future[None]]


def test_a_value_is_kept_for_its_time_and_then_read_again(clock: Clock) -> None:
    values, here = iter(range(9)), Kept(clock)
    assert [here.get("n", 5.0, lambda: next(values)) for _ in range(2)] == [0, 0]
    clock.later(5.1)
    assert here.get("n", 5.0, lambda: next(values)) == 1


def test_what_is_read_again_quickly_is_shown_at_once(clock: Clock, begin: Begin) -> None:
    values, here = iter(range(9)), Kept(clock, LONG)
    assert here.renew("n", 5.0, lambda: next(values), begin) == 0
    clock.later(5.1)
    assert here.renew("n", 5.0, lambda: next(values), begin) == 1


def test_of_what_is_large_only_as_much_is_kept_as_memory_bears(clock: Clock) -> None:
    here = Kept(clock)
    here.get("list", 600.0, lambda: "small")
    for number in range(2 * kept.MOST_KEPT // kept.LARGE):
        here.get("list", 600.0, lambda: "small")
        here.get(("report", number), 600.0, lambda: "large", kept.LARGE)
    known = [here.known(("report", number)) for number in range(2 * kept.MOST_KEPT // kept.LARGE)]
    assert len([each for each in known if each]) == kept.MOST_KEPT // kept.LARGE - 1
    assert known[-1] == "large"
    assert here.known("list") == "small", "it was asked for again and again"


def test_what_takes_long_is_shown_as_it_was_until_it_is_there(clock: Clock, begin: Begin) -> None:
    here, may_go_on, reads = Kept(clock), Event(), []

    def slow() -> str:
        reads.append(1)
        may_go_on.wait()
        return "new"

    here.renew("n", 5.0, lambda: "old", begin)
    clock.later(5.1)
    assert [here.renew("n", 5.0, slow, begin) for _ in range(2)] == ["old", "old"]
    assert len(reads) == 1  # two who look ask once
    may_go_on.set()
    clock.later(0.1)
    seen = {here.renew("n", 5.0, slow, begin) for _ in range(3)}
    assert "new" in seen


def test_what_is_far_too_old_is_not_shown(clock: Clock, begin: Begin) -> None:
    here = Kept(clock)
    here.renew("n", 5.0, lambda: "old", begin)
    clock.later(5.0 + kept.OLDEST_S + 1)
    assert here.renew("n", 5.0, lambda: "new", begin) == "new"


def test_a_reading_that_fails_is_not_hidden(clock: Clock, begin: Begin) -> None:
    def failing() -> str:
        raise ValueError("AWS does not answer")

    here = Kept(clock, LONG)
    here.renew("n", 5.0, lambda: "old", begin)
    clock.later(5.1)
    for _ in range(2):
        with pytest.raises(ValueError, match="does not answer"):
            here.renew("n", 5.0, failing, begin)


def test_after_an_action_nothing_is_shown_that_was_read_or_begun_before_it(clock: Clock, begin: Begin) -> None:
    here, may_go_on = Kept(clock), Event()

    def slow() -> str:
        may_go_on.wait()
        return "from before"

    here.renew("n", 5.0, lambda: "old", begin)
    clock.later(5.1)
    here.renew("n", 5.0, slow, begin)
    here.forget()
    may_go_on.set()
    assert here.renew("n", 5.0, lambda: "new", begin) == "new"

    def acting() -> str:
        here.forget()
        return "from before"

    here.get("m", 5.0, acting)
    assert here.get("m", 5.0, lambda: "new") == "new"
