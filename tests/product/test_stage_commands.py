"""`--stage`: what the commands about versions and endpoints say of a stage, and letting a version go on."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import endpoint, models
from contender.errors import ContenderError
from contender.naming import Names
from contender.registry import Role, Status
from contender.rollout.spec import Follows
from contender.stages import StageVersions
from tests.lambdas.fakes import FakeSageMaker, client_error
from tests.lambdas.fakes.tables import FakeTables

NAMES = Names("contender")
FILE = "stages: {dev: {approval: manual}, prod: {}}"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class FakeSts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ada"}


class FakeLambda:
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.there = True

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if not self.there:
            raise client_error("Invoke", "AccessDeniedException", "not yours")
        self.asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(b"{}")}


class FakeS3:
    def get_object(self, **_: str) -> dict[str, Any]:
        raise client_error("GetObject", "NoSuchKey", "no such key", 404)


class FakeRuntime:
    def invoke_endpoint(self, *, EndpointName: str, **request: Any) -> dict[str, Any]:
        assert EndpointName == "contender--dev-A"
        return {"InvokedProductionVariant": "v1", "Body": io.BytesIO(b"0.25\n")}


class Desk:
    """Stages dev and prod; in dev dimension A has versions 1 (champion), 2 (challenger) and 3 (rolled back)."""

    def __init__(self) -> None:
        self.sagemaker = FakeSageMaker()
        self.tables = FakeTables("contender-rollouts")
        self.lambda_ = FakeLambda()
        self.dev = StageVersions(self.sagemaker, self.tables, NAMES.at("dev"), None, lambda: NOW)
        follows = Follows("dev", "manual")
        self.prod = StageVersions(self.sagemaker, self.tables, NAMES, follows, lambda: NOW)
        arns = [self.sagemaker.register("contender-A") for _ in range(3)]
        self.dev.mark(arns[0], Role.CHAMPION, Status.IN_SERVICE, "serves")
        self.dev.mark(arns[1], Role.CHALLENGER, Status.IN_SERVICE, "serves")
        self.dev.mark(arns[2], Role.RETIRED, Status.REMOVED, "5 % more errors")

    def client(self, service: str, region: str) -> Any:
        clients = {"sagemaker": self.sagemaker, "dynamodb": self.tables, "lambda": self.lambda_, "s3": FakeS3()}
        return {**clients, "sts": FakeSts(), "sagemaker-runtime": FakeRuntime()}[service]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "contender.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return Desk()


@pytest.fixture
def run(desk: Desk) -> Any:
    def invoke(*words: str) -> Result:
        command = {"models": models.command, "endpoint": endpoint.command}[words[0]]
        return CliRunner().invoke(command, words[1:], obj=desk.client)

    return invoke


def states(answer: Result) -> dict[int, str]:
    rows = json.loads(answer.stdout)
    return {row["version"]: f"{row['role']}/{row['status']}/{row['approval']}" for row in rows}


def error(result: Result) -> str:
    assert isinstance(result.exception, ContenderError)
    return str(result.exception)


def test_a_stage_lists_its_own_roles(run: Any) -> None:
    assert states(run("models", "list", "--stage", "dev", "--json")) == {
        3: "Retired/Removed/Approved",
        2: "Challenger/InService/Approved",
        1: "Champion/InService/Approved",
    }
    waiting = {
        3: "Challenger/Pending/Pending",
        2: "Challenger/Pending/Pending",
        1: "Challenger/Pending/PendingManualApproval",
    }
    assert states(run("models", "list", "--json")) == waiting
    assert states(run("models", "list", "--stage", "prod", "--json")) == waiting


def test_a_version_tells_how_far_it_is_in_every_stage(run: Any) -> None:
    details = json.loads(run("models", "show", "A", "3", "--json").stdout)
    assert (details["role"], details["status"]) == ("Challenger", "Pending")
    assert details["in stage dev"] == "Retired, Removed: 5 % more errors"


def test_approving_in_a_stage_lets_its_champion_go_on_at_once(run: Any, desk: Desk) -> None:
    answer = run("models", "approve", "A", "--stage", "dev", "--json")
    [row] = json.loads(answer.stdout)
    assert (row["version"], row["role"], row["goes_to"]) == (1, "Champion", "prod")
    assert desk.lambda_.asked == [("contender-tick", {"Dimension": "A", "Stage": ""})]
    assert [version.number for version in desk.prod.of("A") if version.deployable] == [1]
    [item] = [item for item in desk.tables.tables["contender-rollouts"].values() if "approved_by" in item]
    assert item["approved_by"]["S"].endswith("(user/ada)")
    again = run("models", "approve", "A", "1", "--stage", "dev")
    assert "is approved in stage 'dev' already" in again.stderr
    assert len(desk.lambda_.asked) == 1


def test_a_dry_run_approves_nothing(run: Any, desk: Desk) -> None:
    assert "prod" in run("models", "approve", "A", "2", "--stage", "dev", "--dry-run").stdout
    assert (desk.dev.approved("A"), desk.lambda_.asked) == (frozenset(), [])


def test_whoever_may_not_wake_the_next_stage_only_waits(run: Any, desk: Desk) -> None:
    desk.lambda_.there = False
    answer = run("models", "approve", "A", "--stage", "dev")
    assert answer.exit_code == 0
    assert "stage 'prod' takes it with its next look, within a minute" in answer.stderr
    assert desk.dev.approved("A") == {1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("A", "3", "--stage", "dev"), "version 3 of dimension 'A' cannot go on from stage 'dev': 5 % more errors"),
        (("A", "9", "--stage", "dev"), "dimension 'A' has no version 9: it has 1, 2, 3"),
        (("B", "--stage", "dev"), "dimension 'B' has no champion in stage 'dev' yet: name the version"),
        (("A", "--stage", "prod"), "stage 'prod' is the last one, nothing follows it"),
        (("A", "--stage", "test"), "project 'contender' has no stage 'test': it has dev, prod"),
    ],
)
def test_what_cannot_go_on_is_refused_with_the_reason(run: Any, words: tuple[str, ...], says: str) -> None:
    assert says in error(run("models", "approve", *words))


def test_what_failed_in_a_stage_does_not_go_on_from_it(run: Any, desk: Desk) -> None:
    desk.dev.mark(desk.sagemaker.register("contender-A"), Role.CHALLENGER, Status.FAILED, "no such file")
    refused = run("models", "approve", "A", "4", "--stage", "dev")
    assert error(refused) == "version 4 of dimension 'A' cannot go on from stage 'dev': no such file"
    assert desk.dev.approved("A") == frozenset()


def test_without_a_stage_it_is_the_registrys_approval(run: Any, desk: Desk) -> None:
    desk.sagemaker.register("contender-A", "PendingManualApproval")
    run("models", "approve", "A")
    assert states(run("models", "list", "--stage", "dev", "--json"))[4] == "Challenger/Pending/Approved"
    assert desk.dev.approved("A") == frozenset()


def test_a_stage_without_an_endpoint_is_named(run: Any) -> None:
    said = error(run("endpoint", "show", "A", "--stage", "dev"))
    assert said.startswith("dimension 'A' has no endpoint in stage 'dev' yet")


def test_a_stages_endpoint_is_shown_with_the_stages_roles(run: Any, desk: Desk) -> None:
    desk.sagemaker.create_model(
        ModelName="contender--dev-A-v1",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/models",
        Containers=[{"ModelPackageName": desk.dev.of("A")[0].arn}],
    )
    variant = {"VariantName": "v1", "ModelName": "contender--dev-A-v1", "InitialVariantWeight": 1.0}
    desk.sagemaker.create_endpoint_config(
        EndpointConfigName="contender--dev-A-0123456789",
        ProductionVariants=[{**variant, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}],
    )
    desk.sagemaker.create_endpoint(EndpointName="contender--dev-A", EndpointConfigName="contender--dev-A-0123456789")
    desk.sagemaker.settle()
    shown = json.loads(run("endpoint", "show", "A", "--stage", "dev", "--json").stdout)
    assert shown["endpoint"] == "contender--dev-A"
    assert [(each["variant"], each["role"]) for each in shown["variants"]] == [("v1", "Champion")]


def test_a_stages_own_endpoint_is_asked(run: Any) -> None:
    asked = run("endpoint", "invoke", "A", "--stage", "dev", "--row", "1,2", "--json")
    assert json.loads(asked.stdout) == {"variant": "v1", "predictions": [0.25]}
