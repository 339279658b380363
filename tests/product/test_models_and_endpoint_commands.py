"""`contender models` and `contender endpoint` against fakes: what they print, and their errors in one line."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from contender import registry
from contender.cli import endpoint, models
from contender.errors import ContenderError
from contender.registry import Role, Status
from tests.lambdas.fakes import FakeSageMaker, client_error
from tests.lambdas.world import World

REPORT = {
    "binary_classification_metrics": {"auc": {"value": 0.9871, "standard_deviation": 0.002}},
    "gate": {
        "passed": True,
        "reason": "Passed: AUC 0.9871 reaches the floor of 0.75 (gates.min_auc)",
        "rules": {
            "auc": {
                "figure": 0.9871,
                "limit": 0.75,
                "verdict": "passed",
                "sentence": "AUC 0.9871 reaches the floor of 0.75 (gates.min_auc)",
            }
        },
    },
}


class FakeS3:
    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) != ("artifacts", "evaluation.json"):
            raise client_error("GetObject", "NoSuchKey", "no such key", 404)
        return {"Body": io.BytesIO(json.dumps(REPORT).encode())}


class FakeRuntime:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refusal: ClientError | None = None

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.refusal:
            raise self.refusal
        variant = request.get("TargetVariant", "v1")
        return {"Body": io.BytesIO(b"0.25\n0.75\n"), "InvokedProductionVariant": variant}


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    """Dimension A with a champion and a challenger, SM-1 with a version that waits, and somebody else's group."""
    sagemaker = FakeSageMaker()
    world = World("A", sagemaker)
    for _ in range(2):
        sagemaker.packages[world.roll_out()] |= {
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": "s3://artifacts/evaluation.json"}
                }
            },
            "CustomerMetadataProperties": {"dataUri": "s3://data/A/x.csv"},
        }
    World("SM-1", sagemaker).register("PendingManualApproval")
    sagemaker.register("contenders-B")
    return sagemaker


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def run(sagemaker: FakeSageMaker, runtime: FakeRuntime, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    clients = {"sagemaker": sagemaker, "sagemaker-runtime": runtime, "s3": FakeS3()}
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, data: str | None = None) -> Result:
        command = {"models": models.command, "endpoint": endpoint.command}[words[0]]
        return CliRunner().invoke(command, words[1:], input=data, obj=lambda service, region: clients[service])

    return invoke


def test_lists_every_version_of_every_dimension_newest_first(run: Any) -> None:
    rows = json.loads(run("models", "list", "--json").stdout)
    assert [(row["dimension"], row["version"], row["role"], row["status"]) for row in rows] == [
        ("A", 2, "Challenger", "InService"),
        ("A", 1, "Champion", "InService"),
        ("SM-1", 1, "Challenger", "Pending"),
    ]
    assert [row.get("auc") for row in rows] == [0.9871, 0.9871, None]


def test_lists_as_a_table(run: Any) -> None:
    table = run("models", "list", "--dimension", "A").stdout
    assert "Champion" in table
    assert "0.9871" in table
    assert "SM-1" not in table


def test_shows_the_champion_unless_a_version_is_asked_for(run: Any) -> None:
    assert json.loads(run("models", "show", "A", "--json").stdout)["version"] == 1
    details = json.loads(run("models", "show", "A", "2", "--json").stdout)
    assert details["version"] == 2
    assert details["metadata"] == {"dataUri": "s3://data/A/x.csv"}
    assert details["evaluation"] == REPORT
    assert json.loads(run("models", "show", "SM-1", "--json").stdout)["status"] == "Pending"


