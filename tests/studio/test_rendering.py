"""How values are written on pages, and that nothing in them is run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contender.durations import duration
from contender.studio import rendering
from contender.studio.charts.chart import Series, axis
from contender.studio.charts.lines import lines
from contender.studio.formats import figures, number, percent, time_
from contender.studio.rendering import but, data, marked

TEMPLATES = Path(rendering.__file__).parent / "templates"
AT = datetime(2026, 11, 30, 20, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (300.0, "300"),
        (0.97213, "0.9721"),
        (None, "–"),
        ("", "–"),
        ("v1", "v1"),
        (True, "True"),
    ],
)
def test_numbers_show_four_digits_that_count_and_whole_ones_all(value: object, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (1, "100%"), (0.125, "12.5%"), (None, "–")])
def test_shares_are_percent(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("took", "text"),
    [(8.54, "8.5 s"), (timedelta(seconds=200), "3 min 20 s"), (7500, "2 h 5 min"), (-1, "0.0 s"), (None, "–")],
)
def test_durations_are_told_in_two_units(took: timedelta | float | None, text: str) -> None:
    assert duration(took) == text


def test_times_are_utc() -> None:
    assert time_(AT) == "2026-11-30 20:11:05"
    assert time_(None) == "–"


def test_no_text_ends_the_script_element_it_stands_in() -> None:
    hostile = "</script><script>alert(1)</script><!--'\"&"
    written = data({hostile: hostile})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {hostile: hostile}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("run `contender deploy`, <b>", "run <code>contender deploy</code>, &lt;b&gt;"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("a ` alone <b>", "a ` alone &lt;b&gt;"),
        ("", ""),
    ],
)
def test_commands_in_a_message_are_code_and_nothing_in_it_is_run(text: str, written: str) -> None:
    assert marked(text) == written


def test_an_address_keeps_what_is_not_changed() -> None:
    assert but({"q": "a&b", "page": "2"}, page=3) == "?q=a%26b&page=3"
    assert but({"q": "x", "page": "2"}, page=None) == "?q=x"


def test_a_chart_and_its_table_are_of_the_same_numbers() -> None:
    rows = [{"at": AT, "variant": "v1", "share": 0.25, "secret": "not shown"}]
    chart = lines("shares", "Shares", Series(rows, "at", "share", "variant"), share=True)
    assert chart.document["data"]["values"] == [{"at": AT, "variant": "v1", "share": 0.25}]
    assert json.loads(data(chart.document))["data"]["values"][0]["at"] == AT.timestamp() * 1000
    assert chart.table == [["2026-11-30 20:11:05", "v1", "25.0%"]]
    assert chart.document["encoding"]["strokeDash"]["field"] == "variant"  # not told by colour alone


def test_every_template_is_compiled_before_somebody_asks_for_it() -> None:
    rendering._environment.cache_clear()
    rendering.warm_up()
    cache = rendering._environment().cache
    assert cache is not None
    assert {name for _, name in cache} == {path.name for path in TEMPLATES.iterdir()}


@pytest.mark.parametrize(
    ("span", "form"),
    [
        (timedelta(), "%H:%M:%S"),
        (timedelta(minutes=2), "%H:%M:%S"),
        (timedelta(hours=1), "%H:%M"),
        (timedelta(days=2), "%d %b %H:%M"),
        (timedelta(days=7), "%d %b"),
    ],
)
def test_each_time_of_an_axis_is_a_whole_one(span: timedelta, form: str) -> None:
    rows = [{"time": AT, "share": 0.1}, {"time": AT + span, "share": 0.2}]
    along = axis("time", rows)
    assert along["axis"]["format"] == form
    assert along["scale"] == {"type": "utc"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("0.41403204349306866", "0.414"), ("5", "5"), ("binary:logistic", "binary:logistic"), ("1.5x", "1.5x")],
)
def test_a_hyperparameter_is_told_in_digits_that_count(text: str, told: str) -> None:
    assert figures(text) == told
