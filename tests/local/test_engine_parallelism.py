"""ParallelismConfiguration: of the pipeline, of one execution, and changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.small_sagemaker import Sagemaker, processing


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def test_keeps_to_the_parallelism_of_the_execution(sagemaker: Sagemaker) -> None:
    steps = [processing(f"S{index}") for index in range(6)]
    sagemaker.create(*steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    sagemaker.finish(sagemaker.begin())
    assert len(sagemaker.jobs.created) == 6
    assert sagemaker.jobs.most_running == 1


def test_more_parallelism_takes_effect_while_it_runs(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"A": ["Hold"]}
    sagemaker.create(processing("A"), processing("B"), ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("A")
    sagemaker(
        "UpdatePipelineExecution",
        PipelineExecutionArn=arn,
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
    )
    sagemaker.jobs.until_created("B")
    sagemaker.jobs.release("A")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_an_execution_and_its_retry_have_a_parallelism_of_their_own(sagemaker: Sagemaker) -> None:
    def described(arn: str) -> int:
        found = sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)["ParallelismConfiguration"]
        return int(found["MaxParallelExecutionSteps"])

    sagemaker.jobs.outcomes = {"S5": ["broken"], "S0": ["Completed", "Hold"], "S1": ["Completed", "Hold"]}
    steps = [processing(f"S{index}") for index in range(6)]
    sagemaker.create(*steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 5})
    arn = sagemaker(
        "StartPipelineExecution",
        PipelineName="p",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
        ClientRequestToken=sagemaker.token(),
    )["PipelineExecutionArn"]
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Failed"
    assert (described(arn), sagemaker.jobs.most_running) == (1, 1)
    sagemaker(
        "RetryPipelineExecution",
        PipelineExecutionArn=arn,
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
        ClientRequestToken=sagemaker.token(),
    )
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert described(arn) == 2
    other = sagemaker.begin()
    for step in ("S0", "S1"):
        sagemaker.jobs.until_created(step)
        sagemaker.jobs.release(step)
    assert sagemaker.finish(other)["PipelineExecutionStatus"] == "Succeeded"
    assert described(other) == 5
