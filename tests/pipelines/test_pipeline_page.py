"""docs/pipeline.md against the definitions: every step, parameter and setting it names exists, and none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from contender.config import Settings
from contender.pipeline.compiling import Compiled
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "pipeline.md").read_text(encoding="utf-8")


def steps(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in listed:
        yield step
        if step["Type"] == "Condition":
            yield from steps([*step["Arguments"]["IfSteps"], *step["Arguments"]["ElseSteps"]])


@pytest.fixture(scope="module", params=["compiled", "tuned", "warm"])
def definition(request: pytest.FixtureRequest) -> dict[str, Any]:
    compiled: Compiled = request.getfixturevalue(request.param)
    return compiled.document


def test_every_step_is_described_under_the_name_that_studio_shows(definition: dict[str, Any]) -> None:
    for step in steps(definition["Steps"]):
        name, title = step["Name"], step["DisplayName"]
        assert re.search(rf"(^### .*|\*\*)\b{name}\b", PAGE, re.MULTILINE), name
        assert f'{name}, "{title}"' in PAGE or f'**{name}**, "{title}"' in PAGE, (name, title)


def test_every_heading_is_a_step(definition: dict[str, Any]) -> None:
    known = {step["Name"] for step in steps(definition["Steps"])} | {"Train", "Tune"}
    assert set(re.findall(r'^### (\w+), "', PAGE, re.MULTILINE)) <= known


def test_every_parameter_is_in_a_table(definition: dict[str, Any]) -> None:
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    for parameter in definition["Parameters"]:
        assert f"`{parameter['Name']}`" in rows, parameter["Name"]


def test_every_setting_that_is_named_exists() -> None:
    sections = "|".join(name for name, field in Settings.model_fields.items() if _section(field.annotation))
    named = re.findall(rf"`((?:{sections})(?:\.(?!py`)[a-z_]+)+)", PAGE)
    assert len(named) > 10
    for path in named:
        model: Any = Settings
        for part in path.split("."):
            assert part in model.model_fields, path
            model = model.model_fields[part].annotation


def _section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
