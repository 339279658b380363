"""Create, update, describe, list and delete pipelines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ConflictException, ResourceNotFound
from tests.local.small_sagemaker import ROLE, Sagemaker, definition, lambda_step, processing, refused, training


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def test_describes_what_was_created(sagemaker: Sagemaker) -> None:
    arn = sagemaker.create(
        lambda_step("A"),
        PipelineDescription="a pipeline",
        PipelineDisplayName="shown",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
        Tags=[{"Key": "team", "Value": "churn"}],
    )
    found = sagemaker("DescribePipeline", PipelineName=arn)
    assert found["PipelineArn"] == arn == "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p"
    assert found["PipelineDefinition"] == definition(lambda_step("A"))
    assert (found["PipelineDescription"], found["PipelineDisplayName"]) == ("a pipeline", "shown")
    assert (found["RoleArn"], found["PipelineStatus"]) == (ROLE, "Active")
    assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
    assert "LastRunTime" not in found
    assert sagemaker("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]


def test_a_token_creates_once_and_a_name_belongs_to_one(sagemaker: Sagemaker) -> None:
    request: dict[str, Any] = {
        "PipelineName": "p",
        "PipelineDefinition": definition(lambda_step("A")),
        "RoleArn": ROLE,
        "ClientRequestToken": sagemaker.token(),
    }
    assert sagemaker("CreatePipeline", **request) == sagemaker("CreatePipeline", **request)
    message = refused(lambda: sagemaker("CreatePipeline", **{**request, "ClientRequestToken": sagemaker.token()}))
    assert message.startswith("Pipeline names must be unique within an AWS account and region.")
    assert "already exists" in message


def test_reads_a_definition_from_s3(sagemaker: Sagemaker) -> None:
    sagemaker.aws.s3.put("s3://code/p.json", json.loads(definition(lambda_step("A"))))
    request = {"PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": sagemaker.token()}
    place = {"Bucket": "code", "ObjectKey": "p.json"}
    sagemaker("CreatePipeline", **request, PipelineDefinitionS3Location=place)
    assert sagemaker("DescribePipeline", PipelineName="p")["PipelineDefinition"] == definition(lambda_step("A"))
    missing = {"Bucket": "code", "ObjectKey": "q.json"}
    message = refused(lambda: sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinitionS3Location=missing))
    assert message == "PipelineDefinitionS3Location: s3://code/q.json cannot be read: no such key"


def test_a_pipeline_needs_one_definition(sagemaker: Sagemaker) -> None:
    request = {"PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": sagemaker.token()}
    assert "is needed" in refused(lambda: sagemaker("CreatePipeline", **request))
    place = {"Bucket": "code", "ObjectKey": "p.json"}
    both = {"PipelineDefinition": definition(lambda_step("A")), "PipelineDefinitionS3Location": place}
    assert "exclude each other" in refused(lambda: sagemaker("CreatePipeline", **request, **both))


def test_a_bad_definition_is_refused_at_create_and_update(sagemaker: Sagemaker) -> None:
    bad = training("Train", DependsOn=["Prepare"])
    message = refused(lambda: sagemaker.create(bad))
    assert message == ("Unable to parse pipeline definition. Step 'Train': DependsOn: there is no step 'Prepare'")
    sagemaker.create(lambda_step("A"))
    assert refused(lambda: sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(bad))) == message
    assert sagemaker("DescribePipeline", PipelineName="p")["PipelineDefinition"] == definition(lambda_step("A"))


def test_updates_what_is_given_and_keeps_the_rest(sagemaker: Sagemaker) -> None:
    arn = sagemaker.create(lambda_step("A"), PipelineDescription="old")
    before = sagemaker("DescribePipeline", PipelineName="p")
    assert sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B"))) == {
        "PipelineArn": arn,
        "PipelineVersionId": 2,
    }
    after = sagemaker("DescribePipeline", PipelineName="p")
    assert after["PipelineDescription"] == "old"
    assert after["PipelineDefinition"] == definition(lambda_step("B"))
    assert after["LastModifiedTime"] > before["LastModifiedTime"]
    assert after["CreationTime"] == before["CreationTime"]


def test_lists_by_prefix_in_order_and_in_pages(sagemaker: Sagemaker) -> None:
    for name in ("churn-b", "churn-a", "other"):
        sagemaker.create(lambda_step("A"), name=name)
    sagemaker.finish(sagemaker.begin("churn-a"))

    def names(**request: Any) -> list[str]:
        return [each["PipelineName"] for each in sagemaker("ListPipelines", **request)["PipelineSummaries"]]

    assert names() == ["other", "churn-a", "churn-b"]
    assert names(PipelineNamePrefix="churn", SortBy="Name", SortOrder="Ascending") == ["churn-a", "churn-b"]
    page = sagemaker("ListPipelines", MaxResults=2)
    rest = sagemaker("ListPipelines", MaxResults=2, NextToken=page["NextToken"])
    assert len(page["PipelineSummaries"]) == 2
    assert len(rest["PipelineSummaries"]) == 1
    summaries = {each["PipelineName"]: each for each in sagemaker("ListPipelines")["PipelineSummaries"]}
    assert "LastExecutionTime" in summaries["churn-a"]
    assert "LastExecutionTime" not in summaries["churn-b"]


@pytest.mark.parametrize(
    ("operation", "request_body"),
    [
        ("DescribePipeline", {}),
        ("UpdatePipeline", {}),
        ("DeletePipeline", {"ClientRequestToken": "t" * 32}),
        ("StartPipelineExecution", {"ClientRequestToken": "t" * 32}),
        ("ListPipelineExecutions", {}),
    ],
)
def test_a_pipeline_that_is_not_there_is_not_found(
    sagemaker: Sagemaker, operation: str, request_body: dict[str, str]
) -> None:
    with pytest.raises(ResourceNotFound, match="pipeline/nope' does not exist"):
        sagemaker(operation, PipelineName="nope", **request_body)


def test_deletes_a_pipeline_with_its_executions_and_results(sagemaker: Sagemaker) -> None:
    step = training("T", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})
    sagemaker.create(step)
    execution = sagemaker.finish(sagemaker.begin())
    token = sagemaker.token()
    for _ in range(2):
        sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=token)
    for operation in ("DescribePipelineExecution", "ListPipelineExecutionSteps"):
        with pytest.raises(ResourceNotFound):
            sagemaker(operation, PipelineExecutionArn=execution["PipelineExecutionArn"])
    sagemaker.create(step)
    sagemaker.finish(sagemaker.begin())
    assert len(sagemaker.jobs.names("T")) == 2


def test_a_pipeline_that_runs_is_not_deleted(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"]}
    sagemaker.create(processing("A"))
    arn = sagemaker.begin()
    with pytest.raises(ConflictException, match="cannot be deleted while 1 executions of it run"):
        sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=sagemaker.token())
    sagemaker.jobs.release("A")
    sagemaker.finish(arn)
    sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=sagemaker.token())
