"""docs/monitoring.md against the code: settings, metrics, alarms and commands that it names exist, none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from contender.cli.monitoring import command
from contender.config.sections import Monitoring
from contender.lambdas.watch import STALLED
from contender.watching.alarms import ANCHORS, VIOLATIONS
from tests.conftest import REPOSITORY
from tests.infra.templates import of_type, read

PAGE = (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(title: str) -> dict[str, str]:
    """The second column of a section's table by what stands in code type in the first."""
    return {
        name: value.strip() for name, value in re.findall(r"^\| `([^`]+)` \|([^|]*)\|", section(title), re.MULTILINE)
    }


def settings(above: str, kind: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in kind.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from settings(f"{above}.{name}", type(field.default))
        else:
            yield f"{above}.{name}", field.default


def test_every_setting_is_in_the_table_with_its_default() -> None:
    defaults = {path: str(value).lower() for path, value in settings("monitoring", Monitoring)}
    assert rows("Settings") == defaults


def test_settings_that_are_named_elsewhere_exist() -> None:
    named = set(re.findall(r"`(monitoring(?:\.[a-z_]+)+)`", PAGE))
    assert named <= {path for path, _ in settings("monitoring", Monitoring)}


def test_the_metrics_are_those_that_are_sent() -> None:
    assert set(rows("Metrics")) == {VIOLATIONS, STALLED}


def test_every_alarm_is_there_with_its_section() -> None:
    alarms = {f"<endpoint>-{last}": f"`{anchor}`" for last, anchor in ANCHORS.items()}
    for alarm in of_type(read("monitoring.yaml"), "AWS::CloudWatch::Alarm").values():
        name = alarm["AlarmName"]["Fn::Sub"].replace("${Project}", "<project>")
        alarms[name] = f"`{alarm['AlarmDescription'].rpartition('#')[2]}`"
    assert rows("Alarms") == alarms


def test_every_command_is_shown() -> None:
    assert set(re.findall(r"^contender monitoring (\w+)", section("Commands"), re.MULTILINE)) == set(command.commands)


def test_captures_are_kept_as_long_as_it_says() -> None:
    kept = read("core.yaml")["Parameters"]["CaptureDays"]["Default"]
    assert f"kept for {kept} days" in PAGE
    assert kept * 24 >= Monitoring.model_fields["truth_hours"].metadata[1].le
