"""Versions of a pipeline on the local server: one for each definition, described, named, listed and started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ResourceNotFound
from contender.local.pipelines import versions
from tests.local.small_sagemaker import Sagemaker, definition, lambda_step


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def listed(sagemaker: Sagemaker, **request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sagemaker("ListPipelineVersions", PipelineName="p", **request)[
        "PipelineVersionSummaries"
    ]
    return found


def test_every_definition_is_a_version_and_nothing_else_is(sagemaker: Sagemaker) -> None:
    arn = sagemaker.create(lambda_step("A"))
    second = sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B")))
    assert second == {"PipelineArn": arn, "PipelineVersionId": 2}
    described = sagemaker("UpdatePipeline", PipelineName="p", PipelineDescription="the same steps")
    assert described["PipelineVersionId"] == 2
    assert [each["PipelineVersionId"] for each in listed(sagemaker)] == [2, 1]
    assert [each["PipelineVersionId"] for each in listed(sagemaker, SortOrder="Ascending")] == [1, 2]


def test_a_version_is_described_by_its_number(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B")))
    steps = {
        number: sagemaker("DescribePipeline", PipelineName="p", **({"PipelineVersionId": number} if number else {}))
        for number in (0, 1, 2)
    }
    assert steps[1]["PipelineDefinition"] == definition(lambda_step("A"))
    assert steps[0]["PipelineDefinition"] == steps[2]["PipelineDefinition"] == definition(lambda_step("B"))
    with pytest.raises(ResourceNotFound, match="has no version 3"):
        sagemaker("DescribePipeline", PipelineName="p", PipelineVersionId=3)


def test_a_version_is_named_and_its_definition_stays(sagemaker: Sagemaker) -> None:
    arn = sagemaker.create(lambda_step("A"))
    named = {"PipelineVersionDisplayName": "first", "PipelineVersionDescription": "commit abc"}
    answer = sagemaker("UpdatePipelineVersion", PipelineArn=arn, PipelineVersionId=1, **named)
    assert answer == {"PipelineArn": arn, "PipelineVersionId": 1}
    (row,) = listed(sagemaker)
    assert {name: row[name] for name in named} == named
    found = sagemaker("DescribePipeline", PipelineName="p")
    assert {name: found[name] for name in named} == named
    assert found["PipelineDefinition"] == definition(lambda_step("A"))
    with pytest.raises(ResourceNotFound, match="has no version 2"):
        sagemaker("UpdatePipelineVersion", PipelineArn=arn, PipelineVersionId=2, **named)


def test_a_former_version_can_be_started(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B")))
    token = sagemaker.token()
    arn = sagemaker("StartPipelineExecution", PipelineName="p", ClientRequestToken=token, PipelineVersionId=1)[
        "PipelineExecutionArn"
    ]
    ran = sagemaker("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)
    assert ran["PipelineDefinition"] == definition(lambda_step("A"))
    assert sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)["PipelineVersionId"] == 1
    assert [each.get("LastExecutionPipelineExecutionArn") for each in listed(sagemaker)] == [None, arn]
    with pytest.raises(ResourceNotFound, match="has no version 7"):
        sagemaker("StartPipelineExecution", PipelineName="p", ClientRequestToken=sagemaker.token(), PipelineVersionId=7)


def test_pages_keep_the_order_of_versions_made_in_one_moment(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    for _ in range(11):
        sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("A")))
    found: list[int] = []
    token: dict[str, str] = {}
    while True:
        answer = sagemaker("ListPipelineVersions", PipelineName="p", MaxResults=5, **token)
        found += [each["PipelineVersionId"] for each in answer["PipelineVersionSummaries"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert found == list(range(12, 0, -1))


def test_a_pipeline_made_before_versions_were_kept_has_its_first(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    versions.forget(sagemaker.context, "p")
    assert sagemaker("DescribePipeline", PipelineName="p")["PipelineDefinition"] == definition(lambda_step("A"))
    sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B")))
    assert [each["PipelineVersionId"] for each in listed(sagemaker)] == [2, 1]
    first = sagemaker("DescribePipeline", PipelineName="p", PipelineVersionId=1)
    assert first["PipelineDefinition"] == definition(lambda_step("A"))


def test_a_deleted_pipelines_name_begins_again(sagemaker: Sagemaker) -> None:
    sagemaker.create(lambda_step("A"))
    sagemaker("UpdatePipeline", PipelineName="p", PipelineDefinition=definition(lambda_step("B")))
    sagemaker("DeletePipeline", PipelineName="p", ClientRequestToken=sagemaker.token())
    with pytest.raises(ResourceNotFound):
        listed(sagemaker)
    sagemaker.create(lambda_step("C"))
    assert [each["PipelineVersionId"] for each in listed(sagemaker)] == [1]
