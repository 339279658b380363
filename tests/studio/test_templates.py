"""Templates against the policy that browsers hold their pages to: no script, style or handler stands in one."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contender.studio import states
from tests.conftest import REPOSITORY

TEMPLATES = sorted((REPOSITORY / "contender" / "studio" / "templates").glob("*.html"))
SCRIPTS = sorted((REPOSITORY / "contender" / "studio" / "static").glob("*.js"))
STYLE = REPOSITORY / "contender" / "studio" / "static" / "style.css"


class Findings(HTMLParser):
    """What a browser would refuse, or should not be asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append("a script in the page")
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.found.append(tag)
        for name, value in given.items():
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}=")
            if name in ("href", "src", "action", "formaction") and re.match(r"\s*(javascript|data|https?|//)", value):
                self.found.append(f"{tag} {name}={value}")
        if tag == "form" and given.get("method") == "post" and not given.get("action"):
            self.found.append("a form that does not say where to")


STATIC = REPOSITORY / "contender" / "studio" / "static"
WRITTEN = "".join(path.read_text(encoding="utf-8") for path in [*TEMPLATES, *SCRIPTS])
PUT_TOGETHER = {
    *(f"series-{number}" for number in range(8)),
    *(f"shade-{number}" for number in range(1, 5)),
    *("type-condition", "type-fail"),
    *states.MARKS,
}
"""Classes whose names templates put together."""


def test_the_style_sheet_has_no_class_that_nothing_is_of() -> None:
    rules = re.sub(r"/\*.*?\*/", "", (STATIC / "style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    classes = {
        name for selector in re.findall(r"([^{}]+)\{", rules) for name in re.findall(r"\.([a-z][\w-]*)", selector)
    }
    assert not [name for name in classes - PUT_TOGETHER if not re.search(rf"(?<![\w-]){name}(?![\w-])", WRITTEN)]


def test_every_macro_is_used() -> None:
    macros = re.findall(r"\{% macro (\w+)\(", WRITTEN)
    assert not [name for name in macros if len(re.findall(rf"\b{name}\(", WRITTEN)) < 2]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_imports_nothing_that_it_does_not_use(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    imported = ", ".join(re.findall(r"\{% from \"[\w.]+\" import ([\w, ]+?)(?: with context)? %\}", text))
    assert not [name for name in imported.split(", ") if name and not re.search(rf"\b{name}\(", text)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_nothing_that_the_policy_forbids(template: Path) -> None:
    findings = Findings()
    text = template.read_text(encoding="utf-8")
    findings.feed(re.sub(r"\{%.*?%\}|\{#.*?#\}", " ", text, flags=re.DOTALL))
    assert not findings.found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_trusts_no_text(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.findall(r"\|\s*safe\b|autoescape|Markup", text)
    for script in re.findall(r"<script type=\"application/json\"[^>]*>(.*?)</script>", text, re.DOTALL):
        assert re.fullmatch(r"\s*\{\{[^{}]*\|\s*data\s*\}\}\s*", script)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_does_something_carries_the_token_of_its_session(template: Path) -> None:
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", template.read_text(encoding="utf-8"), re.DOTALL):
        assert "form_start(form_token" in form or 'action="/login"' in form


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_our_scripts_make_no_markup_of_text(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert not re.findall(r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_link_and_form_keeps_the_stage(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    links = re.findall(r"<a [^>]*?href=\"(/.*?)\"[ >]", text)
    forms = re.findall(r"<form[^>]*method=\"get\".*?</form>", text, re.DOTALL)
    anew = ("failure.html", "login.html")  # what has failed may be the stage
    lost = [link for link in links if "stage_query" not in link] if template.name not in anew else []
    assert not lost
    assert not [form for form in forms if "stage_field()" not in form]


def test_no_page_lays_out_what_another_has_laid_out_otherwise() -> None:
    text = re.sub(
        r"/\*.*?\*/|@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", STYLE.read_text(encoding="utf-8"), flags=re.S
    )
    said = Counter(
        selector.strip()
        for selectors, rules in re.findall(r"([^{}]+)\{([^}]*)\}", text)
        for selector in selectors.split(",")
        if re.search(r"\bdisplay:", rules)
    )
    assert not [selector for selector, times in said.items() if times > 1]
