"""ForEach steps: a body for every item, their outputs, the selected one, and what a failure leaves for a retry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.small_sagemaker import (
    Sagemaker,
    compare,
    condition,
    fail,
    get,
    join,
    json_get,
    lambda_step,
    parameter,
    processing,
    training,
)

ITEM = get("ForEach.CurrentItem")


@pytest.fixture
def sagemaker(tmp_path: Path) -> Iterator[Sagemaker]:
    sagemaker = Sagemaker(tmp_path)
    yield sagemaker
    sagemaker.close()


def for_each(
    name: str, items: Any, *body: dict[str, Any], at_once: Any = 10, selector: Any = None, **fields: Any
) -> dict[str, Any]:
    arguments = {"IterableItems": items, "MaxConcurrency": at_once, "ForEachBody": list(body)}
    if selector:
        arguments["Selector"] = selector
    return {"Name": name, "Type": "ForEach", "Arguments": arguments, **fields}


def pick(how: str, path: str) -> dict[str, Any]:
    return {"Pick": how, "Field": get(f"IterationOutput.{path}")}


def stop(sagemaker: Sagemaker, arn: str) -> None:
    sagemaker("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=sagemaker.token())


@pytest.mark.parametrize(
    ("items", "values"),
    [
        (["east", "west"], ["east", "west"]),
        ([1, 2.5, True], [1, 2.5, True]),
        ([get("Parameters.D"), "west"], ["north", "west"]),
        (get("Parameters.List"), ["a", 1, '{"name": "b"}']),
    ],
)
def test_runs_its_body_for_every_item(sagemaker: Sagemaker, items: Any, values: list[Any]) -> None:
    execution = sagemaker.run(
        for_each("Each", items, lambda_step("Do", {"Item": ITEM})),
        parameters=[
            parameter("D", DefaultValue="north"),
            parameter("List", DefaultValue='["a", 1, {"name": "b"}]'),
        ],
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert sorted(map(str, sagemaker.aws.function.payloads)) == sorted(str({"Item": value}) for value in values)
    assert list(sagemaker.steps(execution)) == ["Each", *(f"Do-{index}" for index in range(len(values)))]


def test_a_field_of_an_item_keeps_its_type(sagemaker: Sagemaker) -> None:
    items = ['{"name": "east", "size": {"rows": 3}}']
    read = {
        "Name": get("ForEach.CurrentItem.name"),
        "Rows": get("ForEach.CurrentItem['size'].rows"),
        "Path": join("s3://data", get("ForEach.CurrentItem.name"), on="/"),
    }
    sagemaker.run(for_each("Each", items, lambda_step("Do", read)))
    assert sagemaker.aws.function.payloads == [{"Name": "east", "Rows": 3, "Path": "s3://data/east"}]


def test_steps_of_a_body_read_one_another_within_their_iteration(sagemaker: Sagemaker) -> None:
    sagemaker.run(
        for_each(
            "Each",
            ["east", "west"],
            processing("Prepare", output=join("s3://out", ITEM, on="/")),
            training("Train", data=get("Steps.Prepare.ProcessingOutputConfig.Outputs['result'].S3Output.S3Uri")),
        )
    )
    for index, item in enumerate(("east", "west")):
        (request,) = sagemaker.jobs.requests(f"Train-{index}")
        assert request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://out/{item}"


def test_a_property_file_is_that_of_the_iteration(sagemaker: Sagemaker) -> None:
    for item, auc in (("east", 0.8), ("west", 0.9)):
        sagemaker.aws.s3.put(f"s3://out/{item}/report.json", {"auc": auc})
    report = [{"PropertyFileName": "R", "OutputName": "result", "FilePath": "report.json"}]
    sagemaker.run(
        for_each(
            "Each",
            ["east", "west"],
            processing("Evaluate", output=join("s3://out", ITEM, on="/"), PropertyFiles=report),
            lambda_step("Tell", {"Item": ITEM, "Auc": json_get("Evaluate", "R", "auc")}),
            at_once=1,
        )
    )
    payloads = sorted(sagemaker.aws.function.payloads, key=str)
    assert payloads == [{"Item": "east", "Auc": 0.8}, {"Item": "west", "Auc": 0.9}]


def test_waits_for_what_its_body_reads_and_tells_what_its_iterations_put_out(sagemaker: Sagemaker) -> None:
    sagemaker.aws.function.answer = lambda payload: {"items": '["a", "b"]', "score": 0.5 if payload else 0.1}
    body = lambda_step("Do", {"Item": ITEM, "Of": get("Steps.List.OutputParameters['items']")}, {"score": "Float"})
    tell = {
        "First": get("Steps.Each.IterationOutputs[0].Do.OutputParameters['score']"),
        "Status": get("Steps.Each.Status"),
        "Items": get("Steps.Each.InputItemCount"),
        "Ended": get("Steps.Each.SucceededStepCount"),
    }
    execution = sagemaker.run(
        for_each("Each", get("Steps.List.OutputParameters['items']"), body),
        lambda_step("Tell", tell),
        lambda_step("List", outputs={"items": "String"}),
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.aws.function.payloads[-1] == {"First": 0.5, "Status": "Succeeded", "Items": 2, "Ended": 2}


@pytest.mark.parametrize(("how", "best"), [("MaxBy", "b"), ("MinBy", "c")])
def test_selects_an_iteration(sagemaker: Sagemaker, how: str, best: str) -> None:
    scores = {"a": 0.7, "b": 0.9, "c": 0.1, "d": 0.9}
    sagemaker.aws.function.answer = lambda payload: {"score": scores.get(payload["Item"]), "name": payload["Item"]}
    body = lambda_step("Do", {"Item": ITEM}, {"score": "Float", "name": "String"})
    execution = sagemaker.run(
        for_each("Each", list(scores), body, selector=pick(how, "Do.OutputParameters['score']")),
        lambda_step("Tell", {"Item": get("Steps.Each.Selected.OutputParameters['name']")}),
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.aws.function.payloads[-1] == {"Item": best}
    (ended,) = [
        detail["metadata"]["forEach"]
        for _, _, detail in sagemaker.events
        if detail.get("stepName") == "Each" and detail["currentStepStatus"] == "Succeeded"
    ]
    assert ended["selector"] == {"stepName": "Do", "index": list(scores).index(best)}
    assert ended["inputItemCount"] == 4


def test_what_cannot_be_compared_fails_the_selection(sagemaker: Sagemaker) -> None:
    sagemaker.aws.function.answer = lambda payload: {"name": payload["Item"]}
    body = lambda_step("Do", {"Item": ITEM}, {"name": "String"})
    execution = sagemaker.run(for_each("Each", ["a", "b"], body, selector=pick("MaxBy", "Do.OutputParameters['name']")))
    reason = "Selector: Do-0: 'a' is not a number that could be compared"
    assert sagemaker.steps(execution)["Each"]["FailureReason"] == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("east", "IterableItems: 'east' is not the text of a JSON list: Expecting value: line 1 column 1 (char 0)"),
        ('{"a": 1}', "IterableItems: '{\"a\": 1}' is not the text of a JSON list"),
        ("[[1]]", "IterableItems[0]: [1] is neither a text, number or truth value nor a JSON object"),
        ("[null]", "IterableItems[0]: null is neither a text, number or truth value nor a JSON object"),
    ],
)
def test_what_is_not_a_list_of_items_fails_the_step(sagemaker: Sagemaker, text: str, reason: str) -> None:
    each = for_each("Each", get("Parameters.List"), lambda_step("Do"))
    execution = sagemaker.run(each, parameters=[parameter("List")], List=text)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert sagemaker.steps(execution)["Each"]["FailureReason"] == reason


def test_no_items_are_no_work(sagemaker: Sagemaker) -> None:
    each = for_each("Each", get("Parameters.List"), lambda_step("Do"))
    execution = sagemaker.run(each, lambda_step("Then", DependsOn=["Each"]), parameters=[parameter("List")], List="[]")
    assert sagemaker.statuses(execution) == {"Each": "Succeeded", "Then": "Succeeded"}


def test_an_item_without_the_field_fails_its_iteration_in_words(sagemaker: Sagemaker) -> None:
    read = {"Name": get("ForEach.CurrentItem.name")}
    execution = sagemaker.run(for_each("Each", ["east", '{"other": 1}'], lambda_step("Do", read)))
    steps = sagemaker.steps(execution)
    shown = 'Arguments.Name: {"Get": "ForEach.CurrentItem.name"}:'
    assert steps["Do-0"]["FailureReason"] == (
        f'Step Do-0: {shown} the item "east" is not a JSON object, so it has no field name'
    )
    assert steps["Do-1"]["FailureReason"] == f"Step Do-1: {shown} there is no 'name' at the top; it has other"


def test_keeps_to_its_concurrency_and_to_that_of_the_execution(sagemaker: Sagemaker) -> None:
    sagemaker.create(for_each("Each", [1, 2, 3, 4, 5], processing("Do"), at_once=2))
    sagemaker.finish(sagemaker.begin())
    assert sagemaker.jobs.most_running <= 2
    sagemaker.jobs.most_running = 0
    sagemaker.create(
        for_each("Each", [1, 2, 3], processing("Do")),
        processing("Other"),
        name="q",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
    )
    assert sagemaker.finish(sagemaker.begin("q"))["PipelineExecutionStatus"] == "Succeeded"
    assert sagemaker.jobs.most_running == 1
    assert len(sagemaker.jobs.created) == 9


def test_iterations_run_at_once(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Do": ["Hold", "Hold"]}
    sagemaker.create(for_each("Each", [1, 2], processing("Do")))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("Do-0")
    sagemaker.jobs.until_created("Do-1")
    sagemaker.jobs.release("Do")
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_failed_iteration_fails_the_step_when_the_others_have_ended(sagemaker: Sagemaker) -> None:
    sagemaker.aws.function.answer = lambda payload: ValueError("no rows") if payload["Item"] == "b" else {}
    any_end = {"Step": "Each", "Trigger": "Any"}
    execution = sagemaker.run(
        for_each("Each", ["a", "b", "c"], lambda_step("Do", {"Item": ITEM}), at_once=1),
        lambda_step("Alarm", {"Item": get("Steps.Each.FailedStepCount")}, DependsOn=[any_end]),
        lambda_step("Then", {"Item": "-"}, DependsOn=["Each"]),
    )
    assert execution["PipelineExecutionStatus"] == "CompletedWithFailures"
    assert sagemaker.statuses(execution) == {
        "Each": "Failed",
        "Do-0": "Succeeded",
        "Do-1": "Failed",
        "Do-2": "Succeeded",
        "Alarm": "Succeeded",
    }
    assert sagemaker.steps(execution)["Each"]["FailureReason"] == "1 of 3 steps of the iterations failed: Do-1 (b)"
    assert sagemaker.aws.function.payloads[-1] == {"Item": 1}


def test_a_retry_does_not_redo_finished_iterations(sagemaker: Sagemaker) -> None:
    broken = {"b"}
    sagemaker.aws.function.answer = lambda payload: (
        ValueError("no rows") if payload["Item"] in broken else {"score": {"a": 1, "b": 3, "c": 2}.get(payload["Item"])}
    )
    body = lambda_step("Do", {"Item": ITEM}, {"score": "Integer"})
    each = for_each("Each", ["a", "b", "c"], body, selector=pick("MaxBy", "Do.OutputParameters['score']"), at_once=1)
    best = lambda_step("Tell", {"Item": get("Steps.Each.Selected.OutputParameters['score']")})
    arn = sagemaker.run(each, best)["PipelineExecutionArn"]
    broken.clear()
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert [payload["Item"] for payload in sagemaker.aws.function.payloads] == ["a", "b", "c", "b", 3]
    assert set(sagemaker.statuses(arn).values()) == {"Succeeded"}


def test_a_retry_redoes_an_iteration_whose_item_has_changed(sagemaker: Sagemaker) -> None:
    broken = {"b"}
    sagemaker.aws.function.answer = lambda payload: ValueError("no rows") if payload["Item"] in broken else {}
    each = for_each("Each", [get("Execution.CurrentDateTime"), "b"], lambda_step("Do", {"Item": ITEM}))
    arn = sagemaker.run(each)["PipelineExecutionArn"]
    broken.clear()
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert len(sagemaker.aws.function.payloads) == 4


def test_stop_ends_the_iterations_and_starts_no_more_and_a_retry_goes_on(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Do": ["Completed", "Hold"]}
    sagemaker.create(for_each("Each", ["a", "b", "c"], processing("Do"), at_once=1))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("Do-1")
    stop(sagemaker, arn)
    assert sagemaker.finish(arn)["PipelineExecutionStatus"] == "Stopped"
    assert sagemaker.statuses(arn) == {"Each": "Stopped", "Do-0": "Succeeded", "Do-1": "Stopped"}
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert [len(sagemaker.jobs.names(f"Do-{index}")) for index in range(3)] == [1, 2, 1]


def test_a_fail_step_elsewhere_ends_the_iterations(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Do": ["Hold", "Hold"]}

    def answer(_: Any) -> dict[str, Any]:
        sagemaker.jobs.until_created("Do-1")
        return {}

    sagemaker.aws.function.answer = answer
    gate = condition("Gate", compare(1, "Equals", 2), otherwise=[fail("Refuse")], DependsOn=["Wait"])
    execution = sagemaker.run(for_each("Each", ["a", "b", "c"], processing("Do"), at_once=2), lambda_step("Wait"), gate)
    assert execution["PipelineExecutionStatus"] == "Failed"
    statuses = sagemaker.statuses(execution)
    assert {statuses["Each"], statuses["Do-0"], statuses["Do-1"]} == {"Stopped"}
    assert "Do-2" not in statuses


def test_a_kill_between_iterations_is_gone_on_from(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Do": ["Completed", "Hold"]}
    sagemaker.create(for_each("Each", ["a", "b", "c"], processing("Do"), at_once=1))
    arn = sagemaker.begin()
    sagemaker.jobs.until_created("Do-1")
    old = sagemaker.jobs
    sagemaker.restart()
    old.release("Do")
    assert sagemaker.statuses(arn) == {"Each": "Failed", "Do-0": "Succeeded", "Do-1": "Failed"}
    assert sagemaker.retry(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert sorted(name.split("-")[3] for name in (r["ProcessingJobName"] for _, r in sagemaker.jobs.created)) == [
        "1",
        "2",
    ]


def test_iterations_are_taken_from_the_cache_by_their_items(sagemaker: Sagemaker) -> None:
    body = processing("Do", inputs=[join("s3://data", ITEM, on="/")], CacheConfig={"Enabled": True})
    sagemaker.create(for_each("Each", get("Parameters.List"), body), parameters=[parameter("List")])
    sagemaker.finish(sagemaker.begin("p", List=json.dumps(["a", "b"])))
    second = sagemaker.finish(sagemaker.begin("p", List=json.dumps(["new", "b", "a"])))
    hits = {name for name, step in sagemaker.steps(second).items() if "CacheHitResult" in step}
    assert hits == {"Do-1", "Do-2"}
    assert len(sagemaker.jobs.created) == 3


def test_stands_in_the_branch_of_a_condition(sagemaker: Sagemaker) -> None:
    gate = condition(
        "Gate",
        compare(1, "Equals", 1),
        then=[for_each("Yes", ["a"], lambda_step("DoYes"))],
        otherwise=[for_each("No", ["a"], lambda_step("DoNo"))],
    )
    assert list(sagemaker.steps(sagemaker.run(gate))) == ["Gate", "Yes", "DoYes-0"]


def test_a_failure_in_a_body_can_be_dealt_with_there(sagemaker: Sagemaker) -> None:
    sagemaker.jobs.outcomes = {"Do": ["broken"]}
    tidy = lambda_step("Tidy", {"Why": get("Steps.Do.FailureReason")}, DependsOn=[{"Step": "Do", "Trigger": "Failed"}])
    execution = sagemaker.run(for_each("Each", ["a", "b"], processing("Do"), tidy, at_once=1))
    assert sagemaker.aws.function.payloads == [{"Why": "broken"}]
    assert sagemaker.statuses(execution)["Each"] == "Succeeded"
