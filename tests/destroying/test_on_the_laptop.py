"""A project that is taken away, deployed again onto what it left, and taken away with its data; its neighbours stay."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from contender.cli.main import contender
from contender.config import Settings
from contender.deployment import Cloud
from contender.destroying.remover import Project
from contender.destroying.run import Destroyed, destroy
from contender.naming import Names
from contender.stack import Stack
from contender.stacks import deploy_stacks
from contender.templates import read_all
from tests.conftest import REPOSITORY, Clients
from tests.local.running import eventually
from tests.local.serving_models import IMAGE, Endpoints, script_files

ACCOUNT, REGION = "000000000000", "us-east-1"
NAMES = Names("razed")
SETTINGS = Settings.model_validate(
    {"project": "razed", "stacks": {"encryption": "project"}, "experiment": {"enabled": False}}
)
STACKS = ("key", "core")
STRANGERS = {
    "endpoint": ("razed2-SM-1", "razed-mine"),
    "model": ("razed2-SM-1-v1", "razed-mine", "razed-SM-1-v1x"),
    "config": ("razed2-SM-1-0123abcdef", "razed-mine", "razed-SM-1-0123abcde"),
    "bucket": ("razed-datalake", "razed-data-000000000001-us-east-1"),
}
"""What sounds like the project's and is not: another project's, or a person's own."""


@pytest.fixture(scope="module")
def project(clients: Clients) -> Project:
    templates = read_all(REPOSITORY / "infra")
    return Project(NAMES, ACCOUNT, REGION, clients, templates, time.sleep)


