"""POST /conversion: rewards as they are reported, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from contender.api.call import SMALL_BYTES, answer_call
from contender.measurements.events import Conversion, parse
from tests.api.api import ENDPOINT, Api, call
from tests.lambdas.fakes import client_error


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_reward_is_reported_with_its_defaults(api: Api) -> None:
    status, answer = api.convert(user_id="u7", inference_id="i7")
    assert (status, answer) == (
        200,
        {"endpoint_name": ENDPOINT, "user_id": "u7", "inference_id": "i7", "reward": 1.0, "name": "reward"},
    )
    event = parse(json.dumps(api.events[0]).encode())
    assert isinstance(event, Conversion)
    assert (event.inference_id, event.reward, event.name, event.at) == ("i7", 1, "reward", api.now)


def test_every_call_is_a_reward_of_its_own(api: Api) -> None:
    api.convert(reward=2.5, name="revenue")
    api.convert(reward=-1, name="revenue")
    assert [event["reward"] for event in api.events] == [2.5, -1.0]
    assert len({event["event_id"] for event in api.events}) == 2


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"inference_id": None}, 400, "malformed"),
        ({"inference_id": "naïve"}, 400, "malformed"),
        ({"user_id": None}, 400, "malformed"),
        ({"reward": "1"}, 400, "malformed"),
        ({"reward": True}, 400, "malformed"),
        ({"reward": None}, 400, "malformed"),
        ({"reward": 1e300}, 400, "malformed"),
        ({"name": ""}, 400, "malformed"),
        ({"name": "a:b"}, 400, "malformed"),
        ({"rewrad": 2}, 400, "malformed"),
        ({"endpoint_name": "other-SM-1"}, 404, "unknown_endpoint"),
        ({"endpoint_name": "contender-SM-9"}, 404, "unknown_endpoint"),
    ],
    ids=str,
)
def test_what_is_no_reward_is_refused(api: Api, fields: dict[str, Any], status: int, code: str) -> None:
    answered, answer = api.convert(**fields)
    assert (answered, answer["error"]["code"]) == (status, code)
    assert api.events == []


def test_a_reward_is_taken_though_the_tables_do_not_answer(api: Api) -> None:
    def down(operation: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    api.dynamodb.before = down
    assert api.convert()[0] == 200
    assert len(api.events) == 1


def test_a_reward_of_a_closed_experiment_is_taken(api: Api) -> None:
    api.store.close(ENDPOINT, api.now)
    assert api.convert()[0] == 200


def test_a_reward_that_firehose_does_not_take_may_be_sent_again(api: Api) -> None:
    api.firehose.refusal = client_error("PutRecord", "ServiceUnavailableException", "slow down")
    status, answer = api.convert()
    assert (status, answer["error"]["code"]) == (503, "unavailable")
    api.firehose.refusal = None
    assert api.convert()[0] == 200


@pytest.mark.parametrize(("size", "status"), [(SMALL_BYTES, 200), (SMALL_BYTES + 1, 413)])
def test_a_call_larger_than_a_reward_needs_is_not_even_read(api: Api, size: int, status: int) -> None:
    event = call({"endpoint_name": ENDPOINT, "user_id": "u1", "inference_id": "i1"})
    event["body"] = event["body"].ljust(size)
    assert answer_call("conversion", event, SMALL_BYTES, api.converter.answer)["statusCode"] == status
