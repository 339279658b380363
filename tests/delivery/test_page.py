"""docs/delivery.md against buildspec.yml, the settings, the template and the commands."""

from __future__ import annotations

import re

import pytest

from contender.config.sections.delivery import CONNECTED, Delivery
from contender.local.builds import buildspec
from tests.conftest import REPOSITORY
from tests.infra.templates import read
from tests.pages import commands, parse, shell

PAGE = (REPOSITORY / "docs" / "delivery.md").read_text(encoding="utf-8")


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section, without its head."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    lines = re.findall(r"^\|(.*)\|$", found[1], re.MULTILINE)[2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_phases_are_those_of_the_buildspec_in_its_order() -> None:
    spec = buildspec.parse((REPOSITORY / "buildspec.yml").read_text(encoding="utf-8"))
    run = [[phase.name.upper(), command] for phase in spec.phases for command in phase.commands]
    assert [[phase, f"python {program.strip('`')}"] for phase, program, _ in rows("The phases")] == run


def test_the_settings_are_all_there_with_their_defaults() -> None:
    told = {name.strip("`"): default for name, default, _ in rows("On AWS")}
    assert told == {f"delivery.{name}": str(field.default) for name, field in Delivery.model_fields.items()}
    for provider in (*CONNECTED, "CodeCommit"):
        assert provider in PAGE


def test_what_the_laptop_leaves_out_is_told() -> None:
    for section in buildspec.ELSEWHERE:
        assert f"`{section}`" in PAGE


@pytest.mark.parametrize("line", commands(shell(PAGE)))
def test_a_command_of_the_page_parses(line: str) -> None:
    parse(line)


def test_what_it_names_of_the_template_is_there() -> None:
    template = read("delivery.yaml")
    assert "ConnectionUrl" in template["Outputs"]
    assert "AlarmTopicArn" in template["Parameters"]
    text = (REPOSITORY / "infra" / "delivery.yaml").read_text(encoding="utf-8")
    for name in ("-delivery-failed", "/aws/codebuild/${Project}-delivery", "CONTENDER_STACK_ROLE"):
        assert name in text
