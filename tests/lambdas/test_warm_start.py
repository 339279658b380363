"""Which pipeline an execution runs in, by what its search can continue."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contender.warm_start import Choice, choose
from tests.lambdas.fakes import FakeSageMaker, client_error

TUNE: dict[str, Any] = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "3", "MaxValue": "9"}],
            "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.05", "MaxValue": "0.5"}],
        },
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "100"},
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/contender",
        "OutputDataConfig": {"S3OutputPath": "s3://out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    },
}
DEFINITION = {
    "Parameters": [{"Name": "Dimension", "Type": "String"}, {"Name": "PreviousTuningJob", "Type": "String"}],
    "Steps": [{"Name": "Preprocess", "Type": "Processing"}, {"Name": "Tune", "Type": "Tuning", "Arguments": TUNE}],
}


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    """A dimension whose only version came of upload 1, by tuning job `first`, which continued none."""
    sagemaker = FakeSageMaker()
    add_version(sagemaker, data="1", tuning="first", previous="none")
    return sagemaker


def add_version(sagemaker: FakeSageMaker, *, data: str, tuning: str, previous: str, **changes: Any) -> None:
    sagemaker.packages[sagemaker.register("contender-A")]["CustomerMetadataProperties"] = {
        "dataUri": "s3://data/A/x.csv",
        "dataVersion": data,
        "tuningJob": tuning,
        "previousTuningJob": previous,
    }
    sagemaker.tunings[tuning] = {
        **copy.deepcopy(TUNE),
        "HyperParameterTuningJobName": tuning,
        "HyperParameterTuningJobArn": sagemaker.arn(f"hyper-parameter-tuning-job/{tuning}"),
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": sagemaker.now,
        "TrainingJobStatusCounters": {"Completed": 8, "Stopped": 2},
        "ObjectiveStatusCounters": {"Succeeded": 8},
        **changes,
    }


def begin(sagemaker: FakeSageMaker, data: str, definition: dict[str, Any] = DEFINITION) -> Choice:
    return choose(sagemaker, "contender-A", "s3://data/A/x.csv", data, definition)


def changed(**config: Any) -> dict[str, Any]:
    """The definition with another search: fields of the config, or static hyperparameters."""
    definition = copy.deepcopy(DEFINITION)
    arguments = definition["Steps"][1]["Arguments"]  # type: ignore[index]
    static = config.pop("static", None)
    arguments["HyperParameterTuningJobConfig"] |= config
    if static is not None:
        arguments["TrainingJobDefinition"]["StaticHyperParameters"] = static
    return definition


def test_the_first_search_of_a_dimension_begins_from_nothing() -> None:
    choice = begin(FakeSageMaker(), "1")
    assert (choice.parent, choice.parameters) == ("none", {})


def test_new_data_continues_the_latest_versions_search(sagemaker: FakeSageMaker) -> None:
    choice = begin(sagemaker, "2")
    assert (choice.parent, choice.parameters) == ("first", {"PreviousTuningJob": "first"})
    assert choice.reason == "the search continues tuning job first"


def test_the_same_data_begins_where_it_began_so_that_nothing_is_searched_again(sagemaker: FakeSageMaker) -> None:
    assert begin(sagemaker, "1").parent == "none"
    add_version(sagemaker, data="2", tuning="second", previous="first")
    assert begin(sagemaker, "2").parameters == {"PreviousTuningJob": "first"}
    assert begin(sagemaker, "3").parameters == {"PreviousTuningJob": "second"}


def test_a_version_that_was_never_approved_has_searched_all_the_same(sagemaker: FakeSageMaker) -> None:
    add_version(sagemaker, data="2", tuning="second", previous="first")
    sagemaker.packages[sagemaker.arn("model-package/contender-A/2")]["ModelApprovalStatus"] = "Rejected"
    assert begin(sagemaker, "3").parameters == {"PreviousTuningJob": "second"}


def test_a_version_that_was_trained_without_a_search_leaves_nothing_to_continue(sagemaker: FakeSageMaker) -> None:
    sagemaker.packages[sagemaker.register("contender-A")]["CustomerMetadataProperties"] = {"dataVersion": "2"}
    assert begin(sagemaker, "3").parent == "none"


@pytest.mark.parametrize(
    "definition",
    [
        {"Steps": DEFINITION["Steps"]},
        {**DEFINITION, "Steps": [{"Name": "Train", "Type": "Training", "Arguments": {}}]},
    ],
)
def test_a_pipeline_that_continues_no_search_asks_nobody(definition: dict[str, Any]) -> None:
    sagemaker = FakeSageMaker()
    assert begin(sagemaker, "1", definition) == Choice()
    assert not sagemaker.calls


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"HyperParameterTuningJobStatus": "InProgress"}, "is still InProgress"),
        ({"HyperParameterTuningJobStatus": "Failed", "TrainingJobStatusCounters": {}}, "completed no training"),
        ({"TrainingJobStatusCounters": {"Completed": 480, "Stopped": 11}}, "more than 500 trainings together"),
        ({"TrainingJobDefinition": None}, "one of them has no TrainingJobDefinition"),
    ],
)
def test_what_sagemaker_would_refuse_as_a_parent_is_not_one(changes: dict[str, Any], says: str) -> None:
    sagemaker = FakeSageMaker()
    add_version(sagemaker, data="1", tuning="first", previous="none", **changes)
    for name in [name for name, value in changes.items() if value is None]:
        del sagemaker.tunings["first"][name]
    choice = begin(sagemaker, "2")
    assert choice.parent == "none"
    assert says in choice.reason


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        (
            changed(HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "validation:logloss"}),
            "had another objective, validation:auc Maximize",
        ),
        (
            changed(ParameterRanges={"ContinuousParameterRanges": [{"Name": "eta"}, {"Name": "gamma"}]}),
            "had other hyperparameters: gamma, max_depth",
        ),
        (
            changed(ParameterRanges={"ContinuousParameterRanges": [{"Name": "eta"}, {"Name": "max_depth"}]}),
            "had another kind of range for max_depth",
        ),
    ],
)
def test_a_search_of_another_kind_begins_from_nothing(
    sagemaker: FakeSageMaker, definition: dict[str, Any], says: str
) -> None:
    choice = begin(sagemaker, "2", definition)
    assert choice.parent == "none"
    assert says in choice.reason


@pytest.mark.parametrize(
    "definition",
    [
        changed(ParameterRanges={"IntegerParameterRanges": [{"Name": "max_depth"}, {"Name": "num_round"}]}
                | {"ContinuousParameterRanges": [{"Name": "eta"}]}, static={"objective": "binary:logistic"}),
        changed(ParameterRanges={"ContinuousParameterRanges": [{"Name": "eta"}]},
                static={"objective": "binary:logistic", "num_round": "100", "max_depth": "5"}),
        changed(static={"objective": "binary:logistic", "num_round": "50"}),
        changed(ResourceLimits={"MaxNumberOfTrainingJobs": 50}),
    ],
)  # fmt: skip
def test_other_ranges_and_values_of_the_same_hyperparameters_continue(
    sagemaker: FakeSageMaker, definition: dict[str, Any]
) -> None:
    assert begin(sagemaker, "2", definition).parent == "first"


def test_more_changed_values_than_sagemaker_allows_begin_from_nothing() -> None:
    sagemaker = FakeSageMaker()
    add_version(sagemaker, data="1", tuning="first", previous="none")
    values = {f"p{number}": "1" for number in range(6)}
    sagemaker.tunings["first"]["TrainingJobDefinition"]["StaticHyperParameters"] = values
    choice = begin(sagemaker, "2", changed(static=dict.fromkeys(values, "2")))
    assert "more than the 10 changes that SageMaker allows" in choice.reason


def test_what_the_service_adds_to_the_hyperparameters_is_no_difference(sagemaker: FakeSageMaker) -> None:
    static = sagemaker.tunings["first"]["TrainingJobDefinition"]["StaticHyperParameters"]
    static["_tuning_objective_metric"] = "validation:auc"
    assert begin(sagemaker, "2").parent == "first"


def test_a_tuning_job_that_is_gone_is_not_continued(sagemaker: FakeSageMaker) -> None:
    sagemaker.tunings.clear()
    choice = begin(sagemaker, "2")
    assert (choice.parent, choice.parameters) == ("none", {})
    assert choice.reason == "the search begins from nothing: tuning job first does not exist any more"


def test_other_errors_are_not_taken_for_a_missing_job(sagemaker: FakeSageMaker) -> None:
    error = client_error("DescribeHyperParameterTuningJob", "AccessDeniedException", "no")
    sagemaker.refusals["DescribeHyperParameterTuningJob"] = error
    with pytest.raises(type(error), match="AccessDenied"):
        begin(sagemaker, "2")
