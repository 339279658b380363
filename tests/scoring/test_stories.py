"""Files to predictions, killed at every call and delivered in every way: it always ends in the same table."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from contender.scoring.file import State
from tests.scoring.fakes import ARTIFACTS, artifact, model_error, probability
from tests.scoring.world import World, content, rows

POISONED = (4, 17)


def poisoned(count: int = 25) -> list[list[str]]:
    some = rows(count)
    for place in POISONED:
        some[place][1] = "many"
    return some


def story() -> World:
    """A file in three messages, two of which hold a row that the model refuses."""
    world = World()
    world.drop(content(poisoned()))
    return world


def table(world: World) -> dict[int, tuple[Any, ...]]:
    return {
        row["row"]: (row["prediction"], row["probability"], row["variant"], row["version"])
        for row in world.store.rows(world.file())
    }


def expected(variant: str = "v1") -> dict[int, tuple[Any, ...]]:
    chances = {
        number: probability(variant, float(mins)) for number, (_, mins, _) in enumerate(poisoned(), 1) if mins != "many"
    }
    return {number: (int(chance >= 0.5), chance, variant, int(variant[1:])) for number, chance in chances.items()}


def has_ended_well(world: World) -> None:
    file = world.file()
    assert table(world) == expected()
    assert len(world.table.rows) == 23
    assert (file.state, file.scored, file.failed) == (State.FINISHED, 23, 2)
    report = world.report()
    assert [(each["row"], each["line"]) for each in report["problems"]] == [(5, 11), (18, 37)]
    assert report["problems"][0]["problem"] == "column 'Mins': 'many' is not a number"
    assert (report["rows"], report["scored"], report["failed"], report["scored_by"]) == (25, 23, 2, {"v1": 23})
    place = f"processed/D/{file.upload}/march.csv"
    assert world.s3.listed() == [place, f"{place}.failed.csv", f"{place}.report.json"]
    assert world.s3.body(place) == content(poisoned()).encode()
    assert world.s3.body(f"{place}.failed.csv").decode().splitlines()[0] == "row,line,problem,Mins,Note,Plan,Phone"
    assert set(world.reasons()) == {
        "row 5: column 'Mins': 'many' is not a number",
        "row 18: column 'Mins': 'many' is not a number",
    }


def test_a_file_goes_its_way() -> None:
    world = story()
    world.run()
    has_ended_well(world)


def calls_of_the_story() -> int:
    world = story()
    world.run()
    return len(world.calls.made)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_any_call_it_ends_the_same(before: bool) -> None:
    for number in range(1, calls_of_the_story() + 1):
        world = story()
        world.calls.kill_at = (number, before)
        world.run()
        assert world.calls.kill_at is None, "it was not killed"
        has_ended_well(world)


@pytest.mark.parametrize("seed", range(20))
def test_delivered_twice_and_in_any_order_it_ends_the_same(seed: int) -> None:
    world, draw = story(), random.Random(seed)
    world.calls.kill_at = (draw.randrange(1, 40), draw.random() < 0.5)
    world.deliver(json.loads(world.sqs.queues["files"][0]["Body"]))
    world.run(draw)
    assert len(world.store.files("D")) == 1
    has_ended_well(world)


@pytest.mark.parametrize("number", range(1, 36))
def test_two_at_once_get_in_nobodys_way(number: int) -> None:
    """While the first is at one of its calls, the second does everything, up to the report."""
    world = story()
    body = world.sqs.queues["files"][0]["Body"]
    calls = 0

    def other(name: str) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            first, world.sqs.queues["files"] = world.sqs.queues["files"], [{"Body": body, "receives": 0}]
            world.run()
            world.sqs.queues["files"] = first

    world.calls.before = other
    world.run()
    assert calls > number
    has_ended_well(world)


@pytest.mark.parametrize("seed", range(10))
def test_whoever_is_champion_meanwhile_a_row_is_answered_once(seed: int) -> None:
    """The fake table refuses an item that changes; the version that answers changes between a message's tries."""
    world, draw = story(), random.Random(seed)

    def newer(requests: list[Any]) -> list[Any]:
        world.sagemaker.champion, world.runtime.variants = 2, {"v2"}
        return []

    world.table.leaves = newer
    world.calls.kill_at = (draw.randrange(15, 40), draw.random() < 0.5)
    world.run(draw)
    found = table(world)
    assert set(found) == set(expected())
    assert all(row == expected(row[2])[number] for number, row in found.items())
    assert world.report()["scored_by"] == {
        variant: sum(row[2] == variant for row in found.values()) for variant in {row[2] for row in found.values()}
    }


