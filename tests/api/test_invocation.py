"""POST /invocation: who serves, what is answered, what is reported, and what cannot make it fail."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from contender.api.call import answer_call
from contender.api.inference import MAX_DATA_BYTES
from contender.experiments.assignment import assign
from contender.lambdas.invocation import MAX_CALL_BYTES
from contender.measurements.events import Invocation, parse
from tests.api.api import ASKED, CACHE_S, ENDPOINT, EXPERIMENT, Api, call
from tests.lambdas.fakes import client_error
from tests.lambdas.fakes.api import model_error


@pytest.fixture
def api() -> Api:
    return Api()


def down(operation: str) -> None:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


# ── Who serves ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_gets_the_variant_of_the_assignment(api: Api) -> None:
    status, answer = api.invoke(user_id="u7", inference_id="i7")
    assigned = assign(EXPERIMENT, "u7", {"v1": 0.8, "v2": 0.2})
    assert (status, answer) == (
        200,
        {
            "endpoint_name": ENDPOINT,
            "user_id": "u7",
            "strategy": "Thompson",
            "target_variant": assigned.variant,
            "endpoint_variant": assigned.variant,
            "inference_id": "i7",
            "predictions": "0.27",
        },
    )


def test_users_are_split_as_the_shares_say_and_each_stays(api: Api) -> None:
    first = {f"u{n}": api.invoke(user_id=f"u{n}")[1]["endpoint_variant"] for n in range(300)}
    again = {user: api.invoke(user_id=user)[1]["endpoint_variant"] for user in first}
    assert first == again
    assert 35 < Counter(first.values())["v2"] < 90  # 60 ± 3.6 standard deviations


def test_user_and_inference_are_made_up_where_nobody_names_them(api: Api) -> None:
    asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": "1"}
    answers = [api.answer({"body": json.dumps(asked)})[1] for _ in range(2)]
    assert len({answer["user_id"] for answer in answers} | {answer["inference_id"] for answer in answers}) == 4
    assert [event["inference_id"] for event in api.events] == [answer["inference_id"] for answer in answers]


def test_a_variant_asked_for_by_name_serves_by_hand(api: Api) -> None:
    answer = api.invoke(endpoint_variant="v2")[1]
    assert (answer["strategy"], answer["target_variant"], answer["endpoint_variant"]) == ("Manual", "v2", "v2")
    event = api.events[0]
    assert (event["strategy"], event["propensity"], event["shares"]) == ("Manual", None, None)
    assert event["experiment"] == EXPERIMENT


def test_without_tables_the_weights_decide(api: Api) -> None:
    api.dynamodb.before = down
    status, answer = api.invoke()
    assert (status, answer["strategy"], answer["target_variant"]) == (200, "Fallback", None)
    assert (answer["endpoint_variant"], answer["predictions"]) == ("v1", "0.27")
    assert "TargetVariant" not in api.runtime.made("InvokeEndpoint")[0]
    assert api.events[0]["experiment"] is None


def test_settings_that_nobody_can_read_are_as_good_as_none(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.dynamodb.tables["contender-experiments"][ENDPOINT, "settings"]["shares"] = {"S": "{"}
    assert api.invoke()[1]["strategy"] == "Fallback"
    assert "JSONDecodeError" in json.loads(capsys.readouterr().out)["settings"]


@pytest.mark.parametrize("shares", [{"v1": 0.0}, {}])
def test_shares_of_nothing_let_the_weights_decide(api: Api, shares: dict[str, float]) -> None:
    api.wait(1)
    api.publish(**shares)
    assert api.invoke()[1]["strategy"] == "Fallback"


def test_an_endpoint_without_an_open_experiment_is_served_by_weight(api: Api) -> None:
    api.runtime.endpoints["contender-SM-2"] = ("v1",)
    assert api.invoke(endpoint_name="contender-SM-2")[1]["strategy"] == "Fallback"
    assert api.store.close(ENDPOINT, api.now)
    assert api.invoke()[1]["strategy"] == "Fallback"


def test_the_variant_that_left_a_moment_ago_is_replaced_by_whoever_serves(api: Api) -> None:
    api.publish(v2=1.0)
    api.runtime.endpoints[ENDPOINT] = ("v1",)
    status, answer = api.invoke()
    assert (status, answer["strategy"], answer["target_variant"], answer["endpoint_variant"]) == (
        *(200, "Fallback", None),
        "v1",
    )
    assert api.events[0]["strategy"] == "Fallback"


def test_an_endpoint_of_a_stage_is_asked_too(api: Api) -> None:
    api.runtime.endpoints["contender--dev-SM-1"] = ("v1",)
    assert api.invoke(endpoint_name="contender--dev-SM-1")[0] == 200


# ── What is reported ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_event_tells_how_the_variant_was_chosen_and_what_came_of_it(api: Api) -> None:
    api.invoke(user_id="u7", inference_id="i7")
    event = parse(json.dumps(api.events[0]).encode())
    assert isinstance(event, Invocation)
    assert event.judged
    assert event.shares == {"v1": 0.8, "v2": 0.2}
    assert event.propensity == event.shares[str(event.endpoint_variant)]
    assert (event.at, event.status, event.error) == (api.now, 200, None)
    assert event.latency_ms is not None


def test_an_event_that_firehose_does_not_take_is_in_the_log_and_the_answer_is_given(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.firehose.refusal = client_error("PutRecord", "ServiceUnavailableException", "slow down")
    status, answer = api.invoke()
    line = json.loads(capsys.readouterr().out)
    assert status == 200
    assert line["untold"]["event"]["inference_id"] == answer["inference_id"]
    assert "ServiceUnavailableException" in line["untold"]["reason"]


def test_one_call_of_the_network_besides_the_event(api: Api) -> None:
    api.invoke()
    api.dynamodb.calls.clear()
    for _ in range(5):
        api.invoke()
    assert api.dynamodb.calls == []
    assert len(api.runtime.calls) == 6
    assert len(api.firehose.calls) == 6


def test_the_log_line_names_neither_user_nor_data(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.invoke(user_id="jane@example.com", data="4711")
    line = capsys.readouterr().out
    assert "jane" not in line
    assert "4711" not in line
    assert json.loads(line)["endpoint"] == ENDPOINT


# ── When the model fails ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (model_error(500, "no such column"), 500, "model_error"),
        (model_error(400, "a row of 3 columns"), 400, "model_error"),
        (model_error(0, ""), 502, "model_error"),
        (model_error(302, ""), 502, "model_error"),
        (client_error("InvokeEndpoint", "ModelNotReadyException", "", 429), 503, "unavailable"),
        (client_error("InvokeEndpoint", "ThrottlingException", ""), 429, "too_many_requests"),
        (client_error("InvokeEndpoint", "AccessDeniedException", "", 403), 502, "not_served"),
        (ReadTimeoutError(endpoint_url="https://runtime"), 504, "model_timeout"),
        (ConnectTimeoutError(endpoint_url="https://runtime"), 504, "model_timeout"),
        (EndpointConnectionError(endpoint_url="https://runtime"), 503, "unavailable"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_failure_has_its_status_and_counts_against_the_variant(
    api: Api, failure: Exception, status: int, code: str
) -> None:
    api.publish(v2=1.0)
    api.runtime.failures["v2"] = failure
    answered, answer = api.invoke()
    assert (answered, answer["error"]["code"]) == (status, code)
    assert set(answer) == {"error"}
    event = api.events[0]
    assert (event["target_variant"], event["endpoint_variant"], event["status"]) == ("v2", None, status)
    assert event["error"].startswith(code)


def test_a_failure_of_nobody_in_particular_counts_against_nobody(api: Api) -> None:
    api.dynamodb.before = down
    api.runtime.failures["v1"] = model_error(500, "")
    assert api.invoke()[0] == 500
    assert api.events == []


def test_a_failure_after_the_variant_left_is_not_its_own(api: Api) -> None:
    api.publish(v2=1.0)
    api.runtime.endpoints[ENDPOINT] = ("v1",)
    api.runtime.failures["v1"] = model_error(500, "")
    assert api.invoke()[0] == 500
    assert api.events == []


@pytest.mark.parametrize(
    ("content", "content_type", "fits"),
    [
        (b"1" * 5_900_000, "text/csv", True),
        (b"1" * 6_100_000, "text/csv", False),
        (b"0\n" * 1_400_000, "text/csv", True),
        (b"0\n" * 1_600_000, "text/csv", False),
        ("é".encode() * 800_000, "text/plain", True),
        ("é".encode() * 900_000, "text/plain", False),
        (b"\0" * 4_400_000, "application/x-npy", True),
        (b"\0" * 4_600_000, "application/x-npy", False),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_answer_too_large_for_a_lambda_is_refused_in_words(
    api: Api, content: bytes, content_type: str, fits: bool
) -> None:
    """As the runtime of Lambda counts it: the answer with its body as a JSON string."""
    api.runtime.content, api.runtime.content_type = content, content_type
    reply = answer_call("invocation", call(ASKED), MAX_CALL_BYTES, api.invoker.answer)
    assert len(json.dumps(reply)) < 6_291_556
    assert (reply["statusCode"] == 200) == fits == (api.events[0]["status"] == 200)
    if not fits:
        assert json.loads(reply["body"])["error"]["code"] == "prediction_too_large"


# ── What is refused ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["contender-SM-9", "other-SM-1", "contender2-SM-1", "xcontender-SM-1", "contender", "a b"]
)
def test_an_endpoint_that_is_not_there_or_not_the_projects_is_unknown(api: Api, name: str) -> None:
    status, answer = api.invoke(endpoint_name=name)
    assert (status, answer["error"]["code"]) == (404, "unknown_endpoint")
    assert name in answer["error"]["message"]
    assert api.events == []


def test_another_projects_endpoint_is_not_even_asked(api: Api) -> None:
    api.runtime.endpoints["other-SM-1"] = ("v1",)
    assert api.invoke(endpoint_name="other-SM-1")[0] == 404
    assert api.runtime.calls == []


def test_a_variant_that_is_not_there_is_unknown_when_asked_for_by_name(api: Api) -> None:
    status, answer = api.invoke(endpoint_variant="v9")
    assert (status, answer["error"]["code"]) == (404, "unknown_variant")
    assert api.events == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"endpoint_name": None}, 400, "malformed"),
        ({"endpoint_name": ""}, 400, "malformed"),
        ({"endpoint_name": 7}, 400, "malformed"),
        ({"user_id": 7}, 400, "malformed"),
        ({"user_id": ""}, 400, "malformed"),
        ({"user_id": "u" * 257}, 400, "malformed"),
        ({"user_id": "\ud800"}, 400, "malformed"),
        ({"data": None}, 400, "malformed"),
        ({"data": [1, 2]}, 400, "malformed"),
        ({"data": "\ud800"}, 400, "malformed"),
        ({"data": [float("nan")], "content_type": "application/json"}, 400, "malformed"),
        ({"data": "x" * (MAX_DATA_BYTES + 1)}, 413, "too_large"),
        ({"data": "x" * 7_000_000}, 413, "too_large"),
        ({"data": "not base64!", "content_type": "application/x-npy"}, 400, "malformed"),
        ({"content_type": None}, 400, "malformed"),
        ({"content_type": "csv"}, 415, "unsupported_content_type"),
        ({"content_type": "text/csv\nX-Amzn-SageMaker-Target-Model: m"}, 415, "unsupported_content_type"),
        ({"endpoint_variant": "v 1"}, 400, "malformed"),
        ({"inference_id": "i" * 65}, 400, "malformed"),
        ({"inference_id": "naïve"}, 400, "malformed"),
        ({"inference_id": "a\nb"}, 400, "malformed"),
        ({"userid": "u1"}, 400, "malformed"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_asked_is_refused_before_it_costs_anything(
    api: Api, fields: dict[str, Any], status: int, code: str
) -> None:
    answered, answer = api.invoke(**fields)
    assert (answered, answer["error"]["code"]) == (status, code)
    assert api.runtime.calls == []
    assert api.events == []


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '{"data": NaN}', "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api: Api, body: str) -> None:
    status, answer = api.answer({"body": body})
    assert (status, answer["error"]["code"]) == (400, "malformed")


def test_a_call_without_a_body_is_refused(api: Api) -> None:
    assert api.answer({"body": None})[0] == 400
    assert api.answer({"body": "!", "isBase64Encoded": True})[0] == 400


def test_a_mistake_of_ours_is_one_too_and_the_log_has_it(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(fields: Any, line: Any) -> Any:
        raise ZeroDivisionError("oh")

    status, answer = api.answer({"body": "{}", "requestContext": {"requestId": "r1"}}, broken)
    assert (status, answer["error"]["code"]) == (500, "internal")
    assert "oh" not in answer["error"]["message"]
    assert "r1" in answer["error"]["message"]
    assert "ZeroDivisionError: oh" in json.loads(capsys.readouterr().out)["error"]


# ── What is sent and what comes back ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content_type", "data", "body"),
    [
        ("text/csv", "1,ü", "1,ü".encode()),
        ("text/csv; charset=utf-8", "1", b"1"),
        ("application/json", '{"a": 1}', b'{"a": 1}'),
        ("application/json", {"a": [1, 2.5, None, "ü"]}, '{"a":[1,2.5,null,"ü"]}'.encode()),
        ("application/json", 0, b"0"),
        ("application/jsonlines", "{}\n{}", b"{}\n{}"),
        ("application/x-npy", base64.b64encode(b"\x93NUMPY").decode(), b"\x93NUMPY"),
        ("application/x-recordio-protobuf", "", b""),
        ("image/png", base64.b64encode(bytes(256)).decode(), bytes(256)),
    ],
)
def test_data_reaches_the_model_as_its_content_type_says(api: Api, content_type: str, data: Any, body: bytes) -> None:
    assert api.invoke(content_type=content_type, data=data)[0] == 200
    request = api.runtime.made("InvokeEndpoint")[0]
    assert (request["ContentType"], request["Body"]) == (content_type, body)


@pytest.mark.parametrize(
    ("content_type", "content", "predictions"),
    [
        ("text/csv", b"0.1\n0.2\n", "0.1\n0.2\n"),
        ("application/json", b'{"predictions": [0.1]}', {"predictions": [0.1]}),
        ("application/json", b"[NaN]", "[NaN]"),
        ("application/json", b"\xff", "�"),
        ("application/jsonlines", b"{}\n{}", "{}\n{}"),
        ("application/x-npy", b"\x93NUMPY", base64.b64encode(b"\x93NUMPY").decode()),
        ("", b"0.1", base64.b64encode(b"0.1").decode()),
    ],
)
def test_predictions_come_back_as_json_can_carry_them(
    api: Api, content_type: str, content: bytes, predictions: Any
) -> None:
    api.runtime.content_type, api.runtime.content = content_type, content
    assert api.invoke()[1]["predictions"] == predictions


def test_a_body_that_api_gateway_encoded_is_read(api: Api) -> None:
    asked = {"endpoint_name": ENDPOINT, "content_type": "text/csv", "data": "1"}
    event = {"body": base64.b64encode(json.dumps(asked).encode()).decode(), "isBase64Encoded": True}
    assert api.answer(event)[0] == 200


# ── New shares ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_new_shares_are_used_after_the_thread_has_read_them(api: Api) -> None:
    api.publish(v1=1.0)
    assert api.invoke()[1]["endpoint_variant"] == "v1"
    api.wait(CACHE_S * 0.6)
    api.publish(v2=1.0)
    assert api.invoke()[1]["endpoint_variant"] == "v1"
    api.run_threads()
    assert api.invoke()[1]["endpoint_variant"] == "v2"


def test_after_a_rest_no_request_goes_by_old_shares(api: Api) -> None:
    api.publish(v1=1.0)
    api.invoke()
    api.wait(CACHE_S + 0.1)
    api.publish(v2=1.0)
    assert api.invoke()[1]["endpoint_variant"] == "v2"
