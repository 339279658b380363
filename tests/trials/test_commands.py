"""`contender models compare` and `record` against fakes: what they show, mark, fall back on and explain."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import models
from contender.errors import NotFoundError
from contender.trials.record import Outcome, Record, component_name, content
from tests.lambdas.fakes import FakeSageMaker as Registry
from tests.lambdas.fakes import client_error, operation
from tests.lambdas.world import World
from tests.trials.fakes import EXECUTION, NAMES, REPORT, START, FakeSageMaker
from tests.trials.fakes import FakeS3 as Reports

OLD_REPORT = "s3://artifacts/old/evaluation.json"


class FakeS3:
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        assert f"s3://{Bucket}/{Key}" == OLD_REPORT
        return {"Body": io.BytesIO(json.dumps(REPORT).encode())}


class Account(Registry):
    """A registry, and trial components with their tags."""

    def __init__(self) -> None:
        super().__init__()
        self.components: dict[str, dict[str, Any]] = {}
        self.component_tags: dict[str, Mapping[str, str]] = {}

    def keep(self, record: Record) -> None:
        name = component_name(NAMES, record.execution)
        self.components[name] = {"TrialComponentName": name, "CreationTime": record.ended, **content(record)}
        self.component_tags[name] = {"project": "contender", "dimension": record.dimension}

    @operation
    def describe_trial_component(self, *, TrialComponentName: str) -> dict[str, Any]:
        if TrialComponentName not in self.components:
            raise client_error("DescribeTrialComponent", "ResourceNotFound", "does not exist")
        return self.components[TrialComponentName]

    @operation
    def search(self, **request: Any) -> dict[str, Any]:
        assert (request["SortBy"], request["SortOrder"]) == ("CreationTime", "Descending")
        wanted = {each["Name"]: each["Value"] for each in request["SearchExpression"]["Filters"]}
        outcome = {"StringValue": wanted.pop("Parameters.outcome")}
        tags = {name.removeprefix("Tags."): value for name, value in wanted.items()}
        found = sorted(
            (
                component
                for name, component in self.components.items()
                if self.component_tags[name] == tags and component.get("Parameters", {}).get("outcome") == outcome
            ),
            key=lambda component: component["CreationTime"],
            reverse=True,
        )
        return self._page("Results", [{"TrialComponent": component} for component in found], request)


def record(execution: str, version: int | None, auc: float, eta: float, **more: Any) -> Record:
    outcome = Outcome.REGISTERED if version else Outcome.REFUSED
    return Record(
        execution=f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/contender/execution/{execution}",
        dimension="A",
        outcome=outcome,
        started=START,
        ended=START + timedelta(minutes=1),
        version=version,
        data="s3://data/data/A/march.csv",
        origin={"dataVersion": "v1", "codeVersion": "0123456789abcdef"},
        parameters={"hyperparameter.eta": eta, "hyperparameter.max_depth": 5.0},
        metrics={"evaluation.auc": auc, "evaluation.log_loss": 1 - auc, "difference.lower": -0.01},
        verdicts={"auc": "passed" if version else "failed"},
        **more,
    )


@pytest.fixture
def account() -> Account:
    """Dimension A has four versions: 1 is champion, 2 to 4 are registered after it, and 1 was never recorded."""
    account = Account()
    world = World("A", account)
    for number in (1, 2, 3, 4):
        arn = world.roll_out() if number < 3 else world.register()
        execution = f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/contender/execution/execution00{number}"
        account.packages[arn]["CustomerMetadataProperties"] = {
            "executionArn": execution,
            "dataUri": "s3://data/old.csv",
        }
    first = next(iter(account.packages.values()))
    quality = {"Statistics": {"ContentType": "application/json", "S3Uri": OLD_REPORT}}
    first["ModelMetrics"] = {"ModelQuality": quality}
    for number, auc, eta in ((2, 0.95, 0.1), (3, 0.93, 0.2), (4, 0.92, 0.3)):
        account.keep(record(f"execution00{number}", number, auc, eta))
    return account


@pytest.fixture
def run(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    clients = {"sagemaker": account, "s3": FakeS3()}

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(models.command, words, obj=lambda service, region: clients[service])

    return invoke


def cells(result: Result) -> dict[str, list[str]]:
    """The table's rows by name; two blanks or more stand between cells."""
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
    split = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[1:]]
    return {row[0]: row[1:] for row in split}


