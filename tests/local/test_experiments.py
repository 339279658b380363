"""Experiments, trials and trial components on a small server: what each operation keeps, lists and refuses."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contender.local.api.errors import ApiError, ResourceNotFound, UnknownOperation, ValidationException
from contender.local.experiments.metrics import batch_put_metrics
from tests.local.small_sagemaker import Sagemaker

JOB = "arn:aws:sagemaker:us-east-1:000000000000:training-job/east"


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    running = Sagemaker(tmp_path)
    yield running
    running.close()


@pytest.fixture
def filled(sagemaker: Sagemaker) -> Sagemaker:
    """Experiment `churn` has trials `one` and `two`, which share `both`; `own` is in `two`, `free` in none."""
    sagemaker("CreateExperiment", ExperimentName="churn", Tags=[{"Key": "team", "Value": "a"}])
    for trial in ("one", "two"):
        sagemaker("CreateTrial", TrialName=trial, ExperimentName="churn")
    for name, eta in (("both", 0.1), ("own", 0.3), ("free", 0.2)):
        parameters = {"eta": {"NumberValue": eta}, "SageMaker.InstanceType": {"StringValue": "ml.m5.large"}}
        sagemaker("CreateTrialComponent", TrialComponentName=name, Parameters=parameters)
    for trial, name in (("one", "both"), ("two", "both"), ("two", "own")):
        sagemaker("AssociateTrialComponent", TrialName=trial, TrialComponentName=name)
    return sagemaker


def components(sagemaker: Sagemaker, **request: Any) -> list[str]:
    found = sagemaker("ListTrialComponents", **request)["TrialComponentSummaries"]
    return [each["TrialComponentName"] for each in found]


def trials(sagemaker: Sagemaker, **request: Any) -> list[str]:
    return [each["TrialName"] for each in sagemaker("ListTrials", **request)["TrialSummaries"]]


def matches(sagemaker: Sagemaker, *filters: tuple[str, str, str], **more: Any) -> list[str]:
    named = [{"Name": name, "Operator": how, "Value": value} for name, how, value in filters]
    expression = {**({"Filters": named} if named else {}), **more}
    found = sagemaker("Search", Resource="ExperimentTrialComponent", SearchExpression=expression, SortOrder="Ascending")
    assert found["TotalHits"]["Value"] == len(found["Results"])
    return [each["TrialComponent"]["TrialComponentName"] for each in found["Results"]]


def test_what_was_created_is_described_changed_and_deleted(sagemaker: Sagemaker) -> None:
    sagemaker("CreateExperiment", ExperimentName="churn", Description="who leaves")
    sagemaker("UpdateExperiment", ExperimentName="churn", DisplayName="Churn")
    experiment = sagemaker("DescribeExperiment", ExperimentName="churn")
    assert (experiment["DisplayName"], experiment["Description"]) == ("Churn", "who leaves")
    assert experiment["LastModifiedTime"] > experiment["CreationTime"]
    sagemaker("CreateTrial", TrialName="one", ExperimentName="churn", MetadataProperties={"CommitId": "abc"})
    sagemaker("UpdateTrial", TrialName="one", DisplayName="First")
    trial = sagemaker("DescribeTrial", TrialName="one")
    assert (trial["DisplayName"], trial["ExperimentName"]) == ("First", "churn")
    assert trial["MetadataProperties"] == {"CommitId": "abc"}
    sagemaker("DeleteTrial", TrialName="one")
    sagemaker("DeleteExperiment", ExperimentName="churn")
    assert sagemaker("ListExperiments")["ExperimentSummaries"] == []


def test_a_components_entries_are_added_replaced_and_removed(sagemaker: Sagemaker) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    arn = sagemaker("CreateTrialComponent", TrialComponentName="c", StartTime=start)["TrialComponentArn"]
    for parameters in ({"a": {"NumberValue": 1.0}, "b": {"StringValue": "x"}}, {"a": {"NumberValue": 2.0}}):
        sagemaker("UpdateTrialComponent", TrialComponentName="c", Parameters=parameters)
    status = {"PrimaryStatus": "Completed", "Message": "done"}
    sagemaker("UpdateTrialComponent", TrialComponentName="c", ParametersToRemove=["b", "never"], Status=status)
    component = sagemaker("DescribeTrialComponent", TrialComponentName=arn)
    assert component["Parameters"] == {"a": {"NumberValue": 2.0}}
    assert (component["Status"], component["StartTime"], component["DisplayName"]) == (status, start, "c")


def test_a_component_belongs_to_the_trials_it_was_put_into(filled: Sagemaker) -> None:
    filled("AssociateTrialComponent", TrialName="one", TrialComponentName="both")
    assert components(filled, TrialName="one") == ["both"]
    assert components(filled, TrialName="two", SortBy="Name", SortOrder="Ascending") == ["both", "own"]
    assert components(filled, ExperimentName="churn") == ["own", "both"]
    assert components(filled) == ["free", "own", "both"]
    assert trials(filled, TrialComponentName="both") == ["two", "one"]
    assert trials(filled, TrialComponentName="both", ExperimentName="churn") == ["two", "one"]
    filled("CreateExperiment", ExperimentName="other")
    assert trials(filled, TrialComponentName="both", ExperimentName="other") == []
    filled("DisassociateTrialComponent", TrialName="one", TrialComponentName="both")
    filled("DisassociateTrialComponent", TrialName="one", TrialComponentName="both")
    assert (components(filled, TrialName="one"), trials(filled, TrialComponentName="both")) == ([], ["two"])


def test_lists_go_on_with_their_token(filled: Sagemaker) -> None:
    first = filled("ListTrialComponents", TrialName="two", MaxResults=1)
    rest = filled("ListTrialComponents", TrialName="two", MaxResults=1, NextToken=first["NextToken"])
    names = [page["TrialComponentSummaries"][0]["TrialComponentName"] for page in (first, rest)]
    assert (names, "NextToken" in rest) == (["own", "both"], False)
    after = filled("DescribeTrialComponent", TrialComponentName="both")["CreationTime"]
    assert components(filled, TrialName="two", CreatedBefore=after) == ["both"]


@pytest.mark.parametrize(
    ("operation", "request_", "error", "words"),
    [
        ("DescribeExperiment", {"ExperimentName": "none"}, ResourceNotFound, "experiment/none' does not exist"),
        ("CreateTrial", {"TrialName": "x", "ExperimentName": "none"}, ResourceNotFound, "experiment/none'"),
        ("ListTrialComponents", {"TrialName": "none"}, ResourceNotFound, "experiment-trial/none'"),
        ("UpdateTrialComponent", {"TrialComponentName": "none"}, ResourceNotFound, "component/none'"),
        ("AssociateTrialComponent", {"TrialName": "one", "TrialComponentName": "none"}, ResourceNotFound, "none'"),
        ("CreateExperiment", {"ExperimentName": "churn"}, ValidationException, r"unique.*\(churn\) already exists"),
        ("CreateTrialComponent", {"TrialComponentName": "both"}, ValidationException, "already exists"),
        ("DeleteExperiment", {"ExperimentName": "churn"}, ValidationException, "2 trials"),
        ("DeleteTrial", {"TrialName": "two"}, ValidationException, "2 trial components"),
        ("DeleteTrialComponent", {"TrialComponentName": "both"}, ValidationException, "one, two"),
        ("ListTrialComponents", {"TrialName": "one", "SourceArn": JOB}, ValidationException, "exclude each other"),
        ("Search", {"Resource": "FeatureGroup"}, UnknownOperation, "does not search for FeatureGroup"),
    ],
)
def test_refusals(
    filled: Sagemaker, operation: str, request_: dict[str, Any], error: type[ApiError], words: str
) -> None:
    with pytest.raises(error, match=words):
        filled(operation, **request_)


def test_tags_of_a_component_go_with_it(sagemaker: Sagemaker) -> None:
    tag = [{"Key": "team", "Value": "a"}]
    arn = sagemaker("CreateTrialComponent", TrialComponentName="c", Tags=tag)["TrialComponentArn"]
    assert sagemaker("ListTags", ResourceArn=arn)["Tags"] == tag
    sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "more", "Value": "b"}])
    sagemaker("DeleteTrialComponent", TrialComponentName="c")
    assert sagemaker("ListTags", ResourceArn=arn)["Tags"] == []


def test_metrics_that_are_put_come_to_the_figures_of_all_their_values(sagemaker: Sagemaker) -> None:
    sagemaker("CreateTrialComponent", TrialComponentName="c")
    values = [0.5, 0.25, 1.0, 0.125]
    for value in values:
        moment = sagemaker.clock()
        data = [{"MetricName": "loss", "Value": value, "Timestamp": moment}]
        assert batch_put_metrics(sagemaker.context, {"TrialComponentName": "c", "MetricData": data}) == {}
    component = sagemaker("DescribeTrialComponent", TrialComponentName="c")
    assert component["Metrics"] == [
        {
            "MetricName": "loss",
            "SourceArn": component["TrialComponentArn"],
            "TimeStamp": moment,
            "Max": 1.0,
            "Min": 0.125,
            "Last": 0.125,
            "Count": 4,
            "Avg": pytest.approx(statistics.fmean(values)),
            "StdDev": pytest.approx(statistics.pstdev(values)),
        }
    ]
    refused = batch_put_metrics(sagemaker.context, {"TrialComponentName": "none", "MetricData": data})
    assert refused == {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]}


def test_search_by_parent_name_parameter_and_time(filled: Sagemaker) -> None:
    assert matches(filled, ("Parents.ExperimentName", "Equals", "churn")) == ["both", "own"]
    assert matches(filled, ("Parents.TrialName", "Equals", "one")) == ["both"]
    assert matches(filled, ("TrialComponentName", "Contains", "O")) == ["both", "own"]
    assert matches(filled, ("TrialComponentName", "In", "own, free")) == ["own", "free"]
    assert matches(filled, ("Parameters.eta", "GreaterThanOrEqualTo", "0.2")) == ["own", "free"]
    assert matches(filled, ("Parameters.SageMaker.InstanceType", "Equals", "ml.m5.large"), Operator="And") != []
    assert matches(filled, ("CreationTime", "GreaterThan", "2027-01-01T00:00:00Z")) == []
    either = matches(
        filled, ("Parameters.eta", "LessThan", "0.2"), ("TrialComponentName", "Equals", "free"), Operator="Or"
    )
    assert either == ["both", "free"]
    assert matches(filled, ("Parents.TrialName", "NotEquals", "two")) == ["free"]


def test_a_nested_filter_asks_all_of_one_element(filled: Sagemaker) -> None:
    filled("CreateExperiment", ExperimentName="other")
    filled("CreateTrial", TrialName="three", ExperimentName="other")
    filled("AssociateTrialComponent", TrialName="three", TrialComponentName="both")
    parent = [("Parents.TrialName", "Equals", "one"), ("Parents.ExperimentName", "Equals", "other")]
    assert matches(filled, *parent) == ["both"], "each of some element"
    named = [{"Name": name, "Operator": how, "Value": value} for name, how, value in parent]
    assert matches(filled, NestedFilters=[{"NestedPropertyName": "Parents", "Filters": named}]) == []
    assert matches(filled, NestedFilters=[{"NestedPropertyName": "Parents", "Filters": named[:1]}]) == ["both"]


def test_an_expression_holds_others(filled: Sagemaker) -> None:
    either = [
        {"Filters": [{"Name": "TrialComponentName", "Operator": "Equals", "Value": name}]} for name in ("own", "free")
    ]
    assert matches(filled, SubExpressions=[{"SubExpressions": either, "Operator": "Or"}]) == ["own", "free"]
    assert matches(filled, SubExpressions=either) == []


def test_what_was_changed_last_is_found_first(filled: Sagemaker) -> None:
    filled("UpdateTrialComponent", TrialComponentName="both", DisplayName="Both")
    found = filled("Search", Resource="ExperimentTrialComponent")["Results"]
    assert [each["TrialComponent"]["TrialComponentName"] for each in found] == ["both", "free", "own"]


def test_search_sorts_and_pages(filled: Sagemaker) -> None:
    asked = {"Resource": "ExperimentTrialComponent", "SortBy": "Parameters.eta", "MaxResults": 2}
    first = filled("Search", **asked)
    rest = filled("Search", **asked, NextToken=first["NextToken"])
    names = [each["TrialComponent"]["TrialComponentName"] for page in (first, rest) for each in page["Results"]]
    assert names == ["own", "free", "both"]
    with pytest.raises(ValidationException, match="NextToken"):
        filled("Search", Resource="ExperimentTrial", NextToken=first["NextToken"])


def test_search_finds_experiments_by_tag_and_trials_with_their_components(filled: Sagemaker) -> None:
    by_tag = {"Filters": [{"Name": "Tags.team", "Operator": "Equals", "Value": "a"}]}
    (experiment,) = filled("Search", Resource="Experiment", SearchExpression=by_tag)["Results"]
    assert experiment["Experiment"]["ExperimentName"] == "churn"
    one = {"Filters": [{"Name": "TrialName", "Operator": "Equals", "Value": "one"}]}
    (trial,) = filled("Search", Resource="ExperimentTrial", SearchExpression=one)["Results"]
    assert [each["TrialComponentName"] for each in trial["Trial"]["TrialComponentSummaries"]] == ["both"]
