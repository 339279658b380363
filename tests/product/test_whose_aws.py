"""Which AWS a command talks to where the shell says nothing: `contender local up && contender deploy` just works."""

from __future__ import annotations

from pathlib import Path

import pytest

from contender.cli.whose_aws import use_laptop_if_alone
from contender.local.launcher.laptop import Laptop


def nobody() -> None:
    """boto3 finds no credentials."""


def never() -> None:
    raise AssertionError("credentials were looked for")


def test_a_shell_that_knows_no_aws_uses_the_laptop_that_runs(laptop: Laptop) -> None:
    environ = {"CONTENDER_HOME": str(laptop.home)}
    use_laptop_if_alone(environ, nobody)
    assert environ["AWS_ENDPOINT_URL"] == laptop.addresses().aws
    assert environ["AWS_ACCESS_KEY_ID"] == "test"


def test_whoever_has_an_account_reaches_it_as_before(laptop: Laptop) -> None:
    environ = {"CONTENDER_HOME": str(laptop.home)}
    use_laptop_if_alone(environ, lambda: "the account's")
    assert environ == {"CONTENDER_HOME": str(laptop.home)}


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"])
def test_a_shell_that_chose_is_left_alone(laptop: Laptop, variable: str) -> None:
    environ = {"CONTENDER_HOME": str(laptop.home), variable: "x"}
    use_laptop_if_alone(environ, never)
    assert len(environ) == 2


def test_without_a_laptop_nothing_is_asked(tmp_path: Path) -> None:
    environ = {"CONTENDER_HOME": str(tmp_path)}
    use_laptop_if_alone(environ, never)
    (tmp_path / "processes.json").write_text("{}")
    use_laptop_if_alone(environ, never)
    assert environ == {"CONTENDER_HOME": str(tmp_path)}
