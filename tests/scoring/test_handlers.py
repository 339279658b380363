"""The functions' batches: one message costs no other, and what fails comes back later and later."""

from __future__ import annotations

from typing import Any

import pytest

from contender.lambdas import intake, score
from contender.lambdas.coming_back import ComingBack
from tests.scoring.world import World, content, rows


class Context:
    """Time left of a function's, in milliseconds."""

    def __init__(self, *left_ms: int) -> None:
        self._left_ms = list(left_ms)

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms.pop(0) if len(self._left_ms) > 1 else self._left_ms[0]


def records(world: World, queue: str, tries: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": str(number),
                "receiptHandle": f"handle-{number}",
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": str(tries)},
            }
            for number, message in enumerate(world.sqs.queues[queue])
        ]
    }


@pytest.fixture
def world() -> World:
    """A file whose three messages wait to be scored."""
    world = World()
    world.drop(content(rows(25)))
    world.deliver_next("files")
    return world


def worker(world: World) -> score.Worker:
    return score.Worker(world.scoring(), ComingBack(world.sqs, "rows", 30), most_tries=3)


def test_a_message_that_fails_costs_no_other(world: World) -> None:
    world.runtime.failures = [OSError("connection reset")]
    reply, outcomes = worker(world).answer(records(world, "rows"), Context(300_000))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert [outcome["outcome"] for outcome in outcomes] == ["failed", "scored", "scored"]
    assert "connection reset" in outcomes[0]["reason"]
    assert len(world.table.rows) == 15


@pytest.mark.parametrize(("tries", "delay_s"), [(1, 30), (2, 60), (3, 120), (6, 900), (40, 900)])
def test_what_fails_comes_back_later_and_later(world: World, tries: int, delay_s: int) -> None:
    (record, *_) = records(world, "rows", tries)["Records"]
    assert ComingBack(world.sqs, "rows", 30).put_off(record) == delay_s
    assert world.sqs.delays == [delay_s]


def test_rows_have_failed_after_the_last_try(world: World) -> None:
    world.runtime.variants = set()
    for tries in (1, 2, 3):
        reply, outcomes = worker(world).answer(records(world, "rows", tries), Context(300_000))
        assert len(reply["batchItemFailures"]) == (3 if tries < 3 else 0)
    assert [outcome["failed"] for outcome in outcomes] == [10, 10, 5]
    assert world.report()["failed"] == 25


def test_a_function_that_is_out_of_time_begins_no_message(world: World) -> None:
    reply, outcomes = worker(world).answer(records(world, "rows"), Context(300_000, 89_000))
    assert [failure["itemIdentifier"] for failure in reply["batchItemFailures"]] == ["1", "2"]
    assert [outcome["outcome"] for outcome in outcomes] == ["scored", "not begun", "not begun"]
    assert world.sqs.delays == [0, 0]


def test_a_file_that_cannot_be_taken_in_now_comes_back() -> None:
    world = World()
    world.drop(content(rows(3)))
    coming_back = ComingBack(world.sqs, "files", 30)
    world.table.before = unavailable
    reply, outcomes = intake.answer(world.intake(), coming_back, records(world, "files", 2))
    assert reply == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert (outcomes[0]["outcome"], outcomes[0]["again_after_s"]) == ("failed", 60)
    world.table.before = lambda operation: None
    reply, outcomes = intake.answer(world.intake(), coming_back, records(world, "files", 3))
    assert reply == {"batchItemFailures": []}
    assert outcomes[0]["outcome"] == "sent"


def unavailable(operation: str) -> None:
    raise OSError("no connection")
