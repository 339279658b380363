"""What a step waits for, and the arrows that tell it without saying anything twice."""

from __future__ import annotations

from typing import Any

from contender.pipeline.definitions.graph import Graph, Kind
from contender.pipeline.definitions.waiting import Arrow, Waits, drawn
from tests.pipelines.full_definition import full_definition


def arrows(*steps: dict[str, Any]) -> set[tuple[str, str, Kind, str]]:
    return {(each.source, each.target, each.kind, each.detail) for each in drawn(Graph({"Steps": list(steps)}))}


def step(name: str, *reads: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {each: {"Get": f"Steps.{each}.Uri"} for each in reads},
        **more,
    }


def test_data_that_comes_along_a_way_of_data_has_no_arrow_of_its_own() -> None:
    found = arrows(step("a"), step("b", "a"), step("c", "a", "b"))
    assert found == {("a", "b", Kind.DATA, ""), ("b", "c", Kind.DATA, "")}


def test_an_order_does_not_stand_for_data() -> None:
    found = arrows(step("a"), step("b", "a"), step("c", "a", DependsOn=["b"]))
    assert ("a", "c", Kind.DATA, "") in found
    assert ("b", "c", Kind.ORDER, "") in found


def test_an_order_that_any_way_keeps_has_no_arrow() -> None:
    found = arrows(step("a"), step("b", "a"), step("c", "b", DependsOn=["a", "b"]))
    assert found == {("a", "b", Kind.DATA, ""), ("b", "c", Kind.DATA, "")}


def test_an_order_says_what_it_waits_for() -> None:
    assert arrows(step("a"), step("b", DependsOn=[{"Step": "a", "Trigger": "Failed"}])) == {
        ("a", "b", Kind.ORDER, "Failed")
    }


def test_a_branch_is_drawn_to_the_steps_that_it_begins_with() -> None:
    found = drawn(Graph(full_definition()))
    branches = [arrow for arrow in found if arrow.kind is Kind.BRANCH]
    assert branches == [
        Arrow("Gate", "Refuse", Kind.BRANCH, "false"),
        Arrow("Gate", "CreateModel", Kind.BRANCH, "true"),
    ]


def test_steps_that_wait_for_each_other_are_drawn_all_the_same() -> None:
    assert len(arrows(step("a", "b"), step("b", "a"))) <= 2


def test_waits_in_words() -> None:
    graph = Graph(full_definition())
    order, followers = graph.order(), graph.arrows()
    train = Waits.of(graph.nodes["Train"], order, followers)
    assert train == Waits("", ("Preprocess",), ("DataQuality", "DataBias"))
    assert Waits.of(graph.nodes["Refuse"], order, followers).branch == "if Gate is false"
    assert Waits.of(graph.nodes["ModelBias"], order, followers).branch == ""
    assert "gate.auc ≥ 0.75" in Waits.of(graph.nodes["Gate"], order, followers).asks
