"""EndpointConfig steps, and what a kill between making the config and noting it leaves to the retry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.small_sagemaker import ROLE, Sagemaker, lambda_step

VARIANT = {"VariantName": "v1", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
CONFIG = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}
STEP = {"Name": "Configure", "Type": "EndpointConfig", "Arguments": CONFIG, "DependsOn": ["Before"]}


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    sagemaker("CreateModel", ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)
    yield sagemaker
    sagemaker.close()


def after_a_kill(sagemaker: Sagemaker, **made: Any) -> dict[str, Any]:
    """The retried execution; its first try made a config, and came to nothing more."""
    sagemaker.aws.function.answer = lambda payload: ValueError("killed")
    sagemaker.create(lambda_step("Before"), STEP)
    arn = sagemaker.begin()
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Failed"
    sagemaker("CreateEndpointConfig", **{**CONFIG, **made})
    sagemaker.aws.function.answer = lambda payload: {}
    return sagemaker.retry(arn)


def test_a_config_that_an_interrupted_try_made_is_taken(sagemaker: Sagemaker) -> None:
    execution = after_a_kill(sagemaker)
    step = sagemaker.steps(execution)["Configure"]
    assert step["StepStatus"] == "Succeeded", step
    assert step["Metadata"]["EndpointConfig"]["Arn"].endswith(":endpoint-config/c")


def test_one_that_is_not_as_asked_is_in_the_way(sagemaker: Sagemaker) -> None:
    execution = after_a_kill(sagemaker, ProductionVariants=[{**VARIANT, "VariantName": "v2"}])
    assert "already existing endpoint configuration" in sagemaker.steps(execution)["Configure"]["FailureReason"]


def test_one_of_before_the_execution_is_in_the_way_as_on_aws(sagemaker: Sagemaker) -> None:
    sagemaker("CreateEndpointConfig", **CONFIG)
    sagemaker.clock.advance(seconds=1)
    execution = sagemaker.run(lambda_step("Before"), STEP)
    assert "already existing endpoint configuration" in sagemaker.steps(execution)["Configure"]["FailureReason"]
