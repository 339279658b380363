"""The parts of serving that need no process: frames, routes, counts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from contender.local.containers.invocation import Answer, Request
from contender.local.serving.invocations import Exchange
from contender.local.serving.metrics import MetricCounts, metric_data
from contender.local.serving.routing import Router, UnknownEndpoint, UnknownVariant, Variant
from contender.local.serving.wire import Frames, pack_answer, pack_request, unpack_answer, unpack_request

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FakeLink:
    """A link as far as choosing one needs it."""

    def __init__(self, waiting: int = 0, up: bool = True) -> None:
        self.waiting = dict.fromkeys(range(waiting))
        self.up = asyncio.Event()
        if up:
            self.up.set()


def route(router: Router, **weights: float) -> dict[str, FakeLink]:
    links = {name: FakeLink() for name in weights}
    router.route("e", [(name, weight, [links[name]]) for name, weight in weights.items()])  # type: ignore[list-item]
    return links


def test_frames_survive_any_cut() -> None:
    requests = [Request(b"1,2", "text/csv", "", "trace"), Request(b"", "", "a/b"), Request(b"x" * 1000, "é", "")]
    stream = b"".join(pack_request(number, request) for number, request in enumerate(requests))
    for step in (1, 7, 64, len(stream)):
        frames = Frames()
        pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
        got = [unpack_request(frame) for piece in pieces for frame in frames.feed(piece)]
        assert got == list(enumerate(requests))


def test_answers_come_back_as_they_went() -> None:
    answer = Answer(424, b"body", "text/plain", "trace")
    assert unpack_answer(pack_answer(2**32 - 1, answer)) == (2**32 - 1, answer)


def test_traffic_follows_the_weights_within_binomial_bounds() -> None:
    router = Router(random.Random(7))
    route(router, champion=9, challenger=1)
    rounds = 20_000
    seen = Counter(router.choose("e").name for _ in range(rounds))
    deviation = (rounds * 0.9 * 0.1) ** 0.5
    assert abs(seen["challenger"] - rounds * 0.1) < 4 * deviation


def test_the_same_seed_splits_the_same_way() -> None:
    choices = []
    for _ in range(2):
        router = Router(random.Random(3))
        route(router, a=1, b=1, c=2)
        choices.append([router.choose("e").name for _ in range(50)])
    assert choices[0] == choices[1]


def test_a_variant_of_weight_zero_gets_only_what_targets_it() -> None:
    router = Router(random.Random(1))
    route(router, first=0, serving=1, last=0)
    assert {router.choose("e").name for _ in range(500)} == {"serving"}
    assert router.choose("e", "last").name == "last"


def test_unknown_names_are_errors_of_their_own() -> None:
    router = Router(random.Random(1))
    route(router, a=1)
    with pytest.raises(UnknownEndpoint):
        router.choose("other")
    with pytest.raises(UnknownVariant):
        router.choose("e", "b")


def test_a_new_route_tells_which_links_it_left() -> None:
    router = Router(random.Random(1))
    kept, left, new = FakeLink(), FakeLink(), FakeLink()
    links: Any = [kept, left, new]
    assert router.route("e", [("a", 1, [links[0]]), ("b", 1, [links[1]])]) == []
    assert router.route("e", [("a", 1, [links[0]]), ("c", 1, [links[2]])]) == [left]
    assert router.remove("e") == [kept, new]


@pytest.mark.parametrize(
    ("links", "chosen"),
    [
        ([FakeLink(3), FakeLink(1)], 1),
        ([FakeLink(0, up=False), FakeLink(5)], 1),
        ([FakeLink(0, up=False), FakeLink(0, up=False)], 0),
    ],
)
def test_the_least_busy_worker_that_is_up_is_asked(links: list[Any], chosen: int) -> None:
    assert Variant("v", links).least_busy() is links[chosen]


def exchange(status: int, model_us: int = 800, variant: str = "v1") -> Exchange:
    request = Request(b"", "text/csv", "")
    answer = Answer(status, b"", "text/csv")
    return Exchange("e", "", "", request, 0, variant, answer, model_us * 1000, (model_us + 90) * 1000)


def counted(*exchanges: Exchange, instances: int = 1) -> dict[str, dict[str, Any]]:
    """MetricData by metric name, of one variant."""
    counts = MetricCounts()
    for each in exchanges:
        counts.add(each)
    return {each["MetricName"]: each for each in metric_data(counts.take(), NOW, lambda endpoint, variant: instances)}


def samples(datum: dict[str, Any]) -> dict[float, float]:
    return dict(zip(datum["Values"], datum["Counts"], strict=True))


def test_counts_errors_by_whose_they_are() -> None:
    data = counted(*map(exchange, (200, 200, 204, 400, 415, 500, 503, 0)))
    assert samples(data["Invocations"]) == {1: 8}
    assert samples(data["Invocation4XXErrors"]) == {1: 2, 0: 6}
    assert samples(data["Invocation5XXErrors"]) == {1: 3, 0: 5}
    assert samples(data["InvocationModelErrors"]) == {1: 5, 0: 3}


def test_an_instance_has_its_part_of_the_invocations() -> None:
    assert samples(counted(exchange(200), exchange(200), instances=4)["InvocationsPerInstance"]) == {0.25: 2}


def test_latencies_are_microseconds_of_two_digits() -> None:
    data = counted(exchange(200, 123_456), exchange(200, 129_999), exchange(200, 42))
    assert samples(data["ModelLatency"]) == {120_000: 2, 42: 1}
    assert samples(data["OverheadLatency"]) == {90: 3}
    assert data["ModelLatency"]["Unit"] == "Microseconds"


def test_many_different_latencies_are_several_data() -> None:
    counts = MetricCounts()
    for microseconds in range(10, 100_000, 37):
        counts.add(exchange(200, microseconds))
    latencies = [
        each
        for each in metric_data(counts.take(), NOW, lambda endpoint, variant: 1)
        if each["MetricName"] == "ModelLatency"
    ]
    assert len(latencies) > 1
    assert all(len(each["Values"]) <= 150 for each in latencies)


def test_what_was_taken_is_not_counted_again() -> None:
    counts = MetricCounts()
    counts.add(exchange(200))
    assert len(counts.take()) == 1
    assert counts.take() == []
