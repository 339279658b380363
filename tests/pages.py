"""What a page of the documentation says that can be held against the code: its commands, its sections, its links."""

from __future__ import annotations

import copy
import re
import shlex

import click

from contender.cli.main import contender
from tests.conftest import REPOSITORY


def shell(page: str) -> str:
    """What is to be typed: all that stands in the page's blocks of shell, and commands in its sentences."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    told = re.findall(r"`((?:contender|aws|make) [^`]+)`", page)
    return "\n".join([*blocks, *(" ".join(words.split()) for words in told)])


def commands(text: str) -> list[str]:
    """Each command of ours in lines of shell, once."""
    found = re.finditer(r'(?<![\w./-])contender (?:"[^"\n]*"|[^#\n")])+', text)
    return sorted({match[0].strip() for match in found})


def parse(line: str) -> None:
    """Parse a command without running it: click takes every noun, verb, option and argument, or this fails."""
    command: click.Command = contender
    context = click.Context(contender, info_name="contender")
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        assert name is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    command = copy.deepcopy(command)  # other tests use it
    existing = [REPOSITORY.as_posix() if word in ("DIR", "data/") else word for word in words]
    # Paths of the story do not exist here, so only their parsing is left out.
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    command.make_context(command.name, existing)


def anchors(page: str) -> list[str]:
    """What links may point to: each heading as it stands in an address."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
