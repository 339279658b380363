"""POST /stats: counts by variant and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from contender.experiments.arms import Arm
from contender.lambdas import stats
from contender.measurements.events import Event
from tests.api.api import NAMES, Api, call
from tests.measurements.world import ENDPOINT, World


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, **fields: Any) -> tuple[int, dict[str, Any]]:
    asked = {"endpoint_name": ENDPOINT, **fields}
    return Api().answer(call(asked), lambda body, line: stats.answer(NAMES, world.store, body, line))


def by_variant(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["endpoint_variant"]: each for each in answer["variants"]}


def counted(world: World, requests: int, rewards: int, variant: str, amount: float = 1.0) -> None:
    events: list[Event] = []
    for number in range(requests):
        events.append(world.request(f"{variant}-{number}", variant))
        if number < rewards:
            events.append(world.reward(f"{variant}-{number}", amount))
    world.count(*events)


def test_counts_rates_and_shares_by_variant(world: World) -> None:
    counted(world, 100, 10, "v1")
    counted(world, 50, 10, "v2")
    world.count(world.request("by-hand", "v2", strategy="Manual", shares=None, propensity=None))
    world.count(world.request("failed", "v1", status=500, endpoint_variant=None))
    status, answer = ask(world)
    assert status == 200
    assert {
        name: answer[name] for name in ("endpoint_name", "experiment", "status", "strategy", "epsilon", "warmup")
    } == {
        "endpoint_name": ENDPOINT,
        "experiment": f"{ENDPOINT}-e1",
        "status": "open",
        "strategy": "Weighted",
        "epsilon": 0.0,
        "warmup": 0,
    }
    v1, v2 = by_variant(answer)["v1"], by_variant(answer)["v2"]
    assert (v1["invocations"], v1["errors"], v1["conversions"], v1["reward_sum"], v1["share"]) == (101, 1, 10, 10, 0.9)
    assert (v2["invocations"], v2["other_invocations"], v2["reward_rate"]) == (50, 1, 0.2)
    assert v2["interval"][0] < 0.2 < v2["interval"][1]
    assert v2["chance_to_beat"] > 0.9
    assert v1["chance_to_beat"] + v2["chance_to_beat"] == pytest.approx(1)


def test_nothing_counted_yet_is_an_answer_too(world: World) -> None:
    answer = ask(world)[1]
    assert [each["endpoint_variant"] for each in answer["variants"]] == ["v1", "v2"]
    for each in answer["variants"]:
        assert (each["invocations"], each["interval"], each["chance_to_beat"]) == (0, None, pytest.approx(0.5))
    assert answer["names"] == []


def test_amounts_are_not_taken_for_successes(world: World) -> None:
    counted(world, 40, 20, "v1", 12.5)
    counted(world, 40, 20, "v2", 10.0)
    v1 = by_variant(ask(world)[1])["v1"]
    assert v1["reward_rate"] == 6.25
    assert v1["interval"][1] > 6.25
    assert v1["conversions"] == 20


@pytest.mark.parametrize(
    ("rewards", "kind"),
    [((0, 1), "binary"), ((), "binary"), ((1.5, 0.5), "real"), ((1, -1), "real"), ((2, 0), "real")],
)
def test_binary_is_what_earns_nothing_or_one(rewards: tuple[float, ...], kind: str) -> None:
    arm = Arm(
        len(rewards), sum(reward > 0 for reward in rewards), float(sum(rewards)), sum(reward**2 for reward in rewards)
    )
    assert stats.kind_of({"v1": arm, "v2": Arm()}) == kind


def test_another_reward_is_asked_for_by_its_name(world: World) -> None:
    world.count(world.request("r1"), world.reward("r1", 3.0, name="revenue"))
    answer = ask(world, name="revenue")[1]
    assert answer["names"] == ["revenue"]
    assert by_variant(answer)["v1"]["reward_sum"] == 3.0
    assert by_variant(ask(world)[1])["v1"]["reward_sum"] == 0


def test_rewards_that_came_before_their_request_are_told(world: World) -> None:
    world.count(world.reward("early"))
    assert ask(world)[1]["waiting_rewards"] == 1


def test_a_variant_that_left_keeps_its_line_and_tenth_comes_after_second(world: World) -> None:
    counted(world, 3, 1, "v1")
    world.publish(shares={"v10": 0.5, "v2": 0.5}, revision=2)
    answer = ask(world)[1]
    assert [(each["endpoint_variant"], each["share"]) for each in answer["variants"]] == [
        ("v1", 0.0),
        ("v2", 0.5),
        ("v10", 0.5),
    ]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"endpoint_name": "other-SM-1"}, 404, "unknown_endpoint"),
        ({"endpoint_name": "contender-SM-9"}, 404, "unknown_endpoint"),
        ({"endpoint_name": None}, 400, "malformed"),
        ({"name": "a b"}, 400, "malformed"),
        ({"variant": "v1"}, 400, "malformed"),
    ],
)
def test_what_cannot_be_told_is_refused(world: World, fields: dict[str, Any], status: int, code: str) -> None:
    answered, answer = ask(world, **fields)
    assert (answered, answer["error"]["code"]) == (status, code)


def test_without_tables_there_is_nothing_to_tell(world: World) -> None:
    def down(operation: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    world.dynamodb.before = down
    assert ask(world)[0] == 503
