"""dev → prod on local SageMaker and MiniStack: each stage has its own endpoint, instances, steps and approval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import endpoint, models
from contender.config import load
from contender.errors import DeploymentError
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.observation import Command, Verb
from contender.rollout.replay import replay
from contender.rollout_settings import publish
from tests.lambdas.test_on_the_laptop import make_table, register

FILE = """
project: staged
endpoint: {instance_type: ml.m5.large}
experiment: {enabled: false}
rollout: {bake_time_s: 0, drain_s: 0}
stages:
  dev:
    approval: manual
    instance_type: ml.t2.medium
    rollout: {steps: [{share: 0.5, time_s: 0, sample: 0}]}
  prod:
    instance_count: 2
    data_capture_percent: 100
    rollout: {approval: manual, steps: [{share: 0.1, time_s: 0, sample: 0}, {share: 0.4, time_s: 0, sample: 0}]}
"""
NAMES = Names("staged")
DEV, PROD = NAMES.at("dev"), NAMES
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::000000000000:role/models", "test-bucket", experiments=False)


class Staged:
    """Dimension SM-1 in stages dev and prod, looked at as the tick function does."""

    def __init__(self, clients: Any, folder: Path) -> None:
        self.sagemaker, self._connect = clients("sagemaker"), clients
        self._clients = Clients(self.sagemaker, clients("dynamodb"), clients("cloudwatch"), lambda timeout_s: None)
        self.ledger = Ledger(self._clients.dynamodb, NAMES.table("rollouts"))
        make_table(self._clients.dynamodb, NAMES.table("rollouts"))
        self.sagemaker.create_model_package_group(ModelPackageGroupName=NAMES.group("SM-1"))
        (folder / "contender.yaml").write_text(FILE)
        publish(self.ledger, load(folder / "contender.yaml", environ={}))

    def look(self, command: tuple[Names, Verb] | None = None) -> None:
        """Look at both stages, with a command for one of them, until nothing changes any more."""
        waiter = self.sagemaker.get_waiter("endpoint_in_service")
        for _ in range(40):
            reports = []
            for controller in controllers(SETTINGS, self._clients):
                wanted = None
                if command is not None and command[0] == controller.names:
                    wanted, command = Command(command[1], "ada"), None
                report = controller.tick("SM-1", wanted)
                assert not report.refused
                reports.append(report)
                if report.plan.changes:
                    name = controller.names.endpoint("SM-1")
                    waiter.wait(EndpointName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
            if not any(report.events or report.done for report in reports):
                return
        raise AssertionError("the stages never come to rest")

    def contender(self, *words: str) -> Result:
        command = {"models": models.command, "endpoint": endpoint.command}[words[0]]
        return CliRunner().invoke(command, words[1:], obj=lambda service, region: self._connect(service))

    def states(self, stage: str) -> dict[int, str]:
        rows = json.loads(self.contender("models", "list", "--dimension", "SM-1", "--stage", stage, "--json").stdout)
        return {row["version"]: f"{row['role']}/{row['status']}" for row in reversed(rows)}

    def serving(self, names: Names) -> dict[str, tuple[float, str, int]]:
        """Share, instance type and count of each variant; nothing where there is no endpoint."""
        found = self.sagemaker.list_endpoints(NameContains=names.endpoint("SM-1"))["Endpoints"]
        if names.endpoint("SM-1") not in {each["EndpointName"] for each in found}:
            return {}
        described = self.sagemaker.describe_endpoint(EndpointName=names.endpoint("SM-1"))
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        kinds = {variant["VariantName"]: variant["InstanceType"] for variant in config["ProductionVariants"]}
        return {
            each["VariantName"]: (
                round(each["CurrentWeight"], 6),
                kinds[each["VariantName"]],
                each["CurrentInstanceCount"],
            )
            for each in described["ProductionVariants"]
        }


def test_a_version_goes_from_stage_to_stage_each_with_its_own_settings(
    clients: Any, bucket: str, booster: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    staged = Staged(clients, tmp_path)
    group = NAMES.group("SM-1")

    # the first version is dev's champion at once, and goes nowhere by itself
    register(clients, bucket, group, booster)
    staged.look()
    assert staged.serving(DEV) == {"v1": (1.0, "ml.t2.medium", 1)}
    assert staged.serving(PROD) == {}
    assert (staged.states("dev"), staged.states("prod")) == ({1: "Champion/InService"}, {1: "Challenger/Pending"})

    # a person lets it go on
    approved = staged.contender("models", "approve", "SM-1", "--stage", "dev")
    assert "stage 'prod' takes it with its next look" in approved.stderr
    staged.look()
    assert staged.serving(PROD) == {"v1": (1.0, "ml.m5.large", 2)}
    assert staged.states("prod") == {1: "Champion/InService"}
    capture = staged.sagemaker.describe_endpoint(EndpointName=PROD.endpoint("SM-1"))["DataCaptureConfig"]
    assert capture["DestinationS3Uri"] == f"s3://{bucket}/capture"

    # the second one passes dev's only step and is promoted there; prod keeps its own champion
    register(clients, bucket, group, booster)
    staged.look()
    assert staged.states("dev") == {1: "Retired/Removed", 2: "Champion/InService"}
    assert staged.states("prod") == {1: "Champion/InService", 2: "Challenger/Pending"}
    assert (set(staged.serving(DEV)), set(staged.serving(PROD))) == ({"v2"}, {"v1"})

    # in prod it climbs both steps, and waits for a person there
    staged.contender("models", "approve", "SM-1", "2", "--stage", "dev")
    staged.look()
    assert staged.serving(PROD) == {"v1": (0.6, "ml.m5.large", 2), "v2": (0.4, "ml.m5.large", 2)}
    staged.look((PROD, Verb.APPROVE))
    assert staged.states("prod") == {1: "Retired/Removed", 2: "Champion/InService"}
    assert staged.serving(PROD) == {"v2": (1.0, "ml.m5.large", 2)}

    # one that cannot serve ends in dev, and cannot be let on
    register(clients, bucket, group, b"no booster")
    staged.look()
    assert (staged.states("dev")[3], staged.states("prod")[3]) == ("Challenger/Failed", "Challenger/Pending")
    refused = staged.contender("models", "approve", "SM-1", "3", "--stage", "dev").exception
    assert isinstance(refused, DeploymentError)
    assert "version 3 of dimension 'SM-1' cannot go on from stage 'dev': " in str(refused)
    staged.look()
    assert (set(staged.serving(DEV)), set(staged.serving(PROD))) == ({"v2"}, {"v2"})

    shown = json.loads(staged.contender("endpoint", "show", "SM-1", "--stage", "dev", "--json").stdout)
    assert (shown["endpoint"], shown["variants"][0]["role"]) == ("staged--dev-SM-1", "Champion")
    for names in (DEV, PROD):
        entries = list(staged.ledger.entries(names.endpoint("SM-1")))
        assert entries
        assert all(each.same for each in replay(entries, staged.ledger.spec))
    models_left = staged.sagemaker.list_models(NameContains="staged-")["Models"]
    assert sorted(model["ModelName"] for model in models_left) == ["staged--dev-SM-1-v2", "staged-SM-1-v2"]
    for names in (DEV, PROD):
        staged.sagemaker.delete_endpoint(EndpointName=names.endpoint("SM-1"))
