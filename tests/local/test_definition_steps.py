"""Definitions with ForEach, Callback and endpoint steps: every mistake is one line that names step and field."""

from __future__ import annotations

from typing import Any

import pytest

from contender.local.pipelines.definition import DefinitionError
from contender.local.pipelines.graph import Dependency, Trigger
from contender.local.pipelines.parser import parse
from contender.local.pipelines.steps import RUNNERS
from tests.local.small_sagemaker import MODEL, compare, condition, definition, fail, get, lambda_step, parameter

QUEUE = "http://127.0.0.1:4566/000000000000/work"
VARIANT = {"VariantName": "v1", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def problems(*steps: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        parse(definition(*steps, **more), RUNNERS, MODEL)
    return list(caught.value.problems)


def for_each(*body: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return {
        "Name": "Each",
        "Type": "ForEach",
        "Arguments": {"IterableItems": ["a"], "MaxConcurrency": 1, "ForEachBody": list(body), **arguments},
    }


def selector(pick: Any, field: Any) -> dict[str, Any]:
    return {"Pick": pick, "Field": field}


def callback(**fields: Any) -> dict[str, Any]:
    return {"Name": "Ask", "Type": "Callback", "Arguments": {}, "SqsQueueUrl": QUEUE, **fields}


def test_a_loop_waits_for_what_its_body_waits_for() -> None:
    found = parse(
        definition(
            for_each(
                lambda_step("First", {"Item": get("Steps.Before.OutputParameters['n']")}),
                lambda_step("Second", DependsOn=["First", {"Step": "Other", "Trigger": "Any"}]),
            ),
            lambda_step("Before", outputs={"n": "Integer"}),
            lambda_step("Other"),
        ),
        RUNNERS,
        MODEL,
    ).steps
    assert set(found["Each"].waits_for) == {Dependency("Before"), Dependency("Other", Trigger.ANY)}
    assert found["First"].waits_for == ()
    assert found["Second"].waits_for == (Dependency("First"),)
    assert found["Each"].body is not None
    assert found["Each"].body.steps == ("First", "Second")
    assert found["Second"].loop == "Each"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"ForEachBody": []}, "Arguments.ForEachBody: a list of at least one step is needed"),
        ({"ForEachBody": {"Name": "A"}}, "Arguments.ForEachBody: a list of steps is needed"),
        ({"MaxConcurrency": 0}, "Arguments.MaxConcurrency: 0 is not a whole number from 1 to 50"),
        ({"MaxConcurrency": 51}, "Arguments.MaxConcurrency: 51 is not a whole number from 1 to 50"),
        ({"MaxConcurrency": "2"}, "Arguments.MaxConcurrency: '2' is not a whole number from 1 to 50"),
        ({"MaxConcurrency": None}, "Arguments.MaxConcurrency: None is not a whole number from 1 to 50"),
        (
            {"IterableItems": []},
            "Arguments.IterableItems: a list of 1 to 100 items, or an expression for one, is needed",
        ),
        (
            {"IterableItems": ["x"] * 101},
            "Arguments.IterableItems: a list of 1 to 100 items, or an expression for one, is needed",
        ),
        (
            {"IterableItems": "abc"},
            "Arguments.IterableItems: a list of 1 to 100 items, or an expression for one, is needed",
        ),
        (
            {"IterableItems": ["a", ["b"]]},
            "Arguments.IterableItems[1]: a text, number, truth value or expression is needed",
        ),
        (
            {"IterableItems": get("Parameters.N")},
            "Arguments.IterableItems: an expression for the text of a JSON list is needed",
        ),
        ({"Paralel": 1}, "Arguments.Paralel: there is no such field"),
        (
            {"Selector": selector("Best", get("IterationOutput.Do.OutputParameters['score']"))},
            "Arguments.Selector: Pick out of MaxBy, MinBy and Field, a Get of IterationOutput.<body step>.<field>, are "
            "needed",
        ),
        (
            {"Selector": selector("MaxBy", get("Steps.Do.OutputParameters['score']"))},
            'Arguments.Selector: Field: {"Get": "Steps.Do.OutputParameters[\'score\']"} is not '
            "IterationOutput.<body step>.<field> out of Do",
        ),
        (
            {"Selector": selector("MaxBy", get("IterationOutput.Other.OutputParameters['score']"))},
            'Arguments.Selector: Field: {"Get": "IterationOutput.Other.OutputParameters[\'score\']"} is not '
            "IterationOutput.<body step>.<field> out of Do",
        ),
        (
            {"Selector": selector("MaxBy", get("IterationOutput.Do.OutputParameters['scor']"))},
            "Arguments.Selector: Field: a Lambda step such as 'Do' has no OutputParameters.scor",
        ),
    ],
)
def test_refuses_a_loop_that_cannot_run(arguments: dict[str, Any], complaint: str) -> None:
    body = lambda_step("Do", outputs={"score": "Float"})
    found = problems(for_each(body, **arguments), parameters=[parameter("N", "Integer")])
    assert f"Step 'Each': {complaint}" in found
    assert len(found) <= 2


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (fail("Inner"), "Step 'Inner': Type: a Fail step cannot stand in the ForEachBody of 'Each'"),
        (
            condition("Inner", compare(1, "Equals", 1)),
            "Step 'Inner': Type: a Condition step cannot stand in the ForEachBody of 'Each'",
        ),
        (
            {**for_each(lambda_step("Deep")), "Name": "Inner"},
            "Step 'Inner': Type: a ForEach step cannot stand in the ForEachBody of 'Each'",
        ),
        (
            lambda_step("Inner", {"S": get("Steps.Each.Status")}),
            "Step 'Inner': Arguments.S: {\"Get\": \"Steps.Each.Status\"}: 'Inner' is in the body of 'Each', whose "
            "fields are there only when all of it has ended",
        ),
        (
            lambda_step("Inner", DependsOn=["Each"]),
            "Step 'Inner': DependsOn: Inner is in the body of Each, which cannot wait for itself",
        ),
        (
            lambda_step("Inner", {"S": get("IterationOutput.Inner.OutputParameters['x']")}),
            "Step 'Inner': Arguments.S: {\"Get\": \"IterationOutput.Inner.OutputParameters['x']\"}: IterationOutput is "
            "for the Selector.Field of a ForEach step only",
        ),
        (
            lambda_step("Inner", {"S": get("ForEach.Curent")}),
            'Step \'Inner\': Arguments.S: {"Get": "ForEach.Curent"}: Get reads Parameters.<name>, Execution.<variable>,'
            " Steps.<step>.<field> or ForEach.CurrentItem",
        ),
    ],
)
def test_refuses_a_body_that_cannot_run(body: dict[str, Any], complaint: str) -> None:
    assert problems(for_each(body)) == [complaint]


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (
            lambda_step("Out", {"X": get("Steps.Do.OutputParameters['score']")}),
            "Step 'Out': Arguments.X: {\"Get\": \"Steps.Do.OutputParameters['score']\"}: it is in the body of 'Each': "
            "read Steps.Each.IterationOutputs[<index>].Do.<field>",
        ),
        (
            lambda_step("Out", DependsOn=["Do"]),
            "Step 'Out': DependsOn: Do is in the body of Each; depend on Each",
        ),
        (
            lambda_step("Out", {"X": get("ForEach.CurrentItem")}),
            'Step \'Out\': Arguments.X: {"Get": "ForEach.CurrentItem"}: there is a current item only in the '
            "ForEachBody of a ForEach step",
        ),
        (
            lambda_step("Out", {"X": get("Steps.Each.IterationOutputs[0].Do.OutputParameters['scor']")}),
            "Step 'Out': Arguments.X: {\"Get\": \"Steps.Each.IterationOutputs[0].Do.OutputParameters['scor']\"}: a "
            "ForEach step has no such field",
        ),
        (
            lambda_step("Out", {"X": get("Steps.Each.Selected.OutputParameters['score']")}),
            "Step 'Out': Arguments.X: {\"Get\": \"Steps.Each.Selected.OutputParameters['score']\"}: a ForEach step has "
            "no such field",
        ),
        (
            lambda_step("Do-0"),
            "Step 'Do-0': Name: the iterations of 'Do' in the body of 'Each' are named so",
        ),
        (
            lambda_step("Do"),
            "Step 'Do': two steps have this name",
        ),
    ],
)
def test_refuses_what_cannot_be_beside_a_loop(step: dict[str, Any], complaint: str) -> None:
    body = lambda_step("Do", outputs={"score": "Float"})
    assert problems(for_each(body), step) == [complaint]


