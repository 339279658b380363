"""Which stacks a project has, what their templates are told, and how overrides find theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from contender.cli.deploy import overrides_from
from contender.config import Settings
from contender.deployment import Cloud, Deployment
from contender.errors import NotFoundError, SettingsError
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


def test_alarms_of_every_stack_tell_the_topic_of_the_monitoring_there_is(cloud: Cloud) -> None:
    def told(settings: Settings) -> str:
        deploy_stacks(cloud, settings, {}, folder=ROOT / "infra", root=ROOT, only=["inference"])
        stack = cloud.cloudformation.describe_stacks(StackName="watched-inference")["Stacks"][0]
        return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["AlarmTopicArn"]

    assert told(settings(project="watched")) == "arn:aws:sns:us-east-1:000000000000:watched-alerts"
    assert told(settings(project="watched", monitoring={"enabled": False})) == ""


def test_with_a_key_of_its_own_a_project_encrypts_everything_and_stays_with_it(cloud: Cloud) -> None:
    own = settings(project="locked", stacks={"encryption": "project", "log_days": 7}, tags={"team": "red"})

    def run(settings: Settings, *only: str, dry_run: bool = False) -> tuple[Deployment, ...]:
        overrides = {"ApiBase": "http://127.0.0.1:1"}
        return deploy_stacks(cloud, settings, overrides, folder=ROOT / "infra", root=ROOT, only=only, dry_run=dry_run)

    planned = run(own, "key", "core", dry_run=True)
    assert "KeyPolicy" in {change.resource for change in planned[1].changes}
    with pytest.raises(NotFoundError, match="stack 'locked-key' does not exist"):
        run(own, "core")
    key, core, experiments = run(own, "key", "core", "experiments")
    described = cloud.cloudformation.describe_stacks(StackName=core.stack)["Stacks"][0]
    told = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
    assert told["KmsKeyArn"] == key.outputs["EncryptionKeyArn"]
    assert told["LogRetentionDays"] == "7"
    assert experiments.action == "created"
    assert {"Key": "team", "Value": "red"} in described["Tags"]
    with pytest.raises(SettingsError, match="project 'locked' has a key, which its data cannot be read without"):
        run(settings(project="locked"), "core", dry_run=True)


def test_an_override_that_nobody_knows_is_refused(cloud: Cloud) -> None:
    with pytest.raises(SettingsError, match="stack parameter 'Colour' is in no template of"):
        deploy_stacks(cloud, Settings(), {"Colour": "red"}, folder=ROOT / "infra", root=ROOT)


def test_an_override_for_experiments_does_no_harm_where_there_are_none(cloud: Cloud) -> None:
    off = settings(project="alone", experiment={"enabled": False})
    done = deploy_stacks(cloud, off, {"EventDelaySeconds": "1"}, folder=ROOT / "infra", root=ROOT)
    assert "alone-experiments" not in [each.stack for each in done]
