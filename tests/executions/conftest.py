"""The fakes of a test, and the pipeline commands run against them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contender.cli import pipeline
from tests.executions.fakes import FakeExecutions, FakeLogs, Run
from tests.lambdas.fakes import FakeDynamoDB
from tests.pipelines.fakes import FakeCloudFormation, FakeS3


@pytest.fixture
def sagemaker() -> FakeExecutions:
    return FakeExecutions()


@pytest.fixture
def s3() -> FakeS3:
    found = FakeS3()
    said = {
        "violations": [
            {"feature_name": "Day Mins", "constraint_check_type": "baseline_drift_check", "description": "moved\nfar"},
            {"feature_name": "State", "constraint_check_type": "data_type_check"},
        ]
    }
    found.put_object(
        Bucket="contender-artifacts", Key="report/constraint_violations.json", Body=json.dumps(said).encode()
    )
    return found


@pytest.fixture
def dynamodb() -> FakeDynamoDB:
    return FakeDynamoDB()


@pytest.fixture
def run(
    sagemaker: FakeExecutions, s3: FakeS3, dynamodb: FakeDynamoDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.chdir(tmp_path)
    clients = {
        "sagemaker": sagemaker,
        "s3": s3,
        "cloudformation": FakeCloudFormation(),
        "dynamodb": dynamodb,
        "logs": FakeLogs(),
    }

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(pipeline.command, words, obj=lambda service, region: clients[service])

    return invoke