def test_finds_a_cycle_through_a_body() -> None:
    body = lambda_step("Do", {"X": get("Steps.Out.OutputParameters['x']")})
    found = problems(for_each(body), lambda_step("Out", outputs={"x": "String"}, DependsOn=["Each"]))
    assert len(found) == 1
    assert found[0].startswith("Steps wait for each other in a cycle: ")


def test_the_type_of_an_iterations_output_is_that_of_its_step() -> None:
    body = lambda_step("Do", outputs={"score": "Float"})
    read = compare(get("Steps.Each.IterationOutputs[0].Do.OutputParameters['score']"), "Equals", "high")
    assert problems(for_each(body), condition("Gate", read)) == [
        "Step 'Gate': Arguments.Conditions[0]: LeftValue is a number and RightValue a text; they cannot be compared"
    ]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"SqsQueueUrl": ""}, "SqsQueueUrl: the URL of an SQS queue is needed"),
        ({"SqsQueueUrl": None}, "SqsQueueUrl: the URL of an SQS queue is needed"),
        ({"OutputParameters": {}}, "OutputParameters: a list of at most 50 is needed"),
        (
            {"OutputParameters": [{"OutputName": "a", "OutputType": "Text"}]},
            "OutputParameters[0]: OutputName, and OutputType out of String, Integer, Float, Boolean, are needed",
        ),
        ({"RetryPolicies": []}, "RetryPolicies: there is no such field"),
    ],
)
def test_refuses_a_callback_that_cannot_be_asked(fields: dict[str, Any], complaint: str) -> None:
    assert problems(callback(**fields)) == [f"Step 'Ask': {complaint}"]


