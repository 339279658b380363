"""Which stacks a project has, what their templates are told, and how overrides find theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from contender.cli.deploy import overrides_from
from contender.config import Settings
from contender.deployment import Cloud
from contender.errors import SettingsError
from contender.stacks import KINDS, Kind, chosen, deploy_stacks
from tests.local.running import MiniStack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = MiniStack(tmp_path_factory.mktemp("stacks"))
    running.start()
    yield Cloud(running.client("cloudformation"), running.client("s3"), "000000000000", "us-east-1")
    running.close()


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


def template(name: str) -> Any:
    document, problems = decode(str(ROOT / "infra" / name))
    assert not problems
    return document


def test_the_experiments_are_a_stack_of_their_own_after_the_core() -> None:
    assert [kind.name for kind in chosen(settings())][:2] == ["core", "experiments"]
    off = settings(experiment={"enabled": False})
    assert "experiments" not in [kind.name for kind in chosen(off)]


def test_stacks_are_deployed_in_their_order_whatever_the_order_they_are_named_in() -> None:
    assert [kind.name for kind in chosen(settings(), ["experiments", "core"])] == ["core", "experiments"]
    with pytest.raises(SettingsError, match="a project has no stack 'experiment'; did you mean 'experiments'"):
        chosen(settings(), ["experiment"])


def test_the_settings_reach_the_templates() -> None:
    some = settings(experiment={"access": "iam", "cache_s": 3}, data={"prefix": "in/"})
    told = {kind.name: kind.parameters(some) for kind in KINDS}
    assert told["core"]["DataPrefix"] == "in/"
    assert told["experiments"]["Access"] == "iam"
    assert told["experiments"]["CacheSeconds"] == "3"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_a_stack_is_told_its_template_has(kind: Kind) -> None:
    assert set(kind.parameters(Settings())) <= set(template(kind.template)["Parameters"])


def test_outputs_of_two_stacks_are_never_confused() -> None:
    outputs = [name for kind in KINDS for name in template(kind.template)["Outputs"]]
    assert len(outputs) == len(set(outputs))


def test_an_override_goes_to_the_stack_that_knows_it(cloud: Cloud) -> None:
    overrides = overrides_from({"CONTENDER_STACK_PARAMETERS": "RetryDelaySeconds=1,ApiBase=http://127.0.0.1:1/apis"})
    said: list[str] = []
    two = ["core", "experiments"]
    done = deploy_stacks(cloud, Settings(), overrides, folder=ROOT / "infra", root=ROOT, only=two, say=said.append)
    assert [(each.stack, each.action) for each in done] == [
        ("contender-core", "created"),
        ("contender-experiments", "created"),
    ]
    assert done[1].outputs["ApiUrl"].startswith("http://127.0.0.1:1/apis/")
    again = deploy_stacks(cloud, Settings(), overrides, folder=ROOT / "infra", root=ROOT, only=two, dry_run=True)
    assert [each.action for each in again] == ["unchanged", "unchanged"]
    other = settings(experiment={"cache_s": 3})
    planned = deploy_stacks(cloud, other, overrides, folder=ROOT / "infra", root=ROOT, only=two, dry_run=True)
    changes = {change.resource for change in planned[1].changes}
    assert changes >= {"InvocationFunction", "ConversionFunction"}
    assert "StatsFunction" not in changes


def test_an_override_that_nobody_knows_is_refused(cloud: Cloud) -> None:
    with pytest.raises(SettingsError, match="stack parameter 'Colour' is in no template of"):
        deploy_stacks(cloud, Settings(), {"Colour": "red"}, folder=ROOT / "infra", root=ROOT)


def test_an_override_for_experiments_does_no_harm_where_there_are_none(cloud: Cloud) -> None:
    off = settings(project="alone", experiment={"enabled": False})
    done = deploy_stacks(cloud, off, {"EventDelaySeconds": "1"}, folder=ROOT / "infra", root=ROOT)
    assert "alone-experiments" not in [each.stack for each in done]
