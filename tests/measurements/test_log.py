"""Requests joined with their rewards, whatever order and however often the events come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from contender.experiments.off_policy import Logged, evaluate, fixed
from contender.measurements.events import Conversion, Event, Invocation
from contender.measurements.log import Log

ENDPOINT = "contender-SM-1"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHARES = {"v1": 0.8, "v2": 0.2}


def asked(number: int, variant: str = "v1") -> Invocation:
    return Invocation(
        event_id=f"a{number}",
        at=NOON + timedelta(seconds=number),
        endpoint_name=ENDPOINT,
        user_id=f"u{number % 3}",
        inference_id=f"i{number}",
        strategy="Thompson",
        experiment=f"{ENDPOINT}-e1",
        target_variant=variant,
        endpoint_variant=variant,
        propensity=SHARES[variant],
        shares=SHARES,
    )


def earned(number: int, reward: str, event: str, name: str = "reward") -> Conversion:
    return Conversion(event, NOON, ENDPOINT, "u", f"i{number}", Decimal(reward), name)


EVENTS: list[Event] = [
    asked(0),
    asked(1, "v2"),
    asked(2),
    earned(1, "0.1", "c1"),
    earned(1, "0.2", "c2"),
    earned(2, "-1.5", "c3"),
    earned(0, "7", "c4", name="other"),
]


def test_rewards_of_a_request_are_summed_and_other_names_are_not_asked_for() -> None:
    log = Log()
    log.add(EVENTS)
    assert log.requests() == [
        Logged("u0", "v1", 0.8, SHARES, 0.0),
        Logged("u1", "v2", 0.2, SHARES, 0.3),
        Logged("u2", "v1", 0.8, SHARES, -1.5),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_order_and_repetition_change_nothing(seed: int) -> None:
    plain, mixed = Log(), Log()
    plain.add(EVENTS)
    events = EVENTS * 3
    Random(seed).shuffle(events)
    mixed.add(events)
    assert mixed.requests() == plain.requests()
    assert mixed.left_out == {"repeated": 2 * len(EVENTS)}


def test_a_second_request_under_the_same_inference_id_is_the_first_again() -> None:
    log = Log()
    log.add([asked(1), replace(asked(1), event_id="again")])
    assert len(log.requests()) == 1
    assert log.left_out["repeated"] == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"strategy": "Manual"}, "by_hand"),
        ({"strategy": "Fallback", "target_variant": None, "propensity": None, "shares": None}, "by_weights"),
        ({"propensity": None}, "no_propensity"),
        ({"propensity": 0.0}, "no_propensity"),
        ({"endpoint_variant": "v3"}, "no_propensity"),
        ({"endpoint_name": "contender-SM-10"}, "other_endpoint"),
        ({"experiment": f"{ENDPOINT}-e2"}, "other_experiment"),
    ],
)
def test_what_cannot_be_weighed_is_left_out_and_said(changes: dict[str, object], reason: str) -> None:
    log = Log(ENDPOINT, f"{ENDPOINT}-e1")
    log.add([asked(1), replace(asked(2), **changes), earned(2, "1", "c1")])  # type: ignore[arg-type]
    assert [each.user for each in log.requests()] == ["u1"]
    assert log.left_out == {reason: 1}
    assert log.orphans == 1


def test_a_log_can_be_evaluated_as_it_is() -> None:
    log = Log()
    log.add([*(asked(number, "v2" if number % 5 == 0 else "v1") for number in range(100)), earned(5, "1", "c1")])
    found = evaluate(log.requests(), fixed({"v2": 1.0}), batch=10)
    assert found.estimates[0].value == pytest.approx(1 / 0.2 / 100)
