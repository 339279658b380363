"""The page for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from tests.local.clarify.analyses import FACET, LABEL, LOANS, POST, PRE, PREDICTOR, Analyse

REPORT = {"report": {"name": "loans", "title": "Loans <of May>"}}
CONFIG: dict[str, Any] = {
    **LABEL,
    **FACET,
    **PREDICTOR,
    "methods": {
        **REPORT,
        **PRE["methods"],
        **POST["methods"],
        "shap": {"baseline": [["Ulm", 40, "basic"]]},
        "pdp": {"features": ["age", "plan"]},
    },
}


class Tags(HTMLParser):
    """Raises where an element is closed that is not the one that is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def score(row: list[str]) -> float:
    return 0.9 if row[0] == "Bonn" else 0.1


def test_is_one_page_that_needs_nothing_else(analyse: Analyse) -> None:
    analyse(CONFIG, model=score)
    page = (analyse.output / "loans.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.links == []
    assert "<h1>Loans &lt;of May&gt;</h1>" in page
    assert re.search(r"Difference in Positive Proportions in Labels \(DPL\)</td><td class=\"number\">0.6667<", page)
    assert "Group variable is empty or not provided" in page
    assert "<h2>What the predictions rest on (label0)</h2>" in page
    assert page.count("<svg") == 2
    assert "report.pdf and report.ipynb are not made on this machine" in page


def test_marks_what_violates_the_baseline(analyse: Analyse) -> None:
    config = {**LABEL, **FACET, "methods": {**REPORT, **PRE["methods"]}}
    baseline = analyse(config)
    analyse(config, LOANS.replace("Ulm,30,basic,1", "Ulm,30,basic,0"), baseline=baseline)
    page = (analyse.output / "loans.html").read_text()
    assert '<tr class="violated"><td>Difference in Positive Proportions in Labels (DPL)</td>' in page
    assert "<tr><td>Class Imbalance (CI)</td>" in page
    assert "farther from balance (0)" in page


def test_is_made_only_where_it_is_asked_for(analyse: Analyse) -> None:
    analyse({**LABEL, **FACET, **PRE})
    assert [path.name for path in analyse.output.iterdir()] == ["analysis.json"]