@pytest.fixture(scope="module")
def strangers(clients: Clients, bucket: str) -> Iterator[None]:
    sagemaker, s3 = clients("sagemaker"), clients("s3")
    hosting = Endpoints(clients, bucket, "razed")
    archive = hosting.upload("any", script_files())
    for name in STRANGERS["model"]:
        make_model(sagemaker, name, archive)
    for name in STRANGERS["config"]:
        make_config(sagemaker, name, "razed2-SM-1-v1")
    sagemaker.create_endpoint(EndpointName="razed2-SM-1", EndpointConfigName="razed2-SM-1-0123abcdef")
    sagemaker.create_endpoint(EndpointName="razed-mine", EndpointConfigName="razed-mine")
    for name in STRANGERS["bucket"]:
        s3.create_bucket(Bucket=name)
    sagemaker.create_model_package_group(ModelPackageGroupName="razed2-SM-1")
    yield
    for name in STRANGERS["endpoint"]:
        sagemaker.delete_endpoint(EndpointName=name)
    for name in STRANGERS["config"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    for name in STRANGERS["model"]:
        sagemaker.delete_model(ModelName=name)
    sagemaker.delete_model_package_group(ModelPackageGroupName="razed2-SM-1")


def make_model(sagemaker: Any, name: str, archive: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": archive}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/any-role", PrimaryContainer=container
    )


def make_config(sagemaker: Any, name: str, model: str) -> None:
    variant = {"VariantName": "v1", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def deployed(clients: Clients) -> dict[str, str]:
    """Deploy key and core; the actions by stack."""
    cloud = Cloud(clients("cloudformation"), clients("s3"), ACCOUNT, REGION, dynamodb=clients("dynamodb"))
    done = deploy_stacks(cloud, SETTINGS, {}, folder=REPOSITORY / "infra", root=REPOSITORY, only=STACKS)
    return {each.stack: each.action for each in done}


def serve(clients: Clients, bucket: str) -> None:
    """What a dimension consists of once it serves and is watched."""
    sagemaker = clients("sagemaker")
    archive = Endpoints(clients, bucket, "razed").upload("any", script_files())
    make_model(sagemaker, "razed-SM-1-v1", archive)
    make_model(sagemaker, "razed-SM-1-c012345678", archive)
    make_config(sagemaker, "razed-SM-1-0123abcdef", "razed-SM-1-v1")
    sagemaker.create_endpoint(EndpointName="razed-SM-1", EndpointConfigName="razed-SM-1-0123abcdef")
    sagemaker.create_model_package_group(ModelPackageGroupName="razed-SM-1")
    clients("cloudwatch").put_metric_alarm(
        AlarmName="razed-SM-1-errors",
        AlarmDescription="razed-SM-1: more than 1.0% of the requests fail",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Period=300,
        EvaluationPeriods=1,
        Threshold=0.01,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Average",
    )
    clients("logs").create_log_group(logGroupName="/aws/sagemaker/Endpoints/razed-SM-1")
    clients("logs").create_log_group(logGroupName="/aws/lambda/razed-somebody-elses")


def names_of(things: Any) -> set[tuple[str, str]]:
    return {(thing.kind, thing.name) for thing in things}


class Killed(Exception):
    pass


def killed_again_and_again(project: Project) -> int:
    """Run it again and again, each time until it has removed two things and means to remove another; how often."""
    for attempt in range(100):
        said: list[str] = []

        def say(line: str, said: list[str] = said) -> None:
            said.append(line)
            if len(said) == 3:
                raise Killed

        try:
            destroy(project, say=say)
        except Killed:
            continue
        return attempt
    raise AssertionError("it never came to its end")


@pytest.mark.usefixtures("strangers")
def test_a_project_goes_comes_back_to_its_data_and_goes_for_good(
    clients: Clients, project: Project, bucket: str
) -> None:
    assert deployed(clients) == {"razed-key": "created", "razed-core": "created"}
    serve(clients, bucket)
    s3, data = clients("s3"), NAMES.bucket("data", ACCOUNT, REGION)
    s3.put_object(Bucket=data, Key="data/SM-1.csv", Body=b"one")
    s3.put_object(Bucket=data, Key="data/SM-1.csv", Body=b"another version")

    planned = destroy(project, dry_run=True)
    assert names_of(planned.removed) >= {
        *(("stack", "razed-core"), ("endpoint", "razed-SM-1"), ("endpoint config", "razed-SM-1-0123abcdef")),
        *(("model", "razed-SM-1-v1"), ("model", "razed-SM-1-c012345678"), ("alarm", "razed-SM-1-errors")),
        *(("bucket", NAMES.bucket("code", ACCOUNT, REGION)), ("log group", "/aws/sagemaker/Endpoints/razed-SM-1")),
    }
    assert kept_of(planned) == {
        ("bucket", data): "1 objects, 0.0 MB",
        ("bucket", NAMES.bucket("artifacts", ACCOUNT, REGION)): "0 objects, 0.0 MB",
        ("table", "razed-rollouts"): "about 0 items",
        ("model package group", "razed-SM-1"): "0 versions",
        ("stack", "razed-key"): "",
    }

    assert killed_again_and_again(project) >= 4
    # A function that was asked before all stood still may write a last line when its log group is gone already.
    eventually(lambda: not destroy(project).removed)
    assert kept_of(destroy(project, dry_run=True)) == kept_of(planned)
    assert Stack(clients("cloudformation"), "razed-core").describe() is None
    untouched(clients)

    assert deployed(clients) == {"razed-key": "unchanged", "razed-core": "created"}
    assert s3.get_object(Bucket=data, Key="data/SM-1.csv")["Body"].read() == b"another version"

    eventually(lambda: not destroy(project, data=True).removed)
    mine = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("razed")]
    assert set(mine) == set(STRANGERS["bucket"])
    untouched(clients)


def kept_of(done: Destroyed) -> dict[tuple[str, str], str]:
    return {(thing.kind, thing.name): thing.detail for thing in done.kept if thing.kind != "key"}


def untouched(clients: Clients) -> None:
    sagemaker = clients("sagemaker")
    for name in STRANGERS["endpoint"]:
        assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] in ("InService", "Creating")
    for name in STRANGERS["model"]:
        assert sagemaker.describe_model(ModelName=name)
    for name in STRANGERS["config"]:
        assert sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert sagemaker.describe_model_package_group(ModelPackageGroupName="razed2-SM-1")
    groups = clients("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/razed-")["logGroups"]
    assert "/aws/lambda/razed-somebody-elses" in [group["logGroupName"] for group in groups]


@pytest.fixture
def command(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`contender destroy` of a project that was never deployed; what it answered."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("CONTENDER_PROJECT", "neverwas")
    return lambda *flags, **more: CliRunner().invoke(
        contender, ["destroy", *flags], obj=lambda service, region: clients(service), **more
    )


def test_the_command_says_what_it_would_do_as_json(command: Any) -> None:
    answer = command("--dry-run", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"removed": [], "kept": []})


def test_the_command_asks_first_and_names_the_account(command: Any) -> None:
    answer = command("--data", input="n\n")
    assert answer.exit_code == 1
    assert "Remove project neverwas and all its data in account 000000000000, us-east-1?" in answer.stderr
    assert command("--data", "--yes").exit_code == 0