def test_rows_fail_where_the_successor_reads_what_their_file_lacks() -> None:
    world = World()
    world.drop(content(rows(5)))
    world.deliver_next("files")
    world.sagemaker.champion, world.runtime.variants = 2, {"v2"}
    world.s3.put(ARTIFACTS, "model.tar.gz", artifact("Plan", "Mins", "Age"))
    world.run()
    assert world.report()["failed"] == 5
    assert "lacks 1 of the 3 columns of champion v2: Age." in world.report()["problems"][0]["problem"]


def test_items_that_dynamodb_leaves_are_written_again() -> None:
    world, draw = story(), random.Random(1)
    world.table.leaves = lambda requests: [request for request in requests if draw.random() < 0.5]
    world.run()
    has_ended_well(world)


def test_a_table_that_takes_nothing_costs_no_row() -> None:
    world = story()
    world.table.leaves = lambda requests: requests if world.calls.made.count("BatchWriteItem") < 20 else []
    world.run()
    assert "failed" in {outcome["outcome"] for outcome in world.outcomes}
    has_ended_well(world)


def test_a_queue_that_takes_nothing_for_a_while_costs_no_row() -> None:
    world = story()
    world.sqs.busy = 3
    world.run()
    has_ended_well(world)


@pytest.mark.parametrize("status", [408, 429, 503])
def test_an_endpoint_that_fails_for_a_while_costs_no_row(status: int) -> None:
    world = story()
    world.runtime.failures = [model_error(status, "busy") for _ in range(2)]
    world.run()
    assert [outcome["outcome"] for outcome in world.outcomes].count("failed") == 2
    has_ended_well(world)


def test_an_endpoint_that_fails_for_good_leaves_rows_that_can_be_tried_again() -> None:
    world = World()
    world.drop(content(rows(25)))
    world.runtime.variants = set()
    world.run()
    report = world.report()
    assert (report["scored"], report["failed"]) == (0, 25)
    assert "Variant v1 not found" in report["problems"][0]["problem"]
    assert len(world.reasons()) == 3
    world.runtime.variants = {"v1"}
    letters = world.sqs.queues["dead"]
    world.sqs.queues["dead"] = []
    for letter in letters:
        world.sqs.queues["rows"] += [{"Body": letter["Body"], "receives": 0} for _ in range(2)]
    world.run(random.Random(3))
    file, report = world.file(), world.report()
    assert (file.scored, file.failed, report["scored"], report["failed"]) == (25, 0, 25, 0)
    assert (report["problems"], report["failed_rows"]) == ([], None)
    assert world.s3.listed() == [f"processed/D/{file.upload}/march.csv{ending}" for ending in ("", ".report.json")]
    assert len(world.table.rows) == 25
    assert world.sqs.queues["dead"] == []


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_second_try_killed_at_any_call_ends_the_same(before: bool) -> None:
    def again() -> World:
        world = World()
        world.drop(content(rows(12)))
        world.runtime.variants = set()
        world.run()
        world.runtime.variants = {"v1"}
        world.sqs.queues["rows"] += [{"Body": each["Body"], "receives": 0} for each in world.sqs.queues["dead"]]
        world.calls.made.clear()
        return world

    world = again()
    world.run()
    for number in range(1, len(world.calls.made) + 1):
        world = again()
        world.calls.kill_at = (number, before)
        world.run()
        report = world.report()
        assert (report["scored"], report["failed"], len(world.table.rows)) == (12, 0, 12)


