"""docs/cost.md against the code: parts, topologies, options, settings and files."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from pydantic import BaseModel

from contender.cli.cost import command
from contender.config import Settings
from contender.cost.bill import PARTS
from contender.cost.topologies import topologies
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "cost.md").read_text(encoding="utf-8")
OPTIONS = {option for parameter in command.params for option in parameter.opts}


def first_column(title: str) -> list[str]:
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`|]+)` \|", section, re.MULTILINE)


def test_every_part_is_described_in_the_order_of_the_bill() -> None:
    assert first_column("Parts") == [part.PART for part in PARTS]


def test_every_topology_is_described() -> None:
    names = [each.name for each in topologies(Settings(), ["ml.t2.medium"])]
    assert first_column("Topologies") == [name.replace("ml.t2.medium", "<type>") for name in names]


def test_every_option_that_is_named_exists() -> None:
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= OPTIONS


@pytest.mark.parametrize("line", re.findall(r"^contender cost([^\n>]*)", PAGE, re.MULTILINE))
def test_a_command_of_the_page_parses(line: str) -> None:
    command.make_context("cost", shlex.split(line))


def test_every_setting_that_is_named_exists() -> None:
    named = re.findall(
        r"`((?:endpoint|rollout|checks|experiment|inference|monitoring|stacks|training)(?:\.[a-z_]+)+)", PAGE
    )
    assert len(named) >= 12
    for path in named:
        model: Any = Settings
        for part in path.split("."):
            assert issubclass(model, BaseModel)
            assert part in model.model_fields, path
            model = model.model_fields[part].annotation


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (REPOSITORY / "docs" / link).exists(), link
