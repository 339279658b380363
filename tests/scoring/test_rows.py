"""Files cut where rows end: whatever stands in them, the cuts hold the rows that batch scoring finds."""

from __future__ import annotations

import csv
import io
import random
from itertools import pairwise
from pathlib import Path

import pytest

from contender.errors import DataError
from contender.scoring.rows import Cut, Row, Table, pick, rows_of, to_csv
from tests.steps.chain import load

PIECES = ('"', '""', ",", "\n", "\r\n", "\r", "a", "ü", "🙂", " ", '"two\nlines"', '"a ""b"" c"', "1.5", "", '5" pipe')


def cut(body: bytes, max_rows: int, max_bytes: int = 1_000_000) -> tuple[tuple[str, ...], list[Cut]]:
    table = Table(io.BytesIO(body), "march.csv")
    cuts = list(table.cuts(max_rows, max_bytes))
    assert table.rows == sum(each.rows for each in cuts)
    return table.header, cuts


def found(body: bytes, cuts: list[Cut]) -> list[Row]:
    return [row for each in cuts for row in rows_of(body[each.start : each.end], each.line)]


def by_batch_scoring(path: Path, body: bytes) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    path.write_bytes(body)
    with load("batch/table.py").opened(path.parent, path.name) as table:
        return tuple(table.header), list(table.rows())


@pytest.mark.parametrize("seed", range(60))
def test_any_file_has_the_rows_that_batch_scoring_finds(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    text = "x,y\n" + "".join(draw.choices(PIECES, k=draw.randrange(60)))
    body = (b"\xef\xbb\xbf" if seed % 3 == 0 else b"") + text.encode()
    header, cuts = cut(body, draw.randrange(1, 5), draw.choice([1, 10, 1000]))
    expected = by_batch_scoring(tmp_path / "march.csv", body)
    assert (header, [(row.line, row.values) for row in found(body, cuts)]) == expected
    numbers = [each.row + place for each in cuts for place in range(each.rows)]
    assert numbers == list(range(1, len(expected[1]) + 1))
    assert all(one.end <= other.start for one, other in pairwise(cuts))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_quoted_line_breaks_end_no_row(ending: str) -> None:
    text = io.StringIO()
    rows = [[str(number), "two\nlines, and\r\nthree"] for number in range(7)]
    csv.writer(text, lineterminator=ending).writerows([["x", "y"], *rows])
    body = text.getvalue().encode()
    _, cuts = cut(body, 3)
    assert [each.rows for each in cuts] == [3, 3, 1]
    assert [row.values for row in found(body, cuts)] == rows


def test_a_cut_ends_early_where_its_rows_are_long_but_has_one() -> None:
    body = b"x,y\n" + b"".join(b"1," + b"a" * 100 + b"\n" for _ in range(10))
    assert [each.rows for each in cut(body, 1000, 250)[1]] == [3, 3, 3, 1]
    assert [each.rows for each in cut(body, 1000, 1)[1]] == [1] * 10


def test_a_header_without_a_name_is_no_header() -> None:
    for body in (b"", b"\n", b" , \n1,2\n"):
        with pytest.raises(DataError, match="is empty: its first line must name its columns"):
            cut(body, 1)


def test_cuts_count_the_rows_before_them_whose_last_value_is_empty() -> None:
    """Those that the batch pipeline refused: so their reasons are found."""
    body = to_csv([["x", "score"], *([str(number), "" if number % 3 == 0 else "0.5"] for number in range(10))]).encode()
    assert [each.blank for each in cut(body, 4)[1]] == [0, 2, 3]


def test_what_a_model_reads_is_picked_by_name() -> None:
    rows = {
        0: Row(2, ["1", "x", "2"]),
        1: Row(3, ["1", "x"]),
        2: Row(4, ["Mins", "Note", "Calls"]),
        3: Row(6, ["1", "two\nlines", "2"]),
        4: Row(8, ["1", "x", "two\nlines"]),
    }
    picked = pick(rows, ("Mins", "Note", "Calls"), ("Calls", "Mins"))
    assert picked.values == {0: ["2", "1"], 3: ["2", "1"]}
    assert picked.problems == {
        1: "2 values under a header of 3 columns",
        2: "the header again",
        4: "a value holds a line break, and a batch's rows are lines",
    }
