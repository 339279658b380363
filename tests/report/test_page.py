"""The page is one file with every figure, and shows what it was given as text."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

from contender.report.page import render
from contender.report.records import Mark, Record
from tests.report.records import BEGAN, record

SVG = re.compile(r'src="data:image/svg\+xml;base64,([^"]+)"')


def figures(page: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in SVG.findall(page)]


def test_every_figure_is_in_the_file_and_nothing_is_loaded() -> None:
    page = render("Rollouts", "today", [record()])
    found = figures(page)
    assert len(found) == 7
    for svg in found:
        ElementTree.fromstring(svg)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


def test_the_same_records_make_the_same_page() -> None:
    assert render("Rollouts", "today", [record(100)]) == render("Rollouts", "today", [record(100)])


def test_variants_decisions_and_the_story_are_told() -> None:
    told = replace(
        record(100), about="why", marks=(Mark(BEGAN, "v2 won <b>"),), story=("10:00 v2 began", "10:05 v2 & v1")
    )
    page = render("Rollouts", "today", [told])
    for text in ("a: v2 was promoted", "v2 won &lt;b&gt;", "10:05 v2 &amp; v1", ">v1<", ">v2<", "why"):
        assert text in page


def test_without_answers_the_figures_that_need_them_are_left_out() -> None:
    found = record(100)
    unknown = replace(found, requests=tuple(replace(request, outcome=None) for request in found.requests))
    assert len(figures(render("Rollouts", "", [unknown]))) == 5


def test_a_dimension_nobody_asked_says_so() -> None:
    page = render("Rollouts", "", [Record("b", "held", "v1", "v2", ())])
    assert "No assigned request was reported." in page
    assert not figures(page)
