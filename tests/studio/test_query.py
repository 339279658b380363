"""What an address asks for, however it is written."""

from __future__ import annotations

import pytest

from contender.studio.query import Paged, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("999999999", 999999999), *((each, None) for each in ("", "0", "-1", "1.5", "²", "x"))],
)
def test_a_whole_number_above_nothing_or_none(text: str, number: int | None) -> None:
    assert whole(text) == number


def test_a_number_of_more_digits_than_anything_has_is_none() -> None:
    assert whole("1" * 10) is None
    assert whole("1" * 5000) is None


@pytest.mark.parametrize(
    ("asked", "number", "rows"),
    [
        ("", 1, [0, 1, 2]),
        ("2", 2, [3, 4, 5]),
        ("3", 3, [6]),
        ("4", 3, [6]),
        ("-1", 1, [0, 1, 2]),
        ("1e9", 1, [0, 1, 2]),
    ],
)
def test_the_page_that_is_asked_for_or_the_nearest_that_there_is(asked: str, number: int, rows: list[int]) -> None:
    assert Paged.of(range(7), 3, asked) == Paged(range(7)[rows[0] : rows[-1] + 1], number, 3)


def test_a_list_of_nothing_has_one_page_of_nothing() -> None:
    assert Paged.of([], 3, "2") == Paged([], 1, 1)
