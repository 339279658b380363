"""docs/studio.md against the code: commands parse, links lead somewhere, each message and page stands in it."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY
from tests.pages import anchors, commands, parse, shell

DOCS = (REPOSITORY / "docs" / "studio.md").read_text(encoding="utf-8")
WRONG = DOCS[DOCS.index("## When something is wrong") :]
SOURCES = [
    path.read_text(encoding="utf-8")
    for folder in ("contender/studio", "contender/cli")
    for pattern in ("*.py", "static/live.js")
    for path in sorted((REPOSITORY / folder).glob(pattern))
]


READINGS = "".join(path.read_text() for path in sorted((REPOSITORY / "contender/studio/reading").glob("*.py")))
ASKED = {
    *re.findall(r'(?:client\("\w+"\)|sagemaker|s3|logs)\.((?:describe|list|search)_\w+)\(', READINGS),
    *re.findall(r'paginator\("(\w+)"', READINGS),
}
NAMED_OTHERWISE = {"list_objects_v2": "s3:ListBucket"}


@pytest.mark.parametrize("line", commands(shell(DOCS)))
def test_a_command_of_the_page_parses(line: str) -> None:
    parse(line)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", DOCS):
        file, _, anchor = target.partition("#")
        page = DOCS if not file else None
        if file:
            assert (REPOSITORY / "docs" / file).exists(), target
            page = (REPOSITORY / "docs" / file).read_text(encoding="utf-8") if file.endswith(".md") else None
        if anchor and page:
            assert anchor in anchors(page)


@pytest.mark.parametrize("operation", sorted(ASKED))
def test_what_a_reading_asks_of_aws_is_among_what_has_to_be_allowed(operation: str) -> None:
    action = NAMED_OTHERWISE.get(operation, ":" + operation.title().replace("_", ""))
    assert f"{action}`" in DOCS


@pytest.mark.parametrize(
    "message", re.findall(r"^\| `([^`…]+)`", DOCS[DOCS.index("## When something") :], re.MULTILINE)
)
def test_what_the_page_is_said_to_say_it_says(message: str) -> None:
    assert any(message in source for source in SOURCES)
