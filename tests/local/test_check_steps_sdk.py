"""The SDK's own check steps run on a laptop, in the images' places: a first run, unchanged data, moved data."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from contender.local.launcher.laptop import Laptop
from tests.conftest import Clients
from tests.local.running import eventually

pytest.importorskip("sagemaker.core", reason="the SDK compiles the definition")

PROGRAM = Path(__file__).with_name("sdk_checks.py")
GROUP = "sdk-checks"
PREFIX = "sdk-checks"
ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
CHECKS = {
    "DataQuality": "QualityCheck",
    "ModelQuality": "QualityCheck",
    "DataBias": "ClarifyCheck",
    "ModelBias": "ClarifyCheck",
    "Explainability": "ClarifyCheck",
}
ROWS = 400
ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")


class Checks:
    """The pipeline on a laptop, its data, and its model."""

    def __init__(self, clients: Clients, bucket: str, environment: dict[str, str]) -> None:
        self.clients, self.bucket = clients, bucket
        self.sagemaker = clients("sagemaker")
        numbers = np.random.default_rng(7)
        facet = numbers.integers(0, 2, ROWS)
        self.features = np.column_stack([facet, numbers.random(ROWS), numbers.random(ROWS)])
        chance = 1 / (1 + np.exp(-6 * (self.features[:, 1] - 0.6 + 0.2 * facet)))
        self.labels = (numbers.random(ROWS) < chance).astype(int)
        parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1, "seed": 1}
        self.booster = xgboost.train(parameters, xgboost.DMatrix(self.features, self.labels), 20)
        archive = self._put("model.tar.gz", _packed("xgboost-model", bytes(self.booster.save_raw("ubj"))))
        container = {"Image": IMAGE, "ModelDataUrl": archive}
        self.sagemaker.create_model(ModelName=PREFIX, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        done = subprocess.run(
            [sys.executable, PROGRAM, bucket, PREFIX, PREFIX, archive, GROUP],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        self.sagemaker.create_pipeline(
            PipelineName=PREFIX, PipelineDefinition=done.stdout[done.stdout.index('{"Version"') :], RoleArn=ROLE
        )

    def upload(self, name: str, features: Any, labels: Any) -> dict[str, str]:
        """The rows and what the model says of them, as two CSV files; the answer is the pipeline's parameters."""
        probabilities = self.booster.predict(xgboost.DMatrix(features))
        rows = [f"{label},{facet:g},{x:.6f},{y:.6f}" for label, (facet, x, y) in zip(labels, features, strict=True)]
        said = [f"{label},{int(p > 0.5)},{p:.6f}" for label, p in zip(labels, probabilities, strict=True)]
        return {
            "Data": self._put(f"{name}/data.csv", "\n".join(["label,facet,x,y", *rows]).encode()),
            "Predictions": self._put(
                f"{name}/predictions.csv", "\n".join(["label,prediction,probability", *said]).encode()
            ),
        }

    def run(self, **parameters: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """One execution to its end, and its steps."""
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        arn = self.sagemaker.start_pipeline_execution(PipelineName=PREFIX, PipelineParameters=given)[
            "PipelineExecutionArn"
        ]

        def ended() -> dict[str, Any] | None:
            described: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return described if described["PipelineExecutionStatus"] in ENDED else None

        execution = eventually(ended, 120)
        assert execution
        steps = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        return execution, {step["StepName"]: step for step in steps}

    def versions(self) -> list[dict[str, Any]]:
        """The registered versions, oldest first."""
        found = self.sagemaker.list_model_packages(
            ModelPackageGroupName=GROUP, SortBy="CreationTime", SortOrder="Ascending"
        )["ModelPackageSummaryList"]
        return [self.sagemaker.describe_model_package(ModelPackageName=version["ModelPackageArn"]) for version in found]

    def report(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        bucket, _, key = shown(step)["ViolationReport"].removeprefix("s3://").partition("/")
        found: list[dict[str, Any]] = json.loads(self.clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read())[
            "violations"
        ]
        return found

    def _put(self, key: str, body: bytes) -> str:
        self.clients("s3").put_object(Bucket=self.bucket, Key=f"{PREFIX}/{key}", Body=body)
        return f"s3://{self.bucket}/{PREFIX}/{key}"


def _packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def shown(step: dict[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = step["Metadata"][CHECKS[step["StepName"]]]
    return metadata


@pytest.fixture(scope="module")
def checks(laptop: Laptop, clients: Clients, bucket: str) -> Checks:
    own = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
    return Checks(clients, bucket, {**own, **laptop.env()})


def test_the_five_checks_of_the_sdk_over_the_life_of_a_baseline(checks: Checks) -> None:
    data = checks.upload("first", checks.features, checks.labels)

    execution, steps = checks.run(**data)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert {name for name, step in steps.items() if "has no approved version" in step["FailureReason"]} == set(CHECKS)

    execution, steps = checks.run(**data, SkipCheck="true", RegisterNewBaseline="true")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    (first,) = checks.versions()
    calculated = shown(steps["DataQuality"])["CalculatedBaselineStatistics"]
    assert first["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"] == calculated
    assert first["ModelMetrics"]["ModelDataQuality"]["Statistics"]["S3Uri"] == calculated

    execution, steps = checks.run(**data)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    for name in CHECKS:
        assert "ViolationReport" not in shown(steps[name]), checks.report(steps[name])
    assert checks.versions()[1]["DriftCheckBaselines"] == first["DriftCheckBaselines"]
    assert checks.versions()[1]["ModelMetrics"] != first["ModelMetrics"]

    execution, steps = checks.run(**data)
    assert {name for name, step in steps.items() if "CacheHitResult" in step} == set(CHECKS)

    moved = checks.features + np.array([0, 0.3, 0])
    moved[:, 0] = np.where(checks.labels == 1, 1, moved[:, 0])
    other = checks.upload("moved", moved, np.where(np.arange(ROWS) % 3, checks.labels, 1 - checks.labels))
    execution, steps = checks.run(**other, FailOnViolation="false")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    for name in ("DataQuality", "ModelQuality", "DataBias", "ModelBias"):
        assert checks.report(steps[name]), name
    assert "x" in {violation["feature_name"] for violation in checks.report(steps["DataQuality"])}

    execution, steps = checks.run(**other)
    assert execution["PipelineExecutionStatus"] == "Failed"
    reason = steps["DataQuality"]["FailureReason"]
    assert "Quality check failed. See violation report s3://" in reason
    assert "x: The mean moved from" in reason
    assert "Clarify check failed. See violation report s3://" in steps["DataBias"]["FailureReason"]
    assert len(checks.versions()) == 4, "nothing was registered"

    missing = f"s3://{checks.bucket}/{PREFIX}/nothing.json"
    execution, steps = checks.run(**data, SuppliedBias=missing)
    assert steps["DataBias"]["FailureReason"] == (
        f"ClientError: SuppliedBaselineConstraints does not exist: there is no object {missing}"
    )
