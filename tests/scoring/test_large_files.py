"""Files that the batch pipeline scores: its result is brought in, and it is as if they had been asked row by row."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest

from contender.scoring.file import State
from tests.scoring.fakes import ARTIFACTS, probability
from tests.scoring.test_stories import POISONED, expected, poisoned, table
from tests.scoring.world import World, content

EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"


def ended(status: str = "Succeeded") -> dict[str, object]:
    detail = {"pipelineExecutionArn": "arn:execution", "currentPipelineExecutionStatus": status}
    return {"detail-type": EXECUTION, "detail": detail}


def leave_result(world: World) -> None:
    """What the batch pipeline would: the file's rows, each with its score."""
    header, *rows = csv.reader(io.StringIO(content(poisoned()), newline=""))
    text, refused = io.StringIO(), io.StringIO()
    writer, refusals = csv.writer(text, lineterminator="\n"), csv.writer(refused, lineterminator="\n")
    writer.writerow([*header, "score"])
    refusals.writerow(["line", "problem"])
    for place, row in enumerate(rows):
        writer.writerow([*row, "" if place in POISONED else repr(probability("v1", float(row[0])))])
        if place in POISONED:
            refusals.writerow([str(2 * place + 3), "column 'Mins': 'many' is not a number"])
    summary = json.dumps({"champion": {"version": "1"}})
    for name, body in (("predictions.csv", text.getvalue()), ("refused.csv", refused.getvalue())):
        world.s3.put(ARTIFACTS, f"result/{name}", body.encode())
    world.s3.put(ARTIFACTS, "result/summary.json", summary.encode())


def story() -> World:
    world = World(rows_per_message=2, max_bytes=10)
    leave_result(world)
    world.drop(content(poisoned()))
    return world


def run(world: World, draw: random.Random | None = None) -> None:
    """The execution ends some time after it was started."""
    world.run(draw)
    world.deliver(ended())
    world.run(draw)


def has_ended_well(world: World) -> None:
    """With the same rows, report and files as on the other way; nothing is asked of the endpoint."""
    file = world.file()
    assert table(world) == expected()
    assert (file.state, file.scored, file.failed) == (State.FINISHED, 23, 2)
    report = world.report()
    assert [(each["row"], each["line"]) for each in report["problems"]] == [(5, 11), (18, 37)]
    assert (report["way"], report["scored_by"]) == ("batch", {"v1": 23})
    place = f"processed/D/{file.upload}/march.csv"
    assert world.s3.listed() == [place, f"{place}.failed.csv", f"{place}.report.json"]
    failed = list(csv.reader(io.StringIO(world.s3.body(f"{place}.failed.csv").decode(), newline="")))
    assert failed[1] == ["5", "11", "column 'Mins': 'many' is not a number", "many", "two\nlines", "yes", "555-4"]
    assert len(world.sagemaker.started) == 1
    assert world.runtime.requests == []


def test_a_large_file_goes_through_the_batch_pipeline() -> None:
    world = story()
    run(world)
    has_ended_well(world)
    (started,) = world.sagemaker.started
    parameters = {each["Name"]: each["Value"] for each in started["PipelineParameters"]}
    assert parameters["InputDataUri"] == f"s3://contender-inference/scoring/D/{world.file().upload}/march.csv"
    assert started["PipelineName"] == "contender-batch"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_any_call_it_ends_the_same(before: bool) -> None:
    world = story()
    run(world)
    for number in range(1, len(world.calls.made) + 1):
        world = story()
        world.calls.kill_at = (number, before)
        run(world)
        assert world.calls.kill_at is None
        has_ended_well(world)


@pytest.mark.parametrize("seed", range(10))
def test_delivered_twice_and_in_any_order_it_ends_the_same(seed: int) -> None:
    world, draw = story(), random.Random(seed)
    world.deliver(json.loads(world.sqs.queues["files"][0]["Body"]))
    run(world, draw)
    run(world, draw)
    has_ended_well(world)


def test_a_queue_that_takes_nothing_for_a_while_costs_no_row() -> None:
    world = story()
    world.sqs.busy = 3
    run(world)
    has_ended_well(world)


def test_an_execution_that_fails_refuses_the_file() -> None:
    world = story()
    world.sagemaker.status = "Failed"
    run(world)
    file = world.file()
    assert (file.state, file.reason) == (State.REFUSED, "execution arn:execution failed: the job failed")
    place = f"refused/D/{file.upload}/march.csv"
    assert world.s3.listed() == [place, f"{place}.report.json"]


def test_an_execution_that_runs_is_waited_for() -> None:
    world = story()
    world.sagemaker.status = "Executing"
    run(world)
    assert (world.file().state, world.outcomes[-1]["outcome"]) == (State.BATCH, "ignored")
    world.sagemaker.status = "Succeeded"
    run(world)
    has_ended_well(world)


def test_without_a_batch_pipeline_a_large_file_is_refused() -> None:
    world = story()
    world.sagemaker.has_pipeline = False
    world.run()
    assert "pipeline 'contender-batch' does not exist: make it with `contender pipeline upsert`" in world.file().reason


@pytest.mark.parametrize(
    "uri",
    [
        "s3://contender-artifacts/batch/D/uploads/1/march.csv",
        "s3://somebodys/scoring/my_data/2026/march.csv",
        "s3://somebodys/scoring/D/2026/march.csv",
        "s3://somebodys",
        "",
    ],
)
def test_an_execution_of_somebody_elses_is_none_of_ours(uri: str) -> None:
    world = World()
    parameters = [{"Name": "InputDataUri", "Value": uri}]
    world.sagemaker.started.append({"PipelineParameters": parameters})
    world.deliver(ended())
    world.run()
    assert world.outcomes == [{"outcome": "ignored", "execution": "arn:execution"}]


def test_rows_that_the_batch_pipeline_refused_are_asked_of_the_endpoint_when_tried_again() -> None:
    world = story()
    run(world)
    world.sqs.queues["rows"] += [{"Body": each["Body"], "receives": 0} for each in world.sqs.queues["dead"]]
    world.run()
    assert world.runtime.requests == [1, 1]
    assert [each["row"] for each in world.report()["problems"]] == [5, 18]


def test_a_file_that_s3_copies_in_parts_only_is_refused_and_stays_where_it_is() -> None:
    world = World(max_bytes=10)
    world.s3.more_bytes = 6_000_000_000
    world.drop(content(poisoned()))
    world.run()
    file = world.file()
    assert file.reason == "march.csv has more than 5 GB: drop it in parts"
    assert world.report(file, "refused")["reason"] == file.reason
    assert world.s3.listed() == ["inference/D/march.csv", f"refused/D/{file.upload}/march.csv.report.json"]
    assert world.sagemaker.started == []


def test_no_message_of_a_result_has_more_rows_than_fit_into_an_item() -> None:
    """Five times as many as are asked for at once would be 10,000."""
    world = World(rows_per_message=2000, max_bytes=10)
    text = "Mins,Plan,score\n" + "1,yes,0.5\n" * 6000
    leave_result(world)
    world.s3.put(ARTIFACTS, "result/predictions.csv", text.encode())
    world.drop("Mins,Plan\n" + "1,yes\n" * 6000)
    run(world)
    assert (world.file().scored, world.file().chunks) == (6000, 2)