def test_a_callbacks_outputs_are_those_it_declares() -> None:
    declared = [{"OutputName": "n", "OutputType": "Integer"}]
    read = lambda_step("Tell", {"X": get("Steps.Ask.OutputParameters['m']")})
    assert problems(callback(OutputParameters=declared), read) == [
        "Step 'Tell': Arguments.X: {\"Get\": \"Steps.Ask.OutputParameters['m']\"}: a Callback step has no such field"
    ]


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (
            {"Type": "EndpointConfig", "Arguments": {"ProductionVariants": [VARIANT]}},
            'Missing required parameter in input: "EndpointConfigName"',
        ),
        (
            {"Type": "EndpointConfig", "Arguments": {"EndpointConfigName": "c", "ProductionVariants": [{}]}},
            'Missing required parameter in ProductionVariants[0]: "VariantName"',
        ),
        (
            {"Type": "Endpoint", "Arguments": {"EndpointName": "e"}},
            'Missing required parameter in input: "EndpointConfigName"',
        ),
        (
            {"Type": "Endpoint", "Arguments": {"EndpointName": "a b", "EndpointConfigName": "c"}},
            "Value 'a b' at 'EndpointName' must satisfy the pattern [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"Type": "Endpoint", "Arguments": {"EndpointName": "e", "EndpointConfigName": "c"}, "RetryPolicies": []},
            "RetryPolicies: there is no such field",
        ),
    ],
)
def test_refuses_an_endpoint_step_as_the_service_refuses_the_request(step: dict[str, Any], complaint: str) -> None:
    assert problems({"Name": "Deploy", **step}) == [f"Step 'Deploy': {complaint}"]
