"""docs/operations.md against the code: every alarm has its section, every command, name, setting and link exists."""

from __future__ import annotations

import re
import shlex
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from contender.config import Settings
from contender.watching.alarms import ANCHORS
from tests.conftest import REPOSITORY
from tests.infra.templates import INFRA, of_type, read
from tests.pages import anchors, commands, parse, shell

PAGE = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
SHELL = shell(PAGE)
COMMANDS = commands(SHELL)
AWS = sorted(set(re.findall(r"\baws [^#)\n]+", SHELL)))
AWS_OWN = ("s3 ls", "logs tail")
"""Commands that the AWS CLI adds to those that are operations."""
GLOBAL = {"query", "output", "cli-binary-format"}
ALARMS = re.search(r"^## Alarms\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
NAMES = set(re.findall(r"\$\{Project\}((?:-[a-z]+)+)", "".join(path.read_text() for path in INFRA.glob("*.yaml"))))
STACKS = {f"-{path.stem}" for path in INFRA.glob("*.yaml")}


def sections() -> dict[str, str]:
    assert ALARMS is not None
    return dict(re.findall(r"^### ([a-z-]+)\n(.*?)(?=^### |\Z)", ALARMS[1], re.MULTILINE | re.DOTALL))


def alarms() -> dict[str, str]:
    """Each alarm's section by what its name ends with: those of the templates, and the watcher's for each endpoint."""
    found = dict(ANCHORS)
    for path in INFRA.glob("*.yaml"):
        for name, alarm in of_type(read(path.name), "AWS::CloudWatch::Alarm").items():
            points = re.search(r" See docs/operations\.md#([a-z-]+)$", alarm["AlarmDescription"])
            assert points, f"{path.name}: the description of {name} does not end with its section of the runbook"
            found[alarm["AlarmName"]["Fn::Sub"].removeprefix("${Project}-")] = points[1]
    return found


def test_every_alarm_has_its_section_and_every_section_its_alarm_or_message() -> None:
    told = {
        anchor
        for path in (REPOSITORY / "contender").rglob("*.py")
        for anchor in re.findall(r"\{RUNBOOK\}#([a-z-]+)", path.read_text(encoding="utf-8"))
    }
    assert told == {"monitoring-failed"}
    assert sections().keys() == set(alarms().values()) | told


@pytest.mark.parametrize(("name", "anchor"), sorted(alarms().items()))
def test_the_section_of_an_alarm_names_it(name: str, anchor: str) -> None:
    assert name == anchor or f"-{name}`" in sections()[anchor]


@pytest.mark.parametrize("anchor", sorted({*alarms().values(), "monitoring-failed"}))
def test_a_section_says_what_to_type(anchor: str) -> None:
    assert "contender " in sections()[anchor]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_parses(line: str) -> None:
    parse(line)


@pytest.mark.parametrize("line", AWS)
def test_a_command_of_the_aws_cli_is_an_operation_with_these_parameters(line: str) -> None:
    service, verb, *words = shlex.split(line)[1:]
    if f"{service} {verb}" in AWS_OWN:
        return
    model = botocore.session.get_session().get_service_model("s3" if service == "s3api" else service)
    if verb == "wait":
        assert words.pop(0) == "endpoint-in-service"
        verb = "describe-endpoint"
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(operations[verb]).input_shape
    takes = {xform_name(name, "-"): name for name in shape.members}
    given = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert given <= takes.keys() | GLOBAL
    assert {xform_name(name, "-") for name in shape.required_members} <= given


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 40
    assert len(AWS) > 20


def test_every_queue_table_function_bucket_and_rule_that_is_named_exists() -> None:
    named = set(re.findall(r"(?<![\w-])contender((?:-[a-z]+)+)", PAGE)) - {"-rollouts-before"}
    assert len(named) > 20
    assert named <= NAMES | STACKS


def test_every_setting_that_is_named_exists() -> None:
    sections = "|".join(Settings.model_fields)
    named = set(re.findall(rf"`((?:{sections})(?:\.[a-z_]+)+)(?=[`:])", PAGE))
    assert len(named) > 5
    for path in named - {"contender.yaml"}:
        model: Any = Settings
        for part in path.split("."):
            assert part in model.model_fields, path
            model = model.model_fields[part].annotation


def test_every_link_leads_somewhere() -> None:
    for page, anchor in re.findall(r"\]\(([\w.-]*)(?:#([\w-]+))?\)", PAGE):
        target = REPOSITORY / "docs" / page if page else REPOSITORY / "docs" / "operations.md"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{page}#{anchor}"
        assert target.is_file(), page


def test_no_heading_is_there_twice() -> None:
    found = anchors(PAGE)
    assert len(found) == len(set(found))
