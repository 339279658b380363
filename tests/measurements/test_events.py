"""Event lines: what is written reads back the same, and what is no event is refused with a reason."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from contender.measurements.events import BadEvent, Conversion, Invocation, checked_reward, parse
from tests.measurements.world import NOW, World

WORLD = World()


def changed(event: Invocation | Conversion, **fields: Any) -> bytes:
    return json.dumps({**json.loads(event.line()), **fields}).encode()


@pytest.mark.parametrize(
    "event",
    [
        WORLD.request("a"),
        WORLD.request("a", endpoint_variant=None, status=424, error="the model failed", latency_ms=None),
        WORLD.request("a", strategy="Fallback", experiment=None, target_variant=None, shares=None, propensity=None),
        WORLD.request("ünï", user_id="名前 #1"),
        WORLD.reward("a", 2.5),
        WORLD.reward("a", -0.000001, name="clicks"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_reads_back_as_it_was_written(event: Invocation | Conversion) -> None:
    line = event.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse(line) == event


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert parse(WORLD.request("a", at=there).line()).at == NOW
    assert parse(changed(WORLD.request("a"), at="2026-05-04T12:00:00Z")).at == datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_long_error_is_cut_and_an_error_that_is_no_text_becomes_one() -> None:
    event = parse(WORLD.request("a", status=500, error="x" * 5000).line())
    assert isinstance(event, Invocation)
    assert event.error == "x" * 300
    event = parse(changed(WORLD.request("a", status=500), error={"code": 7}))
    assert isinstance(event, Invocation)
    assert event.error == "{'code': 7}"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "malformed"),
        (b"no JSON", "malformed"),
        (b'{"type": "invocation"', "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b"3", "foreign"),
        (b'{"type": "pageview"}', "foreign"),
        (b"{}", "foreign"),
    ],
)
def test_what_is_no_event_is_refused(line: bytes, code: str) -> None:
    with pytest.raises(BadEvent) as refused:
        parse(line)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"event_id": None}, "malformed"),
        ({"event_id": ""}, "malformed"),
        ({"event_id": "x" * 129}, "malformed"),
        ({"inference_id": "x" * 65}, "malformed"),
        ({"user_id": 7}, "malformed"),
        ({"user_id": "\ud800"}, "malformed"),
        ({"user_id": "x" * 257}, "malformed"),
        ({"at": "yesterday"}, "malformed"),
        ({"at": "2026-05-04T12:00:00"}, "malformed"),
        ({"at": 1777896000}, "malformed"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "malformed"),
        ({"status": "200"}, "malformed"),
        ({"status": 42}, "malformed"),
        ({"latency_ms": -1}, "malformed"),
        ({"latency_ms": float("nan")}, "malformed"),
        ({"latency_ms": float("inf")}, "malformed"),
        ({"latency_ms": 10**400}, "malformed"),
        ({"propensity": 1.5}, "malformed"),
        ({"shares": {"v1": 0.5}}, "malformed"),
        ({"shares": {"v1": "1"}}, "malformed"),
        ({"shares": {"v2": 1.0}}, "malformed"),
        ({"shares": {}}, "malformed"),
        ({"shares": {f"v{number}": 1 / 11 for number in range(11)}}, "malformed"),
        ({"shares": {"v1": 1.0, "#": 0.0}}, "malformed"),
        ({"shares": None}, "malformed"),
        ({"experiment": None}, "malformed"),
        ({"endpoint_variant": "v1#2026"}, "malformed"),
        ({"endpoint_variant": None, "target_variant": None}, "no_variant"),
    ],
)
def test_a_request_with_a_wrong_field_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(BadEvent) as refused:
        parse(changed(WORLD.request("a"), **fields))
    assert refused.value.code == code


@pytest.mark.parametrize("seed", range(5))
def test_no_value_of_any_field_is_more_than_refused(seed: int) -> None:
    """Thousands of lines with something else in some of the fields: each is an event or refused in words."""
    draw = random.Random(seed)
    odd: list[Any] = [None, True, "", " ", "x" * 10_000, "\x00", "\udcff", "#", -1, 0, 1e308, -1e308, 10**400, 1e-320]
    odd += [
        float("nan"),
        float("inf"),
        [],
        [[]],
        {},
        {"": ""},
        {"v1": {}},
        {"v1": 1},
        {"v1": 1e400},
        "9999-12-31T23:59Z",
    ]
    reasons = []
    for _ in range(2000):
        event = draw.choice((WORLD.request("a"), WORLD.reward("a")))
        names = list(json.loads(event.line()))
        fields = {name: draw.choice(odd) for name in draw.sample(names, draw.choice((1, 1, 2, 5)))}
        try:
            parse(parse(changed(event, **fields)).line())
        except BadEvent as error:
            reasons.append(str(error))
    assert 1000 < len(reasons) < 2000
    assert max(map(len, reasons)) < 200


@pytest.mark.parametrize("reward", [None, "1", True, [], float("nan"), float("inf"), 1e10, -1e10, 10**400])
def test_a_reward_that_cannot_be_added_up_is_refused(reward: object) -> None:
    with pytest.raises(BadEvent):
        parse(changed(WORLD.reward("a"), reward=reward))
    with pytest.raises(BadEvent):
        checked_reward(reward)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 41, None, 3])
def test_a_reward_of_no_usable_name_is_refused(name: object) -> None:
    with pytest.raises(BadEvent):
        parse(changed(WORLD.reward("a"), name=name))


def test_a_reward_without_a_name_has_the_usual_one() -> None:
    fields = json.loads(WORLD.reward("a").line())
    del fields["name"]
    event = parse(json.dumps(fields).encode())
    assert isinstance(event, Conversion)
    assert event.name == "reward"


@pytest.mark.parametrize(
    ("given", "kept"),
    [(1, "1"), (0.1 + 0.2, "0.3"), (1e9, "1000000000"), (-0.5, "-0.5"), (1e-7, "0"), (Decimal("2.25"), "2.25")],
)
def test_rewards_are_kept_to_the_millionth(given: float, kept: str) -> None:
    assert checked_reward(given) == Decimal(kept)
