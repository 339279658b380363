"""An execution started by hand: in which pipeline it runs, by what its search may continue and what it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contender.errors import DataError
from contender.executions import control
from contender.executions.dimension_lock import DimensionLock
from contender.executions.listing import LOOKS_BACK
from contender.naming import Names
from tests.lambdas.fakes import FakeDynamoDB, FakeSageMaker
from tests.lambdas.test_warm_start import DEFINITION, add_version
from tests.pipelines.fakes import FakeS3

NAMES = Names("contender")


@pytest.mark.parametrize(
    ("options", "pipeline", "parent", "reason"),
    [
        ({}, "contender-warm", "first", "the search continues tuning job first"),
        ({"PreviousTuningJob": "none"}, "contender", "none", ""),
        ({"PreviousTuningJob": "mine"}, "contender-warm", "mine", ""),
    ],
)
def test_a_search_continues_the_previous_one_or_what_it_is_told(
    options: dict[str, str], pipeline: str, parent: str, reason: str
) -> None:
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    sagemaker.definition = json.dumps(DEFINITION)
    add_version(sagemaker, data="older", tuning="first", previous="none")
    s3.put_object(Bucket="data", Key="A/x.csv", Body=b"x")
    plan = control.plan_start(sagemaker, s3, NAMES, "A", "s3://data/A/x.csv", options)
    assert plan.reason == reason
    lock: Any = DimensionLock(FakeDynamoDB(), sagemaker, "contender-locks")
    control.start(sagemaker, lock, NAMES, plan, datetime(2026, 1, 1, tzinfo=UTC))
    (request,) = sagemaker.made("StartPipelineExecution")
    assert request["PipelineName"] == pipeline
    assert {"Name": "PreviousTuningJob", "Value": parent} in request["PipelineParameters"]


def test_a_long_history_is_not_read_to_find_who_runs() -> None:
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    s3.put_object(Bucket="data", Key="A/x.csv", Body=b"x")
    for number in range(5 * LOOKS_BACK):
        arn = sagemaker.arn(f"pipeline/contender/execution/{number:012d}")
        named = {"PipelineExecutionDisplayName": f"B-{number:08x}"}
        sagemaker.executions[arn] = {"status": "Succeeded", "request": named, "started": sagemaker.now, "token": ""}
    control.plan_start(sagemaker, s3, NAMES, "A", "s3://data/A/x.csv")
    assert len(sagemaker.made("ListPipelineExecutions")) <= LOOKS_BACK


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("s3://data", "is no S3 object"),
        ("https://data/A/x.csv", "is no S3 object"),
        ("s3://data/A/x.csv", "does not exist: upload it"),
        ("s3://data/A/x?.csv", "cannot be recorded with a version"),
    ],
)
def test_what_is_no_upload_is_refused(uri: str, says: str) -> None:
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    with pytest.raises(DataError, match=says):
        control.plan_start(sagemaker, s3, NAMES, "A", uri)
