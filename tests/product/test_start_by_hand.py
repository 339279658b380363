"""An execution started by hand: in which pipeline it runs, by what its search may continue and what it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contender import executions
from contender.lambdas.dimension_lock import DimensionLock
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
    plan = executions.plan_start(sagemaker, s3, NAMES, "A", "s3://data/A/x.csv", options)
    assert plan.reason == reason
    lock: Any = DimensionLock(FakeDynamoDB(), sagemaker, "contender-locks")
    executions.start(sagemaker, lock, NAMES, plan, datetime(2026, 1, 1, tzinfo=UTC))
    (request,) = sagemaker.made("StartPipelineExecution")
    assert request["PipelineName"] == pipeline
    assert {"Name": "PreviousTuningJob", "Value": parent} in request["PipelineParameters"]
