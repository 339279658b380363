"""What the SageMaker SDK compiles is accepted as it is, and runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.sdk import compile_with_sdk
from tests.local.small_sagemaker import Sagemaker


@pytest.fixture(scope="module")
def compiled() -> str:
    return compile_with_sdk("sdk_pipeline.py")


@pytest.fixture
def sagemaker(tmp_path: Path, compiled: str) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    sagemaker(
        "CreatePipeline",
        PipelineName="churn",
        PipelineDefinition=compiled,
        RoleArn="arn:aws:iam::000000000000:role/pipeline",
        ClientRequestToken=sagemaker.token(),
    )
    sagemaker.aws.function.answer = lambda payload: {"ChampionModelUri": "s3://models/champion.tar.gz"}
    sagemaker.jobs.tuned = [
        {
            "TrainingJobName": "best",
            "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/best",
            "CreationTime": sagemaker.clock(),
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": {},
        }
    ]
    yield sagemaker
    sagemaker.close()


def run(sagemaker: Sagemaker, auc: float) -> dict[str, str]:
    """Start, and give the evaluation the number it would have found."""
    sagemaker.jobs.outcomes["Evaluate"] = ["Hold"]
    arn = sagemaker.begin("churn", Dimension="west", InputDataUri="s3://data/west/a.csv")
    sagemaker.jobs.until_created("Evaluate")
    execution_id = arn.rpartition("/")[2]
    sagemaker.aws.s3.put(f"s3://out/{execution_id}/evaluation/evaluation.json", {"metrics": {"auc": auc}})
    sagemaker.jobs.release("Evaluate")
    return sagemaker.finish(arn)


def test_a_good_model_is_registered_and_deployed(sagemaker: Sagemaker) -> None:
    execution = run(sagemaker, 0.9)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert execution["PipelineExperimentConfig"]["ExperimentName"] == "churn"
    steps = sagemaker.steps(execution)
    assert set(steps) == {
        "Preprocess",
        "Train",
        "Tune",
        "Champion",
        "Evaluate",
        "Gate",
        "Register",
        "Model",
        "Deploy",
    }
    deployed = sagemaker.aws.function.payloads[-1]
    assert deployed["ModelPackageArn"].endswith(":model-package/churn-west/1")
    package = sagemaker("DescribeModelPackage", ModelPackageName=deployed["ModelPackageArn"])
    assert package["CustomerMetadataProperties"] == {"dimension": "west"}
    inputs = {
        each["InputName"]: each["S3Input"]["S3Uri"]
        for each in sagemaker.jobs.requests("Evaluate")[0]["ProcessingInputs"]
    }
    assert inputs == {"champion": "s3://models/champion.tar.gz", "tuned": "s3://models/best/output/model.tar.gz"}
    assert sagemaker.jobs.requests("Train")[0]["HyperParameters"] == {"num_round": "10", "count": "1"}


def test_a_bad_model_is_refused_in_words(sagemaker: Sagemaker) -> None:
    execution = run(sagemaker, 0.6)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert sagemaker.steps(execution)["Refuse"]["FailureReason"] == "AUC 0.6 is below 0.75"


def test_the_second_run_takes_its_data_from_the_cache(sagemaker: Sagemaker) -> None:
    run(sagemaker, 0.9)
    second = run(sagemaker, 0.9)
    assert "CacheHitResult" in sagemaker.steps(second)["Preprocess"]
    assert len(sagemaker.jobs.names("Train")) == 2


def test_a_failed_training_raises_the_alarm(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Train": ["AlgorithmError: no rows"]}
    execution = sagemaker.finish(sagemaker.begin("churn", Dimension="west", InputDataUri="s3://data/a.csv"))
    assert execution["PipelineExecutionStatus"] == "CompletedWithFailures"
    assert sagemaker.aws.function.payloads == [{"Why": "AlgorithmError: no rows"}]


def test_describes_the_definition_as_it_was_compiled(sagemaker: Sagemaker, compiled: str) -> None:
    found = sagemaker("DescribePipeline", PipelineName="churn")["PipelineDefinition"]
    assert json.loads(found) == json.loads(compiled)
