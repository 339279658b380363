"""Series in a line of a table."""

from __future__ import annotations

from contender.studio.charts.sparkline import points


def test_a_line_goes_from_nothing_below_to_the_largest_above() -> None:
    assert points([0, 5, 10], width=20, height=22) == ("0.0,21.0 10.0,11.0 20.0,1.0",)


def test_a_gap_ends_one_line_and_begins_another() -> None:
    assert points([1, 1, None, 1, 1], width=4, height=3) == ("0.0,1.0 1.0,1.0", "3.0,1.0 4.0,1.0")


def test_a_value_alone_is_a_dash() -> None:
    assert points([None, 1, None], width=20, height=22) == ("0.0,1.0 20.0,1.0",)


def test_nothing_but_zeros_lies_at_the_bottom() -> None:
    assert points([0, 0], width=10, height=12) == ("0.0,11.0 10.0,11.0",)


def test_nothing_is_no_line() -> None:
    assert points([None, None]) == points([]) == ()
