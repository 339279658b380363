"""The README against the code: its commands parse, its paths exist, its make targets are there."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from contender.cli.main import contender
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
COMMANDS = sorted({match[0].strip() for match in re.finditer(r"(?<![\w./-])contender [^#\n\")]+", SHELL)})
TREE = re.search(r"^## Where things are\n\n```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_parses(line: str) -> None:
    """Without running it: click takes every noun, verb, option and argument."""
    command: click.Command = contender
    context = click.Context(contender, info_name="contender")
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        assert name is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    existing = [REPOSITORY.as_posix() if word in ("DIR", "data/") else word for word in words]
    # Paths of the story do not exist here, so only their parsing is left out.
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    command.make_context(command.name, existing)


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 10


def test_every_place_on_the_map_exists() -> None:
    assert TREE is not None
    folder = REPOSITORY
    for line in TREE[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        for name in names:
            assert ((folder if line.startswith(" ") else REPOSITORY) / name).exists(), f"{line!r} names {name}"
        if not line.startswith(" "):
            folder = REPOSITORY / names[0]


def test_the_makefile_has_the_targets() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)\b", SHELL)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
