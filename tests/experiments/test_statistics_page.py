"""docs/statistics.md against the code: every method, strategy, guardrail, setting and command it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from contender.cli.experiment import command
from contender.config.sections import Experiment, Rollout
from contender.config.sections.experiment import Strategy as StrategySettings
from contender.experiments.goal import Goal, Method
from contender.experiments.guardrails import ERROR_RATE, LATENCY, REWARD
from contender.experiments.off_policy import Estimator
from contender.experiments.strategies import STRATEGIES, strategy
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "statistics.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"contender experiment (\w+)((?:[ \n]+[^`\n#]*)?)", PAGE)


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def first_column(title: str) -> list[str]:
    return re.findall(r"^\| `([^`|]+)` \|", section(title), re.MULTILINE)


def test_every_method_has_a_chapter_and_no_other() -> None:
    chapters = re.findall(r"^### `(\w+)`", section("Whether one is better"), re.MULTILINE)
    assert chapters == list(get_args(Method))
    assert "### `confidence_sequence`, the default" in PAGE
    assert Goal().method == "confidence_sequence"


def test_every_strategy_is_told_of_and_no_other() -> None:
    assert first_column("Which strategy") == list(STRATEGIES)


def test_every_guardrail_and_every_estimator_is_told_of() -> None:
    assert first_column("What must not get worse") == [ERROR_RATE, LATENCY, f"{REWARD}<name>"]
    assert first_column("What would other shares have earned?") == list(get_args(Estimator))


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:rollout|experiment)(?:\.[a-z_]+)+)(?:: [^`]*)?`", PAGE))
    known = {*_settings("rollout", Rollout), *_settings("experiment", Experiment)}
    assert len(named) >= 4
    assert named <= known


def test_every_option_of_a_goal_is_told_of() -> None:
    for name in set(Goal.__dataclass_fields__) - {"reward", "method", "alpha"}:
        assert f"`{name}" in PAGE or f"`rollout.goal.{name}" in PAGE, name


def test_every_option_of_a_strategy_is_told_of() -> None:
    for name in set(StrategySettings.model_fields) - {"name"}:
        assert f"`{name}" in PAGE, name


def test_numbers_that_the_page_calls_defaults_are() -> None:
    assert strategy("Thompson") == strategy("Thompson", sharpness=1.5)
    assert "∝ P(best)^1.5" in PAGE
    assert Goal().alpha == 0.05


@pytest.mark.parametrize(("name", "words"), sorted(set(COMMANDS)))
def test_commands_that_are_shown_exist_with_their_options(name: str, words: str) -> None:
    options = {option for each in command.commands[name].params for option in each.opts}
    assert set(re.findall(r"--[a-z-]+", words)) <= options


def test_every_command_is_shown() -> None:
    assert {name for name, _ in COMMANDS} == set(command.commands)


def _settings(above: str, kind: Any) -> Iterator[str]:
    """The paths of every setting below a section."""
    for name, field in kind.model_fields.items():
        path = f"{above}.{name}"
        yield path
        for each in () if get_origin(field.annotation) is tuple else (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from _settings(path, each)
