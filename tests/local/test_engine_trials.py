"""Executions as trials: what the engine puts into them, also from the cache and after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ResourceNotFound
from tests.local.small_sagemaker import (
    IMAGE,
    ROLE,
    Sagemaker,
    definition,
    get,
    lambda_step,
    parameter,
    processing,
    refused,
    training,
    tuning,
)

CONFIG = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}
CACHED = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    running = Sagemaker(tmp_path)
    yield running
    running.close()


def create(sagemaker: Sagemaker, *steps: dict[str, Any], config: Any = CONFIG, parameters: Any = ()) -> None:
    text = definition(*steps, parameters=parameters, PipelineExperimentConfig=config)
    sagemaker(
        "CreatePipeline",
        PipelineName="p",
        PipelineDefinition=text,
        RoleArn=ROLE,
        ClientRequestToken=sagemaker.token(),
    )


def trial_of(execution: dict[str, Any]) -> str:
    return str(execution["PipelineExecutionArn"].rpartition("/")[2])


def components(sagemaker: Sagemaker, **asked: str) -> list[dict[str, Any]]:
    """In the order in which they began."""
    found = sagemaker("ListTrialComponents", SortOrder="Ascending", **asked)["TrialComponentSummaries"]
    names = [each["TrialComponentName"] for each in found]
    return [sagemaker("DescribeTrialComponent", TrialComponentName=name) for name in names]


def test_an_execution_is_a_trial_of_its_pipelines_experiment(sagemaker: Sagemaker) -> None:
    create(sagemaker, lambda_step("A"))
    executions = [sagemaker.finish(sagemaker.begin()) for _ in range(2)]
    experiment = sagemaker("DescribeExperiment", ExperimentName="p")
    assert experiment["Source"]["SourceArn"] == executions[0]["PipelineArn"]
    listed = sagemaker("ListTrials", ExperimentName="p", SortOrder="Ascending")["TrialSummaries"]
    assert [each["TrialName"] for each in listed] == [trial_of(each) for each in executions]
    sources = [each["TrialSource"]["SourceArn"] for each in listed]
    assert sources == [each["PipelineExecutionArn"] for each in executions]


def test_every_job_leaves_a_component_in_the_trial(sagemaker: Sagemaker) -> None:
    train = training("Train", hyperparameters={"eta": "0.2", "objective": "binary:logistic"})
    create(sagemaker, processing("Prepare", inputs=["s3://data/rows.csv"]), train, lambda_step("Tell"))
    execution = sagemaker.finish(sagemaker.begin())
    (prepare, train) = sorted(
        components(sagemaker, TrialName=trial_of(execution)), key=lambda each: each["TrialComponentName"]
    )
    (name,) = sagemaker.jobs.names("Train")
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"
    assert train["TrialComponentName"] == f"{name}-aws-training-job"
    assert train["Source"] == {"SourceArn": arn, "SourceType": "SageMakerTrainingJob"}
    assert train["Parameters"] == {
        "SageMaker.InstanceType": {"StringValue": "ml.m5.large"},
        "SageMaker.InstanceCount": {"NumberValue": 1.0},
        "SageMaker.VolumeSizeInGB": {"NumberValue": 30.0},
        "eta": {"NumberValue": 0.2},
        "objective": {"StringValue": "binary:logistic"},
    }
    assert train["InputArtifacts"] == {"SageMaker.ImageUri": {"Value": IMAGE}, "train": {"Value": "s3://data/train"}}
    assert train["Status"]["PrimaryStatus"] == "Completed"
    assert prepare["Source"]["SourceType"] == "SageMakerProcessingJob"
    assert "s3://data/rows.csv" in [each["Value"] for each in prepare["InputArtifacts"].values()]
    assert prepare["OutputArtifacts"]["result"] == {"Value": "s3://out"}
    assert components(sagemaker, SourceArn=arn) == [train]
    by_source = {"Filters": [{"Name": "Source.SourceArn", "Operator": "Equals", "Value": arn}]}
    (found,) = sagemaker("Search", Resource="ExperimentTrialComponent", SearchExpression=by_source)["Results"]
    assert found["TrialComponent"]["SourceDetail"]["TrainingJob"]["HyperParameters"]["eta"] == "0.2"
    assert found["TrialComponent"]["Parents"] == [{"TrialName": trial_of(execution), "ExperimentName": "p"}]
    assert sagemaker.jobs.requests("Train")[0]["ExperimentConfig"] == execution["PipelineExperimentConfig"]


def test_a_tuning_job_has_no_component(sagemaker: Sagemaker) -> None:
    create(sagemaker, tuning("Tune"))
    execution = sagemaker.finish(sagemaker.begin())
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert components(sagemaker, TrialName=trial_of(execution)) == []


def test_without_the_config_components_belong_to_no_trial(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A"), config=None)
    execution = sagemaker.finish(sagemaker.begin())
    assert "PipelineExperimentConfig" not in execution
    assert sagemaker("ListExperiments")["ExperimentSummaries"] == []
    assert len(components(sagemaker)) == 1


def test_a_cached_step_brings_the_component_of_the_job_that_did_the_work(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A", **CACHED))
    first, second = (sagemaker.finish(sagemaker.begin()) for _ in range(2))
    assert len(sagemaker.jobs.created) == 1
    assert components(sagemaker, TrialName=trial_of(second)) == components(sagemaker, TrialName=trial_of(first)) != []


def test_a_cached_step_does_without_a_component_that_is_gone(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A", **CACHED))
    first = trial_of(sagemaker.finish(sagemaker.begin()))
    (component,) = components(sagemaker, TrialName=first)
    name = {"TrialComponentName": component["TrialComponentName"]}
    sagemaker("DisassociateTrialComponent", TrialName=first, **name)
    sagemaker("DeleteTrialComponent", **name)
    second = sagemaker.finish(sagemaker.begin())
    assert second["PipelineExecutionStatus"] == "Succeeded"
    assert components(sagemaker, TrialName=trial_of(second)) == []


def test_a_job_that_failed_and_the_one_tried_after_it_are_both_in_the_trial(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A"))
    sagemaker.jobs.outcomes["A"] = ["AlgorithmError: no rows"]
    execution = sagemaker.finish(sagemaker.begin())
    assert sagemaker.retry(execution["PipelineExecutionArn"])["PipelineExecutionStatus"] == "Succeeded"
    statuses = [each["Status"] for each in components(sagemaker, TrialName=trial_of(execution))]
    assert [each["PrimaryStatus"] for each in statuses] == ["Failed", "Completed"]
    assert statuses[0]["Message"] == "AlgorithmError: no rows"


def test_an_interrupted_execution_goes_on_in_the_same_trial(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A"), processing("B", DependsOn=["A"]))
    sagemaker.jobs.outcomes["B"] = ["Hold"]
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("B")
    sagemaker.restart()
    execution = sagemaker.retry(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    names = [each["TrialComponentName"] for each in components(sagemaker, TrialName=trial_of(execution))]
    assert [name.split("-")[2] for name in names] == ["A", "B", "B"]
    assert len(sagemaker("ListTrials", ExperimentName="p")["TrialSummaries"]) == 1


def test_a_retry_makes_a_trial_again_that_somebody_deleted(sagemaker: Sagemaker) -> None:
    create(sagemaker, processing("A"))
    sagemaker.jobs.refusals["A"] = [ResourceNotFound("no")]
    execution = sagemaker.finish(sagemaker.begin())
    sagemaker("DeleteTrial", TrialName=trial_of(execution))
    assert sagemaker.retry(execution["PipelineExecutionArn"])["PipelineExecutionStatus"] == "Succeeded"
    assert len(components(sagemaker, TrialName=trial_of(execution))) == 1


def test_a_trial_of_another_experiment_is_refused(sagemaker: Sagemaker) -> None:
    sagemaker("CreateExperiment", ExperimentName="other")
    sagemaker("CreateTrial", TrialName="t", ExperimentName="other")
    config = {"ExperimentName": "p", "TrialName": get("Parameters.Trial")}
    create(sagemaker, lambda_step("A"), config=config, parameters=[parameter("Trial")])
    assert "belongs to experiment other" in refused(lambda: sagemaker.begin("p", Trial="t"))
    assert "TrialName" in refused(lambda: sagemaker.begin("p", Trial="no name"))
    assert sagemaker.begin("p", Trial="u")


def test_half_a_config_is_refused(sagemaker: Sagemaker) -> None:
    message = refused(lambda: create(sagemaker, lambda_step("A"), config={"ExperimentName": "p"}))
    assert "PipelineExperimentConfig: an object of ExperimentName and TrialName is needed" in message