def test_shows_findings_and_lineage_as_fields(run: Any) -> None:
    table = run("models", "show", "A").stdout
    for text in (
        "0.9871",
        "gate auc",
        "passed: AUC 0.9871 reaches the floor",
        "s3://data/A/x.csv",
        "contender-A/1/model.tar.gz",
    ):
        assert text in table


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("models", "show", "A", "3"), "dimension 'A' has no version 3: it has 1, 2"),
        (("models", "show", "B"), "dimension 'B' has no versions yet"),
        (("models", "list", "--dimension", "B"), "dimension 'B' has no versions yet"),
        (("models", "list", "--dimension", "a_b"), "dimension 'a_b' cannot be a name"),
        (("endpoint", "show", "SM-1"), "dimension 'SM-1' has no endpoint yet"),
        (("endpoint", "invoke", "A", "--file", "absent.csv"), "cannot read absent.csv: No such file"),
    ],
)
def test_says_what_does_not_exist(run: Any, words: tuple[str, ...], says: str) -> None:
    error = run(*words).exception
    assert isinstance(error, ContenderError)
    assert says in str(error)


def test_shows_live_shares_and_roles(run: Any, sagemaker: FakeSageMaker) -> None:
    sagemaker.set_weights("contender-A", v1=3.0, v2=1.0)
    data = json.loads(run("endpoint", "show", "A", "--json").stdout)
    assert data["status"] == "InService"
    assert [(item["variant"], item["role"], item["share"]) for item in data["variants"]] == [
        ("v1", "Champion", 0.75),
        ("v2", "Challenger", 0.25),
    ]
    assert "contender-A: InService" in run("endpoint", "show", "A").stdout


def test_approves_the_newest_version_that_waits(run: Any, sagemaker: FakeSageMaker) -> None:
    World("SM-1", sagemaker).register("PendingManualApproval")
    (row,) = json.loads(run("models", "approve", "SM-1", "--dry-run", "--json").stdout)
    assert (row["version"], row["approval"]) == (2, "PendingManualApproval")
    (row,) = json.loads(run("models", "approve", "SM-1", "--json").stdout)
    assert (row["version"], row["approval"]) == (2, "Approved")
    assert [row["approval"] for row in json.loads(run("models", "list", "--dimension", "SM-1", "--json").stdout)] == [
        "Approved",
        "PendingManualApproval",
    ]


def test_approves_the_version_that_is_named(run: Any) -> None:
    result = run("models", "approve", "SM-1", "1")
    assert "Approved" in result.stdout
    assert "contender models list --dimension SM-1" in result.stderr
    again = run("models", "approve", "SM-1", "1")
    assert (again.exit_code, "is approved already" in again.stderr) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("A",), "dimension 'A' has no version that waits for approval: version 2 is InService"),
        (("SM-1", "7"), "dimension 'SM-1' has no version 7: it has 1"),
        (("none",), "dimension 'none' has no versions yet: `contender data upload` trains the first"),
    ],
)
def test_says_why_nothing_can_be_approved(run: Any, words: tuple[str, ...], message: str) -> None:
    assert str(run("models", "approve", *words).exception) == message


def test_does_not_approve_what_cannot_be_rolled_out_any_more(run: Any, sagemaker: FakeSageMaker) -> None:
    world = World("B", sagemaker)
    arn = world.register("PendingManualApproval")
    registry.mark(sagemaker, arn, Role.CHALLENGER, Status.FAILED, "the variant never answered")
    assert str(run("models", "approve", "B", "1").exception) == (
        "version 1 of dimension 'B' cannot be rolled out: it is Failed (the variant never answered);"
        " upload again to train another one"
    )


def test_rejects_the_newest_version_that_waits_and_keeps_the_reason(run: Any, sagemaker: FakeSageMaker) -> None:
    arn = World("SM-1", sagemaker).register("PendingManualApproval")
    (row,) = json.loads(run("models", "reject", "SM-1", "--dry-run", "--json").stdout)
    assert (row["version"], row["approval"]) == (2, "PendingManualApproval")
    (row,) = json.loads(run("models", "reject", "SM-1", "--reason", "too slow\non phones", "--json").stdout)
    assert (row["version"], row["approval"]) == (2, "Rejected")
    assert sagemaker.packages[arn]["ApprovalDescription"] == "too slow on phones"
    again = run("models", "reject", "SM-1", "2")
    assert (again.exit_code, "is rejected already" in again.stderr) == (0, True)
    assert json.loads(run("models", "approve", "SM-1", "2", "--json").stdout)[0]["approval"] == "Approved"


