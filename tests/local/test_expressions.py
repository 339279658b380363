"""Get, Std:Join and Std:JsonGet: read, typed, resolved, and refused with the place named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contender.local.pipelines.expressions import (
    ExpressionError,
    ParameterRef,
    PropertyFileRef,
    StepRef,
    find,
    parse,
    references,
)
from contender.local.pipelines.paths import PathError, follow, parse_path, show
from contender.local.pipelines.resolution import Scope, resolve
from tests.local.small_sagemaker import get, join, json_get

DOCUMENTS = {
    "s3://out/report.json": {"metrics": {"auc": 0.9, "folds": [{"auc": 0.8}, {"auc": 0.7}], "a.b": 1}},
    "s3://out/list.json": [1, 2],
}


def read_json(uri: str) -> Any:
    try:
        return DOCUMENTS[uri]
    except KeyError:
        raise ExpressionError(f"{uri} cannot be read: no such key") from None


SCOPE = Scope(
    parameters={"Count": 3, "Rate": 0.5, "Name": "west", "On": True},
    execution={"PipelineExecutionId": "abc123def456", "PipelineName": "churn"},
    outputs={
        "Train": {
            "ModelArtifacts": {"S3ModelArtifacts": "s3://models/m.tar.gz"},
            "CreationTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "InputDataConfig": [{"ChannelName": "train"}, {"ChannelName": "validation", "ContentType": "text/csv"}],
            "HyperParameters": {"max_depth": "5"},
        },
        "Prepare": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://p"}}]}},
        "Ask": {"OutputParameters": {"body": "hello", "count": 7}},
        "Gate": {"Outcome": False},
        "Tune": {"TrainingJobSummaries": [{"TrainingJobName": "best"}, {"TrainingJobName": "second"}]},
    },
    property_file_uri=lambda reference: f"s3://out/{reference.name}.json",
    read_json=read_json,
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (get("Parameters.Count"), 3),
        (get("Parameters.Rate"), 0.5),
        (get("Parameters.On"), True),
        (get("Execution.PipelineExecutionId"), "abc123def456"),
        (get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), "s3://models/m.tar.gz"),
        (get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"), "s3://p"),
        (get('Steps.Train.InputDataConfig["validation"].ContentType'), "text/csv"),
        (get("Steps.Train.InputDataConfig[0].ChannelName"), "train"),
        (get("Steps.Train.HyperParameters['max_depth']"), "5"),
        (get("Steps.Tune.TrainingJobSummaries[1].TrainingJobName"), "second"),
        (get("Steps.Ask.OutputParameters['body']"), "hello"),
        (get("Steps.Ask.OutputParameters['count']"), 7),
        (get("Steps.Gate.Outcome"), False),
        (json_get("Evaluate", "report", "metrics.auc"), 0.9),
        (json_get("Evaluate", "report", "metrics.folds[1].auc"), 0.7),
        (json_get("Evaluate", "report", "metrics['a.b']"), 1),
        ({"Std:JsonGet": {"S3Uri": join("s3://out/", "report.json"), "Path": "$.metrics.auc"}}, 0.9),
        ({"Std:JsonGet": {"S3Uri": "s3://out/list.json", "Path": "[1]"}}, 2),
    ],
)
def test_resolves_to_a_value_of_its_own_type(expression: dict[str, Any], value: Any) -> None:
    found = resolve(expression, SCOPE)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (join("s3:/", "bucket", get("Parameters.Name"), on="/"), "s3://bucket/west"),
        (join("n=", get("Parameters.Count"), " r=", get("Parameters.Rate")), "n=3 r=0.5"),
        (join(get("Parameters.On"), get("Steps.Gate.Outcome"), True, on=","), "true,false,true"),
        (join("a", join("b", join("c", 1, on="-"), on="+"), on="/"), "a/b+c-1"),
        (join("at", get("Steps.Train.CreationTime"), on=" "), "at 2026-01-02T03:04:05Z"),
        (join("auc", json_get("E", "report", "metrics.auc"), on=" "), "auc 0.9"),
        (join(on="/"), ""),
    ],
)
def test_a_join_is_text(expression: dict[str, Any], text: str) -> None:
    assert resolve(expression, SCOPE) == text


def test_resolves_inside_lists_and_objects_and_leaves_the_rest() -> None:
    value = {"A": [1, get("Parameters.Count")], "B": {"C": join("x", "y")}, "D": None, "Get": 1, "E": "Get"}
    assert resolve(value, SCOPE) == {"A": [1, 3], "B": {"C": "xy"}, "D": None, "Get": 1, "E": "Get"}


def test_finds_expressions_with_their_places() -> None:
    value = {"A": [0, get("Parameters.X")], "B": {"C": join(get("Parameters.Y"))}}
    assert [where for where, _ in find(value)] == ["A[1]", "B.C"]


def test_references_go_through_joins_and_documents() -> None:
    expression = join(get("Parameters.A"), join(get("Steps.S.Outcome")), json_get("E", "R", "x"))
    assert list(references(parse(expression))) == [
        ParameterRef("A"),
        StepRef("S", ("Outcome",)),
        PropertyFileRef("E", "R"),
    ]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        (get("Parameters"), "Get reads Parameters.<name>"),
        (get("ForEach.Item.x"), "Get reads Parameters.<name>"),
        (get("Execution.Nope"), "there is no such variable; known are StartDateTime"),
        (get("Steps.Train"), "names the step Train but no field of it"),
        (get("Steps.Train.A[x]"), "is not a path"),
        (get("Steps.E.PropertyFiles.R"), "read by Std:JsonGet, not by Get"),
        ({"Get": 1}, "Get takes a text"),
        ({"Std:Join": ["a"]}, "Std:Join takes an object"),
        ({"Std:Join": {"On": "/", "Values": "a"}}, "Std:Join takes a text On and a list Values"),
        ({"Std:Join": {"Values": [["a"]]}}, "neither an expression nor a text"),
        ({"Std:JsonGet": {"Path": "a"}}, "either a PropertyFile or an S3Uri"),
        ({"Std:JsonGet": {"S3Uri": "s3://a/b", "PropertyFile": {}, "Path": "a"}}, "either a PropertyFile or an S3Uri"),
        ({"Std:JsonGet": {"PropertyFile": get("Parameters.A"), "Path": "a"}}, "PropertyFile takes a Get of"),
    ],
)
def test_refuses_an_expression_that_cannot_be_read(expression: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ExpressionError, match=complaint.replace("(", r"\(")):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        (get("Parameters.None"), "the parameter None is not there"),
        (get("Steps.Later.Outcome"), "the output of the step Later is not there"),
        (get("Steps.Train.ModelArtifacts.Nope"), "no 'Nope' at ModelArtifacts; it has S3ModelArtifacts"),
        (get("Steps.Prepare.ProcessingOutputConfig.Outputs['x'].S3Output"), "no 'x' at ProcessingOutputConfig.Outputs"),
        (get("Steps.Tune.TrainingJobSummaries[9].TrainingJobName"), "no 9 at TrainingJobSummaries, a list of 2"),
        (json_get("E", "missing", "a"), "s3://out/missing.json cannot be read"),
        (json_get("E", "report", "metrics.nope"), "no 'nope' at metrics; it has a.b, auc, folds"),
        (json_get("E", "report", "metrics"), "a JSON object, not a text, number or truth value"),
        (join(get("Steps.Train.ModelArtifacts")), "a JSON object cannot be part of a Std:Join"),
    ],
)
def test_an_error_names_the_place_and_the_expression(expression: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve({"Environment": {"MODE": expression}}, SCOPE, "Arguments")
    message = str(caught.value)
    assert message.startswith("Arguments.Environment.MODE: {")
    assert complaint in message


@pytest.mark.parametrize("text", ["A.B[0].C", "A", "A['b c']", "[0].A"])
def test_a_path_reads_back_as_it_was_written(text: str) -> None:
    assert show(parse_path(text)) == text


@pytest.mark.parametrize("text", ["", ".", "A..B", "A[", "A[-1]", "A['x']B", "A.['"])
def test_refuses_a_path_that_cannot_be_read(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


def test_a_path_into_a_number_leads_nowhere() -> None:
    with pytest.raises(PathError, match="no 'b' at a, which is a int"):
        follow({"a": 1}, ("a", "b"))
