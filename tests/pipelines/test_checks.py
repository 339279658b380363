"""Definitions that the SDK compiles and SageMaker refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from contender.errors import DeploymentError
from contender.pipeline.checks import check


def step(name: str, *gets: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Lambda", "Arguments": {"In": [{"Get": get} for get in gets]}, **more}


def condition(name: str, gets: list[str], if_steps: list[dict[str, Any]]) -> dict[str, Any]:
    conditions = [{"Type": "Equals", "LeftValue": {"Get": get}, "RightValue": 1} for get in gets]
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": conditions, "IfSteps": if_steps}}


def loop(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": "ForEach", "Arguments": {"Items": [1], "ForEachBody": list(steps)}}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"Parameters": [{"Name": "P"}], "Steps": list(steps)}


@pytest.mark.parametrize(
    "good",
    [
        document(),
        document(step("A", "Parameters.P", "Execution.PipelineName"), step("B", "Steps.A.OutputParameters['x']")),
        document(step("A"), condition("C", ["Steps.A.Outcome"], [step("B", "Steps.A.X"), step("D", "Steps.B.X")])),
        document(step("A"), step("B", DependsOn=["A", {"Step": "A", "Trigger": "Failed"}])),
        document(step("A"), condition("C", ["Steps.A.X"], []), step("B", "Steps.C.Outcome")),
        document(step("A"), loop("L", step("B", "Steps.A.X"), step("D", "Steps.B.X")), step("E", "Steps.L.X")),
    ],
)
def test_a_sound_definition_passes(good: dict[str, Any]) -> None:
    check(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (document(step("not legal")), "step name 'not legal' is illegal"),
        (document(step("A" * 65)), "is illegal"),
        (document(step("A"), step("A")), "two steps are called 'A'"),
        (document(step("A"), condition("C", [], [step("A")])), "two steps are called 'A'"),
        (document(step("A", "Parameters.Q")), "step 'A' uses parameter 'Q'"),
        (document(step("A", "Steps.B.X")), "step 'A' refers to step 'B'"),
        (document(step("A", DependsOn=["B"])), "step 'A' refers to step 'B'"),
        (document(loop("L", step("B", "Steps.Z.X"))), "step 'B' refers to step 'Z'"),
        (document(step("A", "Steps.A.X")), "circle: A -> A"),
        (document(step("A", "Steps.B.X"), step("B", DependsOn=["A"])), "circle: A -> B -> A"),
        (
            document(condition("C", ["Steps.B.X"], [step("D")]), step("B", "Steps.D.X")),
            "circle: C -> B -> D -> C",
        ),
    ],
)
def test_what_sagemaker_would_refuse_is_named(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(DeploymentError, match=re.escape(words)):
        check(bad)
