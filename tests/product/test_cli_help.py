"""What `--help` lists fits a terminal of 80 columns, so that no sentence ends in the middle."""

from __future__ import annotations

import importlib

import click
import pytest
from click.testing import CliRunner

from contender.cli.main import NOUNS

GROUPS = [noun for noun in NOUNS if isinstance(importlib.import_module(f"contender.cli.{noun}").command, click.Group)]


@pytest.mark.parametrize("noun", GROUPS)
def test_every_command_of_a_noun_is_listed_in_whole_words(noun: str) -> None:
    command = importlib.import_module(f"contender.cli.{noun}").command
    result = CliRunner().invoke(command, ["--help"], terminal_width=80)
    assert result.exit_code == 0
    listed = result.stdout.partition("Commands:")[2]
    assert [line for line in listed.splitlines() if line.endswith("...")] == []


@pytest.mark.parametrize("noun", GROUPS)
def test_a_nouns_line_names_its_commands(noun: str) -> None:
    command = importlib.import_module(f"contender.cli.{noun}").command
    assert set(command.commands) == {word.strip(" .") for word in NOUNS[noun].partition(":")[2].split(",")}
