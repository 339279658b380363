"""Metrics: what was newly counted, by endpoint and variant, minute by minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from contender.measurements.events import parse
from contender.measurements.metrics import MAX_DATA, publish
from contender.measurements.recorder import Counted
from tests.measurements.world import NOW, World


class CloudWatch:
    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        assert Namespace == "Contender"
        self.calls.append(MetricData)

    def sums(self) -> dict[tuple[str, str, str], float]:
        sums: dict[tuple[str, str, str], float] = {}
        for datum in (datum for call in self.calls for datum in call):
            endpoint, variant = (dimension["Value"] for dimension in datum["Dimensions"])
            key = datum["MetricName"], endpoint, variant
            sums[key] = sums.get(key, 0.0) + datum["Value"]
        return sums


def counted(world: World, *events: Any) -> Counted:
    result = Counted()
    world.recorder().record([parse(event.line()) for event in events], result)
    return result


def test_invocations_conversions_and_rewards_are_told_once() -> None:
    world, cloudwatch = World(), CloudWatch()
    events = [world.request("a"), world.request("b", "v2"), world.reward("b", 2.5), world.reward("b", -1.0, "two")]
    publish(cloudwatch, counted(world, *events, *events).measured, NOW)
    publish(cloudwatch, counted(world, *events).measured, NOW)
    assert len(cloudwatch.calls) == 1
    assert cloudwatch.sums() == {
        ("Invocations", "contender-SM-1", "v1"): 1,
        ("Invocations", "contender-SM-1", "v2"): 1,
        ("Conversions", "contender-SM-1", "v2"): 2,
        ("Rewards", "contender-SM-1", "v2"): 1.5,
    }
    assert {datum["Timestamp"] for datum in cloudwatch.calls[0]} == {
        NOW - timedelta(minutes=5),
        NOW - timedelta(minutes=1),
    }


def test_a_reward_that_waited_is_told_when_it_counts() -> None:
    world, cloudwatch = World(), CloudWatch()
    publish(cloudwatch, counted(world, world.reward("a", 3.0)).measured, NOW)
    assert cloudwatch.calls == []
    publish(cloudwatch, counted(world, world.request("a", "v2")).measured, NOW)
    assert cloudwatch.sums()["Rewards", "contender-SM-1", "v2"] == 3.0


def test_what_cloudwatch_would_refuse_is_left_out() -> None:
    world, cloudwatch = World(), CloudWatch()
    old = world.request("old", at=NOW - timedelta(days=20))
    ahead = world.request("ahead", at=NOW + timedelta(hours=3))
    publish(cloudwatch, counted(world, old, ahead).measured, NOW)
    assert [datum["Timestamp"] for datum in cloudwatch.calls[0]] == [NOW]
    assert world.total("v1").judged.n == 2


def test_a_call_holds_no_more_than_cloudwatch_takes() -> None:
    world, cloudwatch = World(), CloudWatch()
    events = [world.request(str(number), at=NOW - timedelta(minutes=number)) for number in range(MAX_DATA + 1)]
    publish(cloudwatch, counted(world, *events).measured, NOW)
    assert [len(call) for call in cloudwatch.calls] == [MAX_DATA, 1]
