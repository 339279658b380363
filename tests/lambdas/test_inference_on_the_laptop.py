"""Files to predictions, whole, on the laptop: real queues, functions, models, and the batch pipeline."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contender.cli import inference as commands
from contender.config import Settings, load
from contender.deployment import Cloud, deploy
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.naming import Names
from contender.pipeline.compiling import compile_project
from contender.pipeline.targets import batch as batch_target
from contender.pipeline.upserting import upsert
from contender.sample_data import COLUMNS, generate
from contender.scoring.file import File
from contender.scoring.rows import to_csv
from contender.scoring.store import Store
from contender.stacks import core_parameters, inference_parameters
from tests.conftest import REPOSITORY, Clients
from tests.local.running import eventually
from tests.steps.chain import Chain

PROJECT = "filing"
ROLE = "arn:aws:iam::000000000000:role/filing-model-us-east-1"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
MAX_FILE_MB = 0.05


@dataclass(frozen=True)
class Filing:
    """A deployed project whose champion was made by hand."""

    clients: Clients
    settings: Settings
    outputs: Mapping[str, str]
    archive: Path

    @property
    def store(self) -> Store:
        return Store(self.clients("dynamodb"), self.outputs["PredictionsTable"])

    def drop(self, dimension: str, name: str, content: str | bytes) -> str:
        body = content.encode() if isinstance(content, str) else content
        self.clients("s3").put_object(
            Bucket=self.outputs["InferenceBucket"], Key=f"inference/{dimension}/{name}", Body=body
        )
        return name

    def ended(self, dimension: str, name: str, patience_s: float = 30.0) -> File:
        def look() -> File | None:
            found = self.store.files(dimension, name)
            return found[0] if found and found[0].state in ("finished", "refused") else None

        return eventually(look, patience_s)

    def rows(self, file: File) -> list[dict[str, Any]]:
        return list(self.store.rows(file))

    def report(self, file: File, folder: str = "processed") -> dict[str, Any]:
        key = f"{folder}/{file.dimension}/{file.upload}/{file.file}.report.json"
        body = self.clients("s3").get_object(Bucket=self.outputs["InferenceBucket"], Key=key)["Body"]
        found: dict[str, Any] = json.loads(body.read())
        return found


@pytest.fixture(scope="module")
def filing(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Filing:
    overrides = {"project": PROJECT, "inference.rows_per_message": 100, "inference.max_file_mb": MAX_FILE_MB}
    settings = load(REPOSITORY / "contender.yaml", environ={}, overrides=overrides)
    cloud = Cloud(clients("cloudformation"), clients("s3"), "000000000000", "us-east-1")
    names, infra = Names(PROJECT), REPOSITORY / "infra"
    core = deploy(cloud, names, infra / "core.yaml", core_parameters(settings), root=REPOSITORY)
    stack = deploy(
        cloud,
        names,
        infra / "inference.yaml",
        {**inference_parameters(settings), "RetryDelaySeconds": "1", "Tries": "3"},
        root=REPOSITORY,
        stack=names.stack("inference"),
    )
    target = batch_target(settings)
    compiled = compile_project(settings, core.outputs, REPOSITORY, target)
    upsert(clients("sagemaker"), clients("s3"), settings, core.outputs["PipelineRoleArn"], compiled, target)
    chain = Chain(tmp_path_factory.mktemp("model")).upload(to_csv([list(COLUMNS), *generate("region-1", 1000, 1)]))
    assert chain.preprocess() == 0
    assert chain.train(20).package() == 0
    archive = chain.root / "artifact" / "model.tar.gz"
    filing = Filing(clients, settings, {**core.outputs, **stack.outputs}, archive)
    serve(filing, "A", archive)
    return filing


def serve(filing: Filing, dimension: str, archive: Path) -> None:
    """A champion on an endpoint of its own."""
    sagemaker, names = filing.clients("sagemaker"), Names(PROJECT)
    bucket, key = filing.outputs["ArtifactBucket"], f"by-hand/{uuid.uuid4()}/model.tar.gz"
    filing.clients("s3").upload_file(str(archive), bucket, key)
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{key}", "Environment": SERVING}
    group = names.group(dimension)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelApprovalStatus="Approved",
        ModelLifeCycle={"Stage": "Champion", "StageStatus": "InService", "StageDescription": "made by a test"},
    )
    sagemaker.create_model(ModelName=names.model(dimension, 1), ExecutionRoleArn=ROLE, PrimaryContainer=container)
    endpoint = names.endpoint(dimension)
    variant = {
        "VariantName": "v1",
        "ModelName": names.model(dimension, 1),
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=f"{endpoint}-0123456789", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-0123456789")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService")


def run(filing: Filing, *words: str) -> Result:
    result = CliRunner().invoke(commands.command, words, obj=lambda service, region: filing.clients(service))
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose settings name the deployed project."""
    (tmp_path / "contender.yaml").write_text(f"project: {PROJECT}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(count: int, seed: int = 5) -> list[list[str]]:
    return [list(COLUMNS), *generate("region-1", count, seed)]


def test_a_file_is_uploaded_followed_and_read_by_hand(filing: Filing, project: Path) -> None:
    header, *rows = table(250)
    rows[30][header.index("Day Mins")] = "many"
    (project / "march.csv").write_text(to_csv([header, *rows]))
    assert json.loads(run(filing, "upload", "A", "march.csv", "--dry-run", "--json").stdout)[0]["uri"].endswith(
        "-us-east-1/inference/A/march.csv"
    )
    with pytest.raises(NotFoundError, match=r"dimension 'A' has no file 'march\.csv'"):
        run(filing, "results", "A", "march.csv")
    run(filing, "upload", "A", "march.csv")
    result = run(filing, "results", "A", "march.csv", "--wait", "--timeout", "60", "--output", "out.csv")
    assert "1 of 250 rows failed; which and why: s3://" in result.stderr
    with (project / "out.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [int(row["row"]) for row in read] == [number for number in range(1, 251) if number != 31]
    assert {row["variant"] for row in read} == {"v1"}
    assert {int(row["prediction"]) == (float(row["probability"]) >= 0.5) for row in read} == {True}
    (told,) = json.loads(run(filing, "status", "A", "march.csv", "--json").stdout)
    assert (told["state"], told["rows"], told["settled"], told["scored"], told["failed"]) == (
        "finished",
        250,
        "3/3",
        249,
        1,
    )
    assert told in json.loads(run(filing, "status", "--json").stdout)
    s3, bucket = filing.clients("s3"), filing.outputs["InferenceBucket"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="inference/A/march.csv")


def test_the_results_of_a_name_are_those_of_its_newest_upload(filing: Filing, project: Path) -> None:
    (project / "april.csv").write_text(to_csv(table(100)))
    run(filing, "upload", "A", "april.csv")
    run(filing, "results", "A", "april.csv", "--wait", "--timeout", "60")
    s3, bucket = filing.clients("s3"), filing.outputs["InferenceBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        run(filing, "upload", "A", "april.csv")
        with pytest.raises(DeploymentError, match=r"upload \w+ of file 'april\.csv' is not taken in yet; wait for it"):
            run(filing, "results", "A", "april.csv")
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        s3.delete_object(Bucket=bucket, Key="inference/A/april.csv")


def test_what_failed_is_tried_again_by_hand(filing: Filing, project: Path) -> None:
    """A dimension without a champion gets one; then its refused file is scored."""
    filing.drop("B", "march.csv", to_csv(table(100)))
    file = filing.ended("B", "march.csv")
    assert file.state == "refused"
    with pytest.raises(DataError, match=r"file 'march\.csv' was refused: dimension 'B' has no champion"):
        run(filing, "results", "B", "march.csv")
    eventually(lambda: filing.store.files("B", "march.csv")[0].sent)
    assert file.upload in {told["upload"] for told in json.loads(run(filing, "status", "--json").stdout)}

    def retry(*words: str) -> list[dict[str, Any]]:
        letters: list[dict[str, Any]] = json.loads(run(filing, "retry", "--json", *words).stdout)
        return [letter for letter in letters if letter["kind"] == "file"]

    (would,) = retry("--dry-run")
    assert (would["what"], would["action"]) == ("inference/B/march.csv", "would be tried")
    serve(filing, "B", filing.archive)
    (done,) = retry()
    assert done["action"] == "tried again"
    eventually(lambda: filing.store.files("B", "march.csv")[0].state == "finished")
    assert filing.store.files("B", "march.csv")[0].scored == 100


def test_a_file_has_the_same_predictions_on_either_way(filing: Filing) -> None:
    """Beside a poisoned row, with a column that is no feature and rows with line breaks in it."""
    header, *rows = table(250, seed=6)
    rows[20][header.index("Day Mins")] = "many"
    small = to_csv([[*header, "Note"], *([*row, f"line\n{number}"] for number, row in enumerate(rows))])
    large = to_csv([[*header, "Note"], *([*row, f"line\n{number}" + " " * 400] for number, row in enumerate(rows))])
    assert len(small) < MAX_FILE_MB * 1_000_000 < len(large)
    one = filing.ended("A", filing.drop("A", "small.csv", small))
    other = filing.ended("A", filing.drop("A", "large.csv", large), patience_s=90)
    ways = [filing.report(file) for file in (one, other)]
    assert [report["way"] for report in ways] == ["endpoint", "batch"]
    assert ways[0]["problems"] == ways[1]["problems"]
    assert [(report["scored"], report["failed"]) for report in ways] == [(249, 1)] * 2
    kept = [
        [(row["row"], row["prediction"], row["probability"], row["variant"]) for row in filing.rows(file)]
        for file in (one, other)
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 249


def test_the_churn_files_that_nobody_here_wrote(filing: Filing, real_data: Path) -> None:
    raw = real_data / "training" / "DummyDim1" / "churn_dummy_dim1.csv"
    encoded = real_data / "inference" / "DummyDim1" / "dim_1_test.csv"
    many = filing.ended("A", filing.drop("A", raw.name, raw.read_bytes()), patience_s=120)
    assert (many.rows, many.scored, many.failed) == (5000, 5000, 0)
    refused = filing.ended("A", filing.drop("A", encoded.name, encoded.read_bytes()))
    assert refused.reason.startswith(
        "dim_1_test.csv lacks 8 of the 19 columns of champion v1: State, Area Code, Int'l Plan"
    )
    assert "Expected are raw rows as in training, with the columns State, Account Length" in refused.reason
    assert "Churn?_True." in refused.reason
