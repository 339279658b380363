"""docs/inference.md against the code: settings and defaults, fields of reports and items, commands, figures."""

from __future__ import annotations

import re

from contender.cli.inference import command
from contender.config import Settings
from contender.config.sections import Inference
from tests.conftest import REPOSITORY
from tests.infra.templates import of_type, read
from tests.scoring.test_stories import story
from tests.scoring.world import World, rows
from tests.scoring.world import content as file_of

DOCS = (REPOSITORY / "docs" / "inference.md").read_text(encoding="utf-8")


def first_column(after: str) -> list[str]:
    """The names in the first column of the first table after these words."""
    table = DOCS[DOCS.index(after) :].split("\n\n")[1]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]


def test_settings_and_their_defaults_are_listed() -> None:
    listed = dict(re.findall(r"^\| `inference\.(\w+)` \| (\S+) \|", DOCS, re.MULTILINE))
    assert list(listed) == list(Inference.model_fields)
    assert {name: str(value).lower() for name, value in Settings().inference.model_dump().items()} == listed


def test_the_fields_of_an_item_are_those_that_are_written() -> None:
    world = World()
    world.store = type(world.store)(world.table, "predictions", keep_days=1)
    world.drop(file_of(rows(3)))
    world.run()
    for item in world.table.rows.values():
        assert set(item) - {"pk", "sk"} == set(first_column("A row's item"))


def test_the_fields_of_reports_are_those_that_are_written() -> None:
    world = story()
    world.run()
    assert list(world.report()) == first_column("The report of a processed file")
    refused = World()
    refused.drop("")
    refused.run()
    told = DOCS[DOCS.index("That of a refused file has") :].split("\n\n")[0]
    assert [name for name in re.findall(r"`(\w+)`", told) if name != "refused"] == list(
        refused.report(refused.file(), "refused")
    )


def test_the_commands_shown_exist() -> None:
    assert set(re.findall(r"^contender inference (\w+)", DOCS, re.MULTILINE)) == set(command.commands)


def test_tries_and_delays_are_the_templates() -> None:
    parameters = read("inference.yaml")["Parameters"]
    assert f"comes back after {parameters['RetryDelaySeconds']['Default']} seconds" in DOCS
    assert f"after {parameters['Tries']['Default']} tries" in DOCS
    alarms = of_type(read("inference.yaml"), "AWS::CloudWatch::Alarm").values()
    assert all(alarm["AlarmName"]["Fn::Sub"].replace("${Project}", "<project>") in DOCS for alarm in alarms)


def test_the_calls_for_a_thousand_rows_are_as_many_as_told() -> None:
    world = World(rows_per_message=1000)
    world.drop(file_of(rows(10_000)))
    world.run()
    told = int(re.findall(r"About (\d+) AWS calls for 1,000 rows", DOCS)[0])
    received_and_deleted = 2
    assert abs((len(world.calls.made) + received_and_deleted) / 10 - told) < 1
