"""Retry policies and step caching, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ApiError, InternalFailure, ResourceLimitExceeded, ValidationException
from contender.local.pipelines import caching, retries
from tests.local.small_sagemaker import Sagemaker, get, lambda_step, parameter, processing, training, tuning

POLICY = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"], "MaxAttempts": 2}
CACHED = {"Enabled": True, "ExpireAfter": "P30D"}


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def test_tries_a_named_failure_again_with_growing_pauses(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["InternalServerError: try again", "CapacityError: none left", "Completed"]}
    execution = sagemaker.run(training("T", RetryPolicies=[{**POLICY, "IntervalSeconds": 5, "BackoffRate": 3.0}]))
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.waits == [5, 15]
    assert len(set(sagemaker.jobs.names("T"))) == 3
    assert sagemaker.steps(execution)["T"]["AttemptCount"] == 3


def test_gives_up_after_the_last_attempt(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["InternalServerError: again"] * 5}
    execution = sagemaker.run(training("T", RetryPolicies=[POLICY]))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert len(sagemaker.jobs.names("T")) == 3


def test_gives_up_when_the_time_is_over(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["InternalServerError: again"] * 9}
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 20, "ExpireAfterMin": 2}
    sagemaker.run(training("T", RetryPolicies=[policy]))
    assert sagemaker.waits == [20, 40]


@pytest.mark.parametrize("reason", ["AlgorithmError: bad data", "ClientError: no such bucket"])
def test_does_not_retry_what_no_policy_names(sagemaker: Sagemaker, reason: str) -> None:
    sagemaker.jobs.outcomes = {"T": [reason]}
    sagemaker.run(training("T", RetryPolicies=[POLICY]))
    assert len(sagemaker.jobs.names("T")) == 1


def test_a_tuning_job_is_not_retried_for_internal_errors(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["InternalServerError: again"]}
    sagemaker.run(tuning("T", RetryPolicies=[POLICY]))
    assert len(sagemaker.jobs.created) == 1


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (InternalFailure("a defect"), 4),
        (ResourceLimitExceeded("too many jobs"), 1),
        (ValidationException("bad request"), 1),
    ],
)
def test_service_faults_are_retried_unasked(sagemaker: Sagemaker, error: ApiError, attempts: int) -> None:
    sagemaker.jobs.refusals = {"T": [error] * 9}
    execution = sagemaker.run(training("T"))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert 9 - len(sagemaker.jobs.refusals["T"]) == attempts


def test_a_policy_for_the_resource_limit_waits_for_room(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.refusals = {"T": [ResourceLimitExceeded("too many jobs")]}
    policy = {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 60, "MaxAttempts": 1}
    assert sagemaker.run(training("T", RetryPolicies=[policy]))["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.waits == [60]


def test_a_stop_ends_the_pause_before_a_retry(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["InternalServerError: again", "Completed"]}

    def stopped_meanwhile(event: Any, seconds: float) -> bool:
        sagemaker("StopPipelineExecution", PipelineExecutionArn=arn[0], ClientRequestToken=sagemaker.token())
        assert event.wait(10)
        return True

    arn: list[str] = []
    sagemaker.engine._wait = stopped_meanwhile
    sagemaker.create(processing("A"), training("T", DependsOn=["A"], RetryPolicies=[POLICY]))
    sagemaker.jobs.outcomes["A"] = ["Hold"]
    arn.append(sagemaker.begin())
    sagemaker.jobs.release("A")
    assert sagemaker.finish(arn[0])["PipelineExecutionStatus"] == "Stopped"
    assert sagemaker.statuses(arn[0]) == {"A": "Succeeded", "T": "Stopped"}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("InternalServerError: x", retries.JOB_INTERNAL_ERROR),
        ("CapacityError: x", retries.CAPACITY_ERROR),
        ("ResourceLimitExceeded: x", retries.RESOURCE_LIMIT),
        ("AlgorithmError: InternalServerError", None),
    ],
)
def test_the_reason_of_a_job_says_what_kind_of_failure_it_was(reason: str, kind: str | None) -> None:
    assert retries.of_job(reason) == kind


def test_the_second_run_takes_what_the_first_put_out(sagemaker: Sagemaker) -> None:
    sagemaker.create(
        training("T", CacheConfig=CACHED),
        lambda_step("Tell", {"Uri": get("Steps.T.ModelArtifacts.S3ModelArtifacts")}),
    )
    first, second = (sagemaker.finish(sagemaker.begin()) for _ in range(2))
    assert len(sagemaker.jobs.names("T")) == 1
    hit = sagemaker.steps(second)["T"]
    assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    assert hit["StepStatus"] == "Succeeded"
    assert hit["Metadata"] == sagemaker.steps(first)["T"]["Metadata"]
    one, other = sagemaker.aws.function.payloads
    assert one == other
    hits = [detail["cacheHitResult"] for _, _, detail in sagemaker.events if "cacheHitResult" in detail]
    assert hits == [{"sourcePipelineExecutionArn": first["PipelineExecutionArn"]}]


def test_a_result_expires(sagemaker: Sagemaker) -> None:
    sagemaker.create(training("T", CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"}))
    for advance in ({"minutes": 59}, {"minutes": 2}, {"minutes": 1}):
        sagemaker.finish(sagemaker.begin())
        sagemaker.clock.advance(**advance)
    # The second run was a hit: it does not make the first one younger, so the third trains again.
    assert len(sagemaker.jobs.names("T")) == 2


def test_other_inputs_or_another_pipeline_miss(sagemaker: Sagemaker) -> None:
    step = training("T", data=get("Parameters.Data"), CacheConfig=CACHED)
    for name in ("p", "q"):
        sagemaker.create(step, name=name, parameters=[parameter("Data")])
    for name, data in (("p", "s3://a"), ("p", "s3://b"), ("q", "s3://a"), ("p", "s3://a")):
        sagemaker.finish(sagemaker.begin(name, Data=data))
    assert len(sagemaker.jobs.names("T")) == 3


def test_failures_and_steps_without_caching_are_not_reused(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"T": ["broken"]}
    sagemaker.create(training("T", CacheConfig=CACHED), processing("P", CacheConfig={"Enabled": False}))
    for _ in range(2):
        sagemaker.finish(sagemaker.begin())
    assert len(sagemaker.jobs.names("T")) == 2
    assert len(sagemaker.jobs.names("P")) == 2


def test_where_and_how_long_a_job_runs_is_not_part_of_its_signature() -> None:
    base = training("T")["Arguments"]
    other = {**base, "ResourceConfig": {}, "OutputDataConfig": {}, "StoppingCondition": {}, "RoleArn": "x"}
    assert caching.key("Training", base, {}) == caching.key("Training", other, {})
    changed = {**base, "HyperParameters": {"eta": "0.1"}}
    assert caching.key("Training", base, {}) != caching.key("Training", changed, {})
    assert caching.key("Processing", base, {}) != caching.key("Training", base, {})


def test_the_definition_inside_a_tuning_job_counts_in_part() -> None:
    base = tuning("T")["Arguments"]
    definition = base["TrainingJobDefinition"]
    elsewhere = {**base, "TrainingJobDefinition": {**definition, "OutputDataConfig": {"S3OutputPath": "s3://x"}}}
    changed = {**base, "TrainingJobDefinition": {**definition, "StaticHyperParameters": {"eta": "1"}}}
    assert caching.key("Tuning", base, {}) == caching.key("Tuning", elsewhere, {})
    assert caching.key("Tuning", base, {}) != caching.key("Tuning", changed, {})


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P30D", timedelta(days=30)),
        ("PT1H", timedelta(hours=1)),
        ("p1DT2H30M", timedelta(days=1, hours=2, minutes=30)),
        ("30d", timedelta(days=30)),
        ("5y", timedelta(days=1825)),
        ("T16m", timedelta(minutes=16)),
        ("P2W", timedelta(weeks=2)),
        ("", None),
        ("P", None),
        ("PT", None),
        ("1h", None),
        (30, None),
    ],
)
def test_reads_durations_as_aws_writes_them(text: Any, duration: timedelta | None) -> None:
    assert caching.parse_duration(text) == duration