def test_a_row_that_breaks_the_model_fails_alone() -> None:
    world, some = World(rows_per_message=100), rows(100)
    some[63][0] = "crash"
    world.drop(content(some))
    world.run()
    report = world.report()
    assert [(each["row"], each["problem"]) for each in report["problems"]] == [(64, "the model failed (500): KeyError")]
    assert len(world.table.rows) == 99


def test_a_model_that_is_down_is_not_asked_for_every_row() -> None:
    world, some = World(rows_per_message=1000), rows(1000)
    for row in some:
        row[0] = "crash"
    world.drop(content(some))
    world.run()
    assert world.report()["failed"] == 1000
    assert world.calls.made.count("InvokeEndpoint") < 200


@pytest.mark.parametrize("names_the_row", [True, False])
def test_a_refused_row_is_found_with_few_requests(names_the_row: bool) -> None:
    world, some = World(rows_per_message=1000), rows(1000)
    some[700][1] = "many"
    world.runtime.names_the_row = names_the_row
    world.drop(content(some))
    world.run()
    assert [each["row"] for each in world.report()["problems"]] == [701]
    assert len(world.table.rows) == 999
    assert world.calls.made.count("InvokeEndpoint") <= (4 if names_the_row else 22)


def test_one_request_a_message_and_few_calls_for_a_thousand_rows() -> None:
    world = World(rows_per_message=1000)
    world.drop(content(rows(10_000)))
    world.run()
    assert world.runtime.requests == [1000] * 10
    assert len(world.table.rows) == 10_000
    assert len(world.calls.made) / 10 < 50


def test_rows_that_there_was_no_time_for_are_left_to_another_message() -> None:
    """Every second row is refused; each message has the time for one request more than the first."""
    some = rows(40)
    for row in some[::2]:
        row[1] = "many"

    def delivered_in_any_way(seed: int | None) -> None:
        world = World(rows_per_message=40)
        draw = random.Random(seed)
        world.has_time = lambda: len(world.runtime.requests) % 3 == 0 or draw.random() < 0.3
        world.drop(content(some))
        world.run(draw if seed is not None else None)
        report = world.report()
        assert [each["row"] for each in report["problems"]] == list(range(1, 41, 2))
        assert (report["scored"], report["failed"], len(world.table.rows)) == (20, 20, 20)
        assert len(list(world.store.answers(world.file().upload))) > 2
        told = [json.loads(each["Body"]) for each in world.sqs.queues["dead"]]
        assert {place for each in told for place in each["only"]} == set(range(0, 40, 2))

    for seed in (None, *range(10)):
        delivered_in_any_way(seed)


def test_failed_rows_are_read_while_they_are_written_for_there_may_be_millions() -> None:
    world = World()
    world.drop(content(rows(30)))
    world.runtime.variants = set()
    world.run()
    file = world.file()
    assert len(world.s3.body(f"processed/D/{file.upload}/march.csv.failed.csv").decode().splitlines()) == 61
    assert len(set(world.s3.calls_at_parts)) == 3


@pytest.mark.parametrize("number", range(1, 11))
def test_a_file_of_failed_rows_that_is_written_late_does_not_stay(number: int) -> None:
    """While the first try of a file is finished, a second one scores all of its rows."""
    world = World()
    world.drop(content(rows(5)))
    world.runtime.variants = set()
    world.deliver_next("files")
    for _ in range(2):
        world.deliver_next("rows")
    calls = 0

    def other(name: str) -> None:
        nonlocal calls
        calls += world.sqs.queues["dead"] != []
        if calls == number:
            calls, world.runtime.variants = 1000, {"v1"}
            kept, world.sqs.queues["rows"] = world.sqs.queues["rows"], world.sqs.queues["dead"]
            world.sqs.queues["dead"] = []
            world.run()
            world.sqs.queues["rows"] = kept

    world.calls.before = other
    world.run()
    file = world.file()
    assert (file.state, file.scored, file.failed) == (State.FINISHED, 5, 0)
    assert world.report()["failed_rows"] is None
    assert world.s3.listed() == [f"processed/D/{file.upload}/march.csv{ending}" for ending in ("", ".report.json")]
