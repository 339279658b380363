"""Events become requests, whatever order they come in and however often."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from contender.measurements.events import Invocation
from contender.report.records import Reader
from tests.report.records import BEGAN, ENDPOINT, events, reward


def test_order_and_repetition_of_events_change_nothing() -> None:
    found, outcomes = events(50)
    once, often = Reader(), Reader()
    once.add(found)
    shuffled = found * 2
    random.Random(1).shuffle(shuffled)
    often.add(shuffled)
    requests = once.requests(ENDPOINT, outcomes)
    assert often.requests(ENDPOINT, outcomes) == requests
    assert len(requests) == 50
    assert [request.at for request in requests] == sorted(request.at for request in requests)
    assert 0 < sum(len(request.rewards) for request in requests) < 50


def test_what_an_experiment_may_not_judge_is_left_out() -> None:
    first = next(event for event in events(1)[0] if isinstance(event, Invocation))
    elsewhere = replace(first, inference_id="x", endpoint_name=f"{ENDPOINT}0")
    by_hand = replace(first, inference_id="y", strategy="Manual", shares=None)
    reader = Reader()
    reader.add([first, elsewhere, by_hand])
    assert len(reader.requests(ENDPOINT, {})) == 1


def test_only_the_goals_reward_counts_and_a_request_may_have_several() -> None:
    first = next(event for event in events(1)[0] if isinstance(event, Invocation))
    reader = Reader()
    later = BEGAN + timedelta(seconds=9)
    second = replace(reward(first.inference_id, later, value=2.5), event_id="another")
    reader.add([reward(first.inference_id, BEGAN), second, reward(first.inference_id, BEGAN, "clicks")])
    reader.add([first])
    (request,) = reader.requests(ENDPOINT, {})
    assert request.rewards == ((BEGAN, 1.0), (later, 2.5))
