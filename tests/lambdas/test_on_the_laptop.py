"""The same code against local SageMaker and MiniStack: real models, real rollbacks, real conditional writes."""

from __future__ import annotations

import contextlib
import io
import tarfile
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from contender.errors import DeploymentError
from contender.executions.dimension_lock import Claim, DimensionLock
from contender.lambdas import champion, deploy
from contender.lambdas.controllers import Clients, controllers
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.rollout.spec import Instance, Spec, Step
from contender.rollout.tick import Report
from tests.lambdas.fakes import FakeSageMaker

NAMES = Names("rollouts")
SETTINGS = RolloutSettings(NAMES, "arn:aws:iam::000000000000:role/models", "artifacts", experiments=False)
SPEC = Spec(stage="", instance=Instance("ml.m5.large", 1), steps=(Step(0.1, time_s=1e9),), max_challengers=3, drain_s=0)
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"


def make_table(dynamodb: Any, name: str, keys: tuple[str, ...] = ("pk", "sk")) -> None:
    """A table with a key of one or two texts, unless there is one."""
    with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )


def register(clients: Any, bucket: str, group: str, content: bytes) -> str:
    """Put a model's archive into the bucket and an approved version of it into the group; its ARN."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as file:
        member = tarfile.TarInfo("xgboost-model.ubj")
        member.size = len(content)
        file.addfile(member, io.BytesIO(content))
    there = clients("sagemaker").list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    key = f"{group}/{len(there)}/model.tar.gz"
    clients("s3").put_object(Bucket=bucket, Key=key, Body=archive.getvalue())
    answer = clients("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        ModelLifeCycle={"Stage": "Challenger", "StageStatus": "Pending"},
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(answer["ModelPackageArn"])


class Project:
    """One dimension on the laptop."""

    def __init__(self, clients: Any, bucket: str, dimension: str) -> None:
        self.sagemaker, self.dimension = clients("sagemaker"), dimension
        self.group = self.endpoint = NAMES.group(dimension)
        self.clients = Clients(self.sagemaker, clients("dynamodb"), clients("cloudwatch"), lambda timeout_s: None)
        make_table(self.clients.dynamodb, NAMES.table("rollouts"))
        Ledger(self.clients.dynamodb, NAMES.table("rollouts")).put_spec(SPEC)
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.group)
        self.register = partial(register, clients, bucket, self.group)

    def deploy(self, arn: str) -> dict[str, str]:
        return deploy.answer(self.tick(), NAMES.version_of_package(self.dimension, arn))

    def tick(self) -> Report:
        return controllers(SETTINGS, self.clients)[0].tick(self.dimension)

    def finish(self) -> None:
        """Ticks until nothing changes any more."""
        waiter = self.sagemaker.get_waiter("endpoint_in_service")
        for _ in range(30):
            waiter.wait(EndpointName=self.endpoint, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
            report = self.tick()
            if not (report.events or report.done):
                return
        raise AssertionError("the endpoint never comes to rest")

    def states(self) -> dict[int, str]:
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=self.group)["ModelPackageSummaryList"]
        return {
            package["ModelPackageVersion"]: "/".join(
                (package["ModelLifeCycle"]["Stage"], package["ModelLifeCycle"]["StageStatus"])
            )
            for package in listed
        }

    def weights(self) -> dict[str, float]:
        variants = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)["ProductionVariants"]
        return {variant["VariantName"]: round(variant["CurrentWeight"], 6) for variant in variants}


def test_versions_join_a_broken_one_is_rolled_back_and_the_registry_knows(
    clients: Any, bucket: str, booster: bytes
) -> None:
    project = Project(clients, bucket, "SM-1")
    assert project.deploy(project.register(booster))["Action"] == "created"
    project.finish()
    assert project.states() == {1: "Champion/InService"}

    assert project.deploy(project.register(booster))["Action"] == "updating"
    project.finish()
    assert project.states() == {1: "Champion/InService", 2: "Challenger/InService"}
    assert project.weights() == {"v1": 0.9, "v2": 0.1}

    broken = project.register(b"no booster")
    assert project.deploy(broken)["Action"] == "updating"
    project.finish()
    assert project.states()[3] == "Challenger/Failed"
    assert project.weights() == {"v1": 0.9, "v2": 0.1}
    with pytest.raises(
        DeploymentError,
        match=r"version 3 of .* could not be deployed: v3 rolls back: it does not serve",
    ):
        project.deploy(broken)

    event = {"Dimension": "SM-1", "ChallengerModelUri": "s3://new/model.tar.gz"}
    answer = champion.answer(project.sagemaker, NAMES, event)
    assert answer == {"ChampionVersion": "1", "ChampionModelUri": f"s3://{bucket}/rollouts-SM-1/0/model.tar.gz"}
    configs = project.sagemaker.list_endpoint_configs(NameContains="rollouts-SM-1")["EndpointConfigs"]
    serving = project.sagemaker.describe_endpoint(EndpointName=project.endpoint)["EndpointConfigName"]
    assert serving in {config["EndpointConfigName"] for config in configs}
    project.sagemaker.delete_endpoint(EndpointName=project.endpoint)


def test_the_lock_holds_by_conditional_writes(clients: Any) -> None:
    dynamodb, sagemaker = clients("dynamodb"), FakeSageMaker()
    dynamodb.create_table(
        TableName="rollouts-locks",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Dimension", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Dimension", "KeyType": "HASH"}],
    )
    lock, now = DimensionLock(dynamodb, sagemaker, "rollouts-locks"), datetime(2026, 1, 1, tzinfo=UTC)

    def claim(token: str) -> Claim:
        return lock.claim("A", token, now).claim

    arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/rollouts/execution/000000000001"
    sagemaker.executions[arn] = {"token": "one", "status": "Executing"}
    assert claim("one") is Claim.TAKEN
    assert claim("two") is Claim.HELD
    lock.name_execution("A", "one", arn)
    lock.give_back("A", "one")
    assert claim("one") is Claim.STARTED_BEFORE
    assert claim("two") is Claim.HELD
    sagemaker.executions[arn]["status"] = "Failed"
    assert claim("two") is Claim.TAKEN
    lock.name_execution("A", "one", arn)
    lock.give_back("A", "two")
    assert claim("three") is Claim.TAKEN
