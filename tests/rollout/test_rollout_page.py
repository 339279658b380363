"""docs/rollout.md against the code: every phase, code, setting and command it names exists, and none is left out."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from contender.cli.rollout import command
from contender.config.sections import Experiment, Rollout
from contender.rollout.state import Phase
from tests.conftest import REPOSITORY
from tests.rollout.histories import history

PAGE = (REPOSITORY / "docs" / "rollout.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def first_column(title: str) -> set[str]:
    """Everything in code type in the first column of a section's table."""
    rows = re.findall(r"^\|([^|]*)\|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def texts() -> set[str]:
    """Every string in the code that decides."""
    found = set()
    for folder in ("rollout", "experiments"):
        for path in (REPOSITORY / "contender" / folder).glob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            found |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


CODES = first_column("Reason codes")
TEXTS = texts()


def test_every_phase_is_there_and_no_other() -> None:
    assert first_column("The way of a challenger") == {phase.value for phase in Phase}


@pytest.mark.parametrize("seed", range(100))
def test_every_code_that_a_decision_carries_is_explained(seed: int) -> None:
    for tick in history(seed):
        decision = tick.decision
        codes = {event.code for event in decision.events} | {verdict.code for verdict in decision.verdicts.values()}
        codes |= {
            track.code.partition(":")[0] if "dry_run" in track.code else track.code for track in decision.state.tracks
        }
        assert {_known(code) for code in codes} <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_that_is_explained_is_in_the_code(code: str) -> None:
    parts = {code, code.partition(":")[0], f"{code.partition(':')[0]}:", code.removeprefix("hook_")}
    assert any(text == part or text.startswith(f"{part}:") for part in parts for text in TEXTS), code


def test_every_setting_of_rollouts_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]*) \|", section("Settings"), re.MULTILINE))
    settings = dict(_settings("rollout", Rollout))
    for path, field in settings.items():
        if any(other.startswith(f"{path}.") for other in settings):
            continue
        assert path in rows, path
        if isinstance(field.default, str | int | float | None):
            assert rows[path] == json.dumps(field.default).strip('"'), path


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:rollout|experiment)(?:\.[a-z_]+)+)", PAGE))
    assert len(named) > 20
    known = {path for path, _ in _settings("rollout", Rollout)} | {
        path for path, _ in _settings("experiment", Experiment)
    }
    assert named <= known


def test_every_command_is_shown() -> None:
    shown = set(re.findall(r"^contender rollout (\w+)", section("Commands"), re.MULTILINE))
    assert shown == set(command.commands)


def _known(code: str) -> str:
    return "guardrail:reward:<name>" if code.startswith("guardrail:reward:") else code


def _settings(above: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """Path and field of every setting below a section; lists' items are told in their own row."""
    for name, field in kind.model_fields.items():
        path, annotation = f"{above}.{name}", field.annotation
        yield path, field
        for each in () if get_origin(annotation) is tuple else (annotation, *get_args(annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from _settings(path, each)
