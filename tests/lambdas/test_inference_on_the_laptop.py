"""Files to predictions, whole, on the laptop: real queues, functions, models, and the batch pipeline."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contender.config import Settings, load
from contender.deployment import Cloud, deploy
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
    filing = Filing(clients, settings, {**core.outputs, **stack.outputs})
    chain = Chain(tmp_path_factory.mktemp("model")).upload(to_csv([list(COLUMNS), *generate("region-1", 1000, 1)]))
    assert chain.preprocess() == 0
    assert chain.train(20).package() == 0
    serve(filing, "A", chain.root / "artifact" / "model.tar.gz")
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


def test_a_file_becomes_predictions(filing: Filing) -> None:
    rows = [list(COLUMNS), *generate("region-1", 250, seed=5)]
    file = filing.ended("A", filing.drop("A", "march.csv", to_csv(rows)))
    report = filing.report(file)
    assert (report["rows"], report["scored"], report["failed"]) == (250, 250, 0)
    assert report["scored_by"] == {"v1": 250}
    found = filing.rows(file)
    assert [row["row"] for row in found] == list(range(1, 251))
    s3, bucket = filing.clients("s3"), filing.outputs["InferenceBucket"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="inference/A/march.csv")


def test_a_file_has_the_same_predictions_on_either_way(filing: Filing) -> None:
    """Beside a poisoned row, with a column that is no feature and rows with line breaks in it."""
    header, *rows = [list(COLUMNS), *generate("region-1", 250, seed=6)]
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
