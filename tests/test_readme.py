"""The README against the code: its commands parse, its paths exist, its make targets are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.pages import commands, parse, shell

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SHELL = shell(README)
COMMANDS = commands(SHELL)
TREE = re.search(r"^## Where things are\n\n```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_parses(line: str) -> None:
    parse(line)


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 10


def places() -> list[Path]:
    """Every place on the map."""
    assert TREE is not None
    folder, found = REPOSITORY, []
    for line in TREE[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if not line.startswith(" "):
            folder = REPOSITORY
        found += [folder / name for name in names]
        if not line.startswith(" "):
            folder = found[-1]
    return found


def test_every_place_on_the_map_exists() -> None:
    assert [place for place in places() if not place.exists()] == []


def test_every_part_of_the_machinery_is_on_the_map() -> None:
    parts = {path for path in (REPOSITORY / "contender").iterdir() if not path.name.startswith(("_", "py.typed"))}
    assert parts - set(places()) == set()


def test_the_makefile_has_the_targets() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", SHELL)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_picture_exists() -> None:
    pictures = [REPOSITORY / place for place in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)]
    assert len(pictures) >= 2
    assert [picture for picture in pictures if not 10_000 < picture.stat().st_size <= 250_000] == []


def test_every_page_of_the_documentation_is_linked() -> None:
    pages = {f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")}
    assert pages - set(re.findall(r"\]\(([^)#]+)", README)) == set()
