"""Scoring a file, against pipelines and S3 in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contender import batch
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.executions.snapshot import ANY_FAILURE, Snapshot, Step
from contender.naming import Names
from tests.pipelines.fakes import FakePipelines, FakeS3

NAMES = Names("contender")
REQUEST = batch.Request("A", "s3://data/march.csv", "7", side_by_side=True)


def snapshot(status: str, *steps: Step, reason: str = "") -> Snapshot:
    return Snapshot("arn", "A-00000001", status, reason, {}, steps, datetime.now(UTC))


def test_the_same_content_is_sent_once(tmp_path: Path) -> None:
    s3, path = FakeS3(), tmp_path / "march.csv"
    path.write_text("a\n1\n")
    uri = batch.target_uri("artifacts", "A", path)
    assert uri.startswith("s3://artifacts/batch/A/uploads/")
    assert uri.endswith("/march.csv")
    batch.upload(s3, path, uri)
    batch.upload(s3, path, batch.target_uri("artifacts", "A", path))
    assert len(s3.order) == 1
    path.write_text("a\n2\n")
    assert batch.target_uri("artifacts", "A", path) != uri


def test_a_request_holds_the_version_that_is_there_now() -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="data", Key="a#b?.csv", Body=b"")
    request = batch.plan(s3, "A", "s3://data/a#b?.csv", side_by_side=False)
    assert request.parameters == {
        "Dimension": "A",
        "InputDataUri": "s3://data/a#b?.csv",
        "DataVersion": "0123abcd",
        "SideBySide": "false",
    }


@pytest.mark.parametrize(
    ("uri", "said"),
    [("s3://data/gone.csv", "does not exist"), ("https://data/a.csv", "no S3 object"), ("s3://data", "no S3 object")],
)
def test_what_is_not_there_is_named(uri: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        batch.plan(FakeS3(), "A", uri, side_by_side=False)


def test_starts_an_execution_that_tells_its_dimension() -> None:
    sagemaker = FakePipelines()
    with pytest.raises(NotFoundError, match="'contender-batch' does not exist"):
        batch.start(sagemaker, NAMES, REQUEST)
    sagemaker.pipelines["contender-batch"] = {}
    batch.start(sagemaker, NAMES, REQUEST)
    assert sagemaker.executions[0]["name"].startswith("A-")


def test_the_result_is_where_the_last_step_wrote_it() -> None:
    class Jobs(FakePipelines):
        def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, object]:
            assert ProcessingJobName == "job-1"
            return {"ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://artifacts/out"}}]}}

    s3 = FakeS3()
    s3.put_object(Bucket="artifacts", Key="out/summary.json", Body=json.dumps({"rows": 3}).encode())
    job = {"ProcessingJob": {"Arn": "arn:aws:sagemaker:us-east-1:000000000000:processing-job/job-1"}}
    steps = [Step("Compare", "", "Processing", "Skipped"), Step("Collect", "", "Processing", "Succeeded", metadata=job)]
    scored = batch.result(Jobs(), s3, snapshot("Succeeded", *steps))
    assert scored.predictions_uri == "s3://artifacts/out/predictions.csv"
    assert scored.summary == {"rows": 3}


def test_an_execution_that_left_nothing_says_why() -> None:
    with pytest.raises(DeploymentError, match="execution A-00000001 failed: no rows"):
        batch.result(FakePipelines(), FakeS3(), snapshot("Failed", reason=f"{ANY_FAILURE}no rows"))