def test_an_approved_version_can_be_rejected_until_its_roll_out_begins(run: Any, sagemaker: FakeSageMaker) -> None:
    World("SM-1", sagemaker).register("Approved")
    assert json.loads(run("models", "reject", "SM-1", "2", "--json").stdout)[0]["approval"] == "Rejected"
    assert str(run("models", "reject", "A", "2").exception) == (
        "version 2 of dimension 'A' is rolled out already (Challenger, InService):"
        " `contender rollout rollback A 2` takes a challenger back"
    )


def test_there_is_nothing_to_reject_in_a_version_that_has_left(run: Any, sagemaker: FakeSageMaker) -> None:
    arn = World("B", sagemaker).register("Approved")
    registry.mark(sagemaker, arn, Role.RETIRED, Status.REMOVED, "more errors")
    assert str(run("models", "reject", "B", "1").exception) == (
        "version 1 of dimension 'B' is Removed (more errors): it does not come back, so there is nothing to reject"
    )


def test_prints_one_probability_a_line_and_names_the_variant_beside_it(run: Any, runtime: FakeRuntime) -> None:
    result = run("endpoint", "invoke", "A", "--row", "OH,1,2", "--row", "NJ,3,4", "--target-variant", "v2")
    assert result.stdout == "0.25\n0.75\n"
    assert "answered by v2" in result.stderr
    (request,) = runtime.requests
    assert (request["EndpointName"], request["Body"]) == ("contender-A", b"OH,1,2\nNJ,3,4")
    assert (request["ContentType"], request["TargetVariant"]) == ("text/csv", "v2")


def test_takes_records_files_and_standard_input(run: Any, runtime: FakeRuntime, tmp_path: Any) -> None:
    (tmp_path / "rows.json").write_text('[{"State": "OH"}]')
    answer = run("endpoint", "invoke", "A", "--file", "rows.json", "--json").stdout
    assert json.loads(answer) == {"variant": "v1", "predictions": [0.25, 0.75]}
    run("endpoint", "invoke", "A", "--row", '{"State": "OH"}')
    run("endpoint", "invoke", "A", "--file", "-", data="OH,1,2\n")
    assert [request["ContentType"] for request in runtime.requests] == [
        "application/json",
        "application/jsonlines",
        "text/csv",
    ]
    assert runtime.requests[-1]["Body"] == b"OH,1,2\n"


@pytest.mark.parametrize("words", [(), ("--row", "1", "--file", "-")])
def test_rows_come_from_one_place(run: Any, words: tuple[str, ...]) -> None:
    assert run("endpoint", "invoke", "A", *words).exit_code == 2


def test_a_refused_row_is_told_in_the_models_words(run: Any, runtime: FakeRuntime) -> None:
    runtime.refusal = ClientError(
        {
            "Error": {"Code": "ModelError", "Message": "Received client error (400) from primary"},
            "OriginalMessage": "row 1: expected 20 columns, got 3",
        },
        "InvokeEndpoint",
    )
    error = run("endpoint", "invoke", "A", "--row", "1,2,3").exception
    assert str(error) == "endpoint contender-A refused the rows: row 1: expected 20 columns, got 3"


def test_an_endpoint_or_variant_that_does_not_exist_is_told(run: Any, runtime: FakeRuntime) -> None:
    runtime.refusal = client_error("InvokeEndpoint", "ValidationError", "Variant v9 not found")
    error = run("endpoint", "invoke", "A", "--row", "1", "--target-variant", "v9").exception
    assert str(error) == "endpoint contender-A cannot be asked: Variant v9 not found"
