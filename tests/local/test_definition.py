"""A definition is read, or refused with every problem in a line that names the step and the field."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from contender.local.pipelines.definition import DefinitionError
from contender.local.pipelines.graph import Dependency, Trigger
from contender.local.pipelines.parameters import assign
from contender.local.pipelines.parameters import parse as parse_parameters
from contender.local.pipelines.parser import parse
from contender.local.pipelines.steps import RUNNERS
from tests.local.small_sagemaker import (
    MODEL,
    compare,
    condition,
    definition,
    fail,
    get,
    join,
    json_get,
    lambda_step,
    parameter,
    processing,
    training,
    tuning,
)

OUTPUT = "ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri"
REPORT = [{"PropertyFileName": "R", "OutputName": "result", "FilePath": "r.json"}]


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(DefinitionError) as caught:
        parse(text, RUNNERS, MODEL)
    return caught.value.problems


def only_problem(text: str) -> str:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_reads_steps_with_what_they_wait_for() -> None:
    found = parse(
        definition(
            processing("Prepare", PropertyFiles=REPORT, DisplayName="Prepare it", Description="first"),
            training("Train", data=get(f"Steps.Prepare.{OUTPUT}")),
            condition(
                "Gate",
                compare(json_get("Prepare", "R", "auc"), "GreaterThan", 0.5),
                then=[lambda_step("Deploy", {"Uri": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")})],
                otherwise=[fail("Refuse")],
            ),
            lambda_step("Notify", DependsOn=["Prepare", {"Step": "Train", "Trigger": "Failed"}]),
        ),
        RUNNERS,
        MODEL,
    )
    assert list(found.steps) == ["Prepare", "Train", "Gate", "Deploy", "Refuse", "Notify"]
    assert found.steps["Train"].waits_for == (Dependency("Prepare"),)
    assert found.steps["Gate"].waits_for == (Dependency("Prepare"),)
    assert found.steps["Deploy"].waits_for == (Dependency("Gate", branch=True), Dependency("Train"))
    assert found.steps["Refuse"].waits_for == (Dependency("Gate", branch=False),)
    assert found.steps["Notify"].waits_for == (Dependency("Prepare"), Dependency("Train", Trigger.FAILED))
    assert (found.steps["Prepare"].display_name, found.steps["Prepare"].description) == ("Prepare it", "first")


def test_a_trigger_counts_for_what_the_step_reads_too() -> None:
    notify = lambda_step(
        "Notify", {"Why": get("Steps.Train.FailureReason")}, DependsOn=[{"Step": "Train", "Trigger": "Any"}]
    )
    found = parse(definition(training("Train"), notify), RUNNERS, MODEL)
    assert found.steps["Notify"].waits_for == (Dependency("Train", Trigger.ANY),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "the definition is not JSON"),
        ("[]", "the definition is not a JSON object"),
        ("{}", "Version: '2020-12-01' is needed, not None"),
        (json.dumps({"Version": "2020-12-01"}), "Steps: a list of at least one step is needed"),
        (json.dumps({"Version": "2020-12-01", "Steps": {}}), "Steps: a list of at least one step is needed"),
        (definition(lambda_step("A"), Stepps=[]), "Pipeline: Stepps: there is no such field (did you mean 'Steps'?)"),
        (" " * 1_048_577, "1048577 characters; at most 1048576"),
        (definition("A"), "Steps[0]: a step is an object"),
        ('{"Version": "2020-12-01", "Steps": ' + "[" * 100_000, "nested too deeply"),
        (f'{{"Version": "2020-12-01", "Steps": {"[" * 900}{"]" * 900}}}', "a step is an object"),
    ],
)
def test_refuses_what_is_no_definition(text: str, complaint: str) -> None:
    assert any(complaint in line for line in problems(text))


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", "a.b", None, 3])
def test_refuses_an_illegal_step_name(name: Any) -> None:
    assert "Steps[0]: Name:" in only_problem(definition({**lambda_step("A"), "Name": name}))


def test_accepts_the_longest_step_name() -> None:
    assert parse(definition(lambda_step("a-_" + "Z9" * 30 + "x")), RUNNERS, MODEL)


def test_refuses_a_name_twice_even_across_branches() -> None:
    gate = condition("Gate", compare(1, "Equals", 1), then=[lambda_step("A")])
    assert only_problem(definition(lambda_step("A"), gate)) == "Step 'A': two steps have this name"


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("EMR", "Type: EMR steps are not supported yet by local SageMaker"),
        ("Traning", "Type: 'Traning' is not a step type; known are "),
        (None, "Type: None is not a step type"),
    ],
)
def test_refuses_a_step_type_it_does_not_run(kind: Any, complaint: str) -> None:
    assert complaint in only_problem(definition({"Name": "A", "Type": kind, "Arguments": {}}))


def test_names_the_path_of_a_cycle() -> None:
    line = only_problem(
        definition(
            processing("A", inputs=[get("Steps.C.ModelArtifacts.S3ModelArtifacts")]),
            processing("B", inputs=[get(f"Steps.A.{OUTPUT}")]),
            training("C", data=get(f"Steps.B.{OUTPUT}")),
        )
    )
    assert line.startswith("Steps wait for each other in a cycle: ")
    path = line.partition(": ")[2].split(" -> ")
    assert path[0] == path[-1]
    assert list(pairwise(path)) in (
        [("A", "C"), ("C", "B"), ("B", "A")],
        [("C", "B"), ("B", "A"), ("A", "C")],
        [("B", "A"), ("A", "C"), ("C", "B")],
    )


def test_a_step_that_waits_for_itself_or_its_own_branch_is_a_cycle() -> None:
    assert "A -> A" in only_problem(definition(lambda_step("A", DependsOn=["A"])))
    gate = condition("Gate", compare(1, "Equals", 1), then=[lambda_step("B")], DependsOn=["B"])
    assert "cycle" in only_problem(definition(gate))


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (
            training("T", data=get("Steps.Prepar.X")),
            "Step 'T': Arguments.InputDataConfig[0].DataSource.S3DataSource.S3Uri: "
            "{\"Get\": \"Steps.Prepar.X\"}: there is no step 'Prepar' (did you mean 'Prepare'?)",
        ),
        (
            training("T", data=join("s3://", get("Parameters.Datta"))),
            "there is no parameter 'Datta' (did you mean 'Data'?)",
        ),
        (training("T", data=get("Steps.Prepare.Nope.X")), "a Processing step has no such field"),
        (training("T", data=get("Steps.Ask.OutputParameters['c']")), "a Lambda step has no such field"),
        (training("T", data=get("Execution.Nope")), "there is no such variable"),
        (lambda_step("L", {"A": get("Steps.End.X")}), "a Fail step has no such field"),
        (lambda_step("L", {"A": json_get("Prepare", "Q", "a")}), "declares no property file 'Q'"),
        (lambda_step("L", DependsOn=["Prepar"]), "Step 'L': DependsOn: there is no step 'Prepar'"),
        (lambda_step("L", DependsOn="Prepare"), "DependsOn: a list is needed"),
        (lambda_step("L", DependsOn=[3]), "DependsOn[0]: a step's name or {Step, Trigger} is needed"),
        (
            lambda_step("L", DependsOn=[{"Step": "Prepare", "Trigger": "Never"}]),
            "DependsOn[0].Trigger: 'Never' is not one of Completed, Failed, Stopped, Any",
        ),
        (lambda_step("L", DependsOn=["End"]), "L can not depend on End, a Fail step"),
        (lambda_step("L", Argument={}), "Argument: there is no such field (did you mean 'Arguments'?)"),
        (lambda_step("L", RetryPolicies=[]), "RetryPolicies: there is no such field"),
        ({**lambda_step("L"), "Arguments": []}, "Arguments: an object is needed"),
        ({**lambda_step("L"), "FunctionArn": None}, "FunctionArn: the ARN of a Lambda function is needed"),
        (lambda_step("L", outputs={"a": "Text"}), "OutputType out of String, Integer, Float, Boolean"),
        (lambda_step("L", DisplayName=3), "DisplayName: a text is needed"),
        (processing("P", CacheConfig={"Enabled": "yes"}), "CacheConfig.Enabled: true or false is needed"),
        (
            processing("P", CacheConfig={"Enabled": True, "ExpireAfter": "soon"}),
            "CacheConfig.ExpireAfter: 'soon' is not an ISO 8601 duration",
        ),
        (processing("P", PropertyFiles=[{"PropertyFileName": "R"}]), "PropertyFiles[0]: texts PropertyFileName"),
        (processing("P", PropertyFiles=[*REPORT, *REPORT]), "two property files are named 'R'"),
        (
            processing("P", PropertyFiles=[{"PropertyFileName": "R", "OutputName": "resul", "FilePath": "f"}]),
            "PropertyFiles: 'R' is in the output 'resul'; declared outputs: result",
        ),
        (
            training("T", RetryPolicies=[{"ExceptionType": ["Step.NOPE"], "MaxAttempts": 1}]),
            "RetryPolicies[0]: ExceptionType: ['Step.NOPE'] is not a list out of Step.SERVICE_FAULT",
        ),
        (
            training("T", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"]}]),
            "RetryPolicies[0]: a retry policy has either MaxAttempts or ExpireAfterMin",
        ),
        (
            training("T", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 99}]),
            "RetryPolicies[0]: MaxAttempts: 99 is not a number from 1 to 20",
        ),
        (fail("F", ["x"]), "Arguments.ErrorMessage: a text or an expression is needed"),
    ],
)
def test_names_the_step_and_the_field(step: dict[str, Any], complaint: str) -> None:
    context = [processing("Prepare", PropertyFiles=REPORT), lambda_step("Ask", outputs={"b": "String"}), fail("End")]
    line = only_problem(definition(*context, step, parameters=[parameter("Data")]))
    assert line.startswith(f"Step '{step['Name']}': ")
    assert complaint in line


def test_reports_all_problems_at_once() -> None:
    found = problems(
        definition(
            lambda_step("A", DependsOn=["X"]),
            training("B", data=get("Parameters.P")),
            {"Name": "C", "Type": "EMR"},
        )
    )
    assert len(found) == 3


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (processing("A", count="two"), "Invalid type for parameter ProcessingResources.ClusterConfig.InstanceCount"),
        (processing("A", count=0), "InstanceCount"),
        (training("A", hyperparameters={"depth": 5}), "HyperParameters.depth"),
        (training("A", data="not-an-address"), "must satisfy the pattern"),
    ],
)
def test_refuses_arguments_that_the_request_would_refuse(step: dict[str, Any], complaint: str) -> None:
    line = only_problem(definition(step))
    assert line.startswith("Step 'A': ")
    assert complaint in line


def test_refuses_missing_unknown_and_misspelt_arguments() -> None:
    step = training("A")
    del step["Arguments"]["RoleArn"]
    assert "RoleArn" in only_problem(definition(step))
    assert "Nope" in only_problem(definition({**training("A"), "Arguments": {**training("A")["Arguments"], "Nope": 1}}))
    step = tuning("A")
    step["Arguments"]["HyperParameterTuningJobConfig"]["Strategy"] = "Bayes"
    assert "must be one of Bayesian, Random, Hyperband, Grid" in only_problem(definition(step))


@pytest.mark.parametrize(
    ("kind", "where", "complaint"),
    [
        ("Integer", "count", None),
        ("String", "count", "InstanceCount: the expression is of type String, the field takes Integer"),
        ("Float", "count", "InstanceCount: the expression is of type Float, the field takes Integer"),
        ("String", "uri", None),
        ("Integer", "uri", "S3Uri: the expression is of type Integer, the field takes String"),
    ],
)
def test_an_expression_must_fit_its_field(kind: str, where: str, complaint: str | None) -> None:
    value = get("Parameters.P")
    step = processing("A", count=value) if where == "count" else processing("A", inputs=[value])
    text = definition(step, parameters=[parameter("P", kind)])
    if complaint is None:
        assert parse(text, RUNNERS, MODEL)
    else:
        assert complaint in only_problem(text)


def test_a_join_and_a_lambda_output_have_types_too() -> None:
    ask = lambda_step("Ask", outputs={"n": "Integer", "s": "String"})
    assert parse(definition(ask, processing("A", count=get("Steps.Ask.OutputParameters['n']"))), RUNNERS, MODEL)
    assert "is of type String" in only_problem(
        definition(ask, processing("A", count=get("Steps.Ask.OutputParameters['s']")))
    )
    assert "is of type String" in only_problem(definition(processing("A", count=join("1"))))


def test_an_expression_cannot_stand_for_a_list() -> None:
    step = processing("A")
    step["Arguments"]["ProcessingInputs"] = get("Parameters.P")
    line = only_problem(definition(step, parameters=[parameter("P")]))
    assert "Arguments.ProcessingInputs: the expression is of type String, the field takes List" in line


def test_null_means_not_given() -> None:
    step = training("A")
    step["Arguments"]["VpcConfig"] = None
    assert "VpcConfig" not in parse(definition(step, MlflowConfig=None), RUNNERS, MODEL).steps["A"].arguments


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({}, "Arguments.Conditions[0]: Type: None is not one of Equals"),
        ({"Type": "Equal"}, "Type: 'Equal' is not one of"),
        ({"Type": "Equals", "LeftValue": 1}, "Equals takes LeftValue and RightValue, not LeftValue"),
        ({"Type": "Not", "Expression": {}}, "Not takes Condition, not Expression"),
        ({"Type": "Not", "Condition": {"Type": "X"}}, "Arguments.Conditions[0].Condition: Type: 'X'"),
        ({"Type": "Or", "Conditions": []}, "Arguments.Conditions[0].Conditions: a list of at least one condition"),
        ({"Type": "In", "QueryValue": 1, "Values": 1}, "Values: a list of at least one value is needed"),
        (compare([1], "Equals", 1), "LeftValue: a text, number, truth value or expression is needed"),
        (compare("1", "Equals", 1), "LeftValue is a text and RightValue a number; they cannot be compared"),
        (compare(get("Parameters.P"), "LessThan", 1), "LeftValue is a text and RightValue a number"),
        ({"Type": "In", "QueryValue": True, "Values": [True, "x"]}, "a truth value and Values[1] a text"),
    ],
)
def test_refuses_a_bad_condition(bad: dict[str, Any], complaint: str) -> None:
    line = only_problem(definition(condition("Gate", bad), parameters=[parameter("P")]))
    assert line.startswith("Step 'Gate': Arguments.Conditions[0]")
    assert complaint in line


def test_a_condition_needs_conditions() -> None:
    assert "Arguments.Conditions: a list of at least one" in only_problem(definition(condition("Gate")))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"Type": "String"}, "Parameters[0]: Name:"),
        (parameter("a b"), "Parameters[0]: Name:"),
        (parameter("P", "Text"), "Parameter 'P': Type: 'Text' is not one of String, Integer, Float, Boolean"),
        (parameter("P", "Integer", DefaultValue="1"), "DefaultValue: '1' is not of type Integer"),
        (parameter("P", "Integer", DefaultValue=True), "DefaultValue: True is not of type Integer"),
        (parameter("P", EnumValues=["a"], DefaultValue="b"), "DefaultValue: 'b' is not one of a"),
        (parameter("P", "Integer", EnumValues=["1"]), "EnumValues: a list of texts, for a String parameter"),
        (parameter("P", Default=1), "Default: there is no such field"),
    ],
)
def test_refuses_a_bad_parameter(entry: dict[str, Any], complaint: str) -> None:
    assert complaint in only_problem(definition(lambda_step("A"), parameters=[entry]))


def test_refuses_parameters_twice_or_too_many() -> None:
    assert "'P' is declared twice" in only_problem(definition(lambda_step("A"), parameters=[parameter("P")] * 2))
    many = [parameter(f"P{index}") for index in range(201)]
    assert "201 are declared; at most 200" in only_problem(definition(lambda_step("A"), parameters=many))


def test_assigns_given_values_and_defaults_in_their_types() -> None:
    declared, _ = parse_parameters(
        [
            parameter("S"),
            parameter("I", "Integer", DefaultValue=1),
            parameter("F", "Float", DefaultValue=1),
            parameter("B", "Boolean", DefaultValue=False),
        ]
    )
    values, wrong = assign(declared, [{"Name": "S", "Value": "x"}, {"Name": "I", "Value": "7"}])
    assert (values, wrong) == ({"S": "x", "I": 7, "F": 1, "B": False}, [])
    values, _ = assign(
        declared, [{"Name": "S", "Value": ""}, {"Name": "F", "Value": "0.5"}, {"Name": "B", "Value": "true"}]
    )
    assert values == {"S": "", "I": 1, "F": 0.5, "B": True}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "Parameter 'S' has no default; a value is needed at start"),
        ({"S": "a", "X": "1"}, "Parameter 'X' is not declared by the pipeline; declared: S, I"),
        ({"S": "a", "I": "one"}, "Parameter 'I': 'one' is not of type Integer"),
        ({"S": "a", "I": "1.5"}, "Parameter 'I': '1.5' is not of type Integer"),
        ({"S": "c"}, "Parameter 'S': 'c' is not one of a, b"),
    ],
)
def test_refuses_values_that_do_not_fit(given: dict[str, str], complaint: str) -> None:
    declared, _ = parse_parameters([parameter("S", EnumValues=["a", "b"]), parameter("I", "Integer", DefaultValue=1)])
    _, wrong = assign(declared, [{"Name": name, "Value": value} for name, value in given.items()])
    assert wrong == [complaint]