def test_shows_champion_challengers_in_service_and_the_newest(run: Any) -> None:
    found = [each["version"] for each in json.loads(run("compare", "A", "--json").stdout)]
    assert found == [1, 2, 4]


def test_what_differs_and_who_is_best(run: Any) -> None:
    result = run("compare", "A", "2", "3")
    found = cells(result)
    assert found["role"] == ["Challenger", "Challenger"]
    assert found["hyperparameter.eta"] == ["0.1", "0.2"]
    assert "hyperparameter.max_depth" not in found
    assert found["evaluation.auc"] == ["0.95 *", "0.93"]
    assert found["evaluation.log_loss"] == ["0.05 *", "0.07"]
    assert found["gate"] == ["passed", "passed"]
    assert found["codeVersion"] == ["0123456789", "0123456789"]
    assert "difference.lower" not in found
    assert result.stderr == "* the best of these\n"


def test_everything_on_request(run: Any) -> None:
    found = cells(run("compare", "A", "2", "3", "--all"))
    assert found["hyperparameter.max_depth"] == ["5", "5"]
    assert found["difference.lower"] == ["-0.01", "-0.01"]


def test_a_version_without_a_record_is_told_from_the_registry_and_said_to_be(run: Any) -> None:
    result = run("compare", "A", "1", "2")
    found = cells(result)
    assert found["evaluation.auc"] == ["0.91", "0.95 *"]
    assert found["data"] == ["old.csv", "march.csv"]
    assert "v1 was registered without a record of its parameters" in result.stderr
    assert "`contender models record execution001`" in result.stderr
    assert "held-out rows of its own upload" in result.stderr
    (first, second) = json.loads(run("compare", "A", "1", "2", "--json").stdout)
    assert (first["recorded"], second["recorded"]) == (False, True)
    assert second["parameters"]["hyperparameter.max_depth"] == 5


def test_refused_challengers_on_request(run: Any, account: Account) -> None:
    account.keep(record("refused00001", None, 0.6, 0.9, reason="Refused: AUC 0.6 is below the floor"))
    of_another = replace(record("refused00002", None, 0.5, 0.9), dimension="A-1")
    account.keep(of_another)
    job = {"TrialComponentName": "train-aws-training-job", "CreationTime": START}
    account.components["train-aws-training-job"] = job
    account.component_tags["train-aws-training-job"] = {"project": "contender", "dimension": "A"}
    result = run("compare", "A", "2", "--refused")
    found = cells(result)
    assert found["role"] == ["Challenger", "refused"]
    assert found["gate"] == ["passed", "refused: auc"]
    assert found["evaluation.auc"] == ["0.95 *", "0.6"]
    assert "refused00001: Refused: AUC 0.6 is below the floor" in result.stderr


def test_only_the_latest_refused_challengers_are_shown(run: Any, account: Account) -> None:
    for number in range(5):
        older = record(f"refused0000{number}", None, 0.6, 0.9)
        account.keep(replace(older, ended=START + timedelta(minutes=number)))
    found = json.loads(run("compare", "A", "2", "--refused", "--json").stdout)
    assert [each["execution"][-1] for each in found[1:]] == ["4", "3", "2"]


@pytest.mark.parametrize(
    ("words", "says"),
    [(("A", "9"), "has no version 9: it has 1, 2, 3, 4"), (("B",), "dimension 'B' has no versions yet")],
)
def test_what_is_not_there(run: Any, words: tuple[str, ...], says: str) -> None:
    error = run("compare", *words).exception
    assert isinstance(error, NotFoundError)
    assert says in str(error)


class TestRecord:
    @pytest.fixture
    def sagemaker(self) -> FakeSageMaker:
        return FakeSageMaker()

    def invoke(self, sagemaker: FakeSageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
        monkeypatch.chdir(tmp_path)
        clients = {"sagemaker": sagemaker, "s3": Reports()}
        return CliRunner().invoke(
            models.command, ["record", EXECUTION, "--json"], obj=lambda service, region: clients[service]
        )

    def test_makes_up_for_a_lost_event(
        self, sagemaker: FakeSageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (row,) = json.loads(self.invoke(sagemaker, tmp_path, monkeypatch).stdout)
        assert (row["component"], row["outcome"], row["version"]) == ("contender-abcdefghijkl", "registered", 3)
        assert "contender-abcdefghijkl" in sagemaker.components

    def test_waits_for_the_end(self, sagemaker: FakeSageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sagemaker.status = "Executing"
        assert isinstance(self.invoke(sagemaker, tmp_path, monkeypatch).exception, NotFoundError)
