"""The demo's customers against an API that writes down what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contender.demo.challenges import Customer
from contender.demo.traffic import Api, Audience, Pace, Traffic, probability

PACE = Pace(workers=2, requests_per_s=400, reward_after_s=(0.0, 0.01))
STAYS, LEAVES = Customer("ann", "1,2", leaves=False), Customer("bob", "3,4", leaves=True)


class FakeApi:
    """Says of everybody that they leave; `refused` paths get a 503. `enough` is set after some invocations."""

    def __init__(self, refused: str = "") -> None:
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []
        self.refused = refused
        self.predictions: Any = {"predictions": [{"probability": 0.9}]}
        self.enough = threading.Event()

    def answer(self, path: str, body: dict[str, Any], key: str | None) -> tuple[int, dict[str, Any]]:
        self.asked.append((path, body, key))
        if sum(path == "/stage/invocation" for path, _, _ in self.asked) >= 20:
            self.enough.set()
        if self.refused and path.endswith(self.refused):
            return 503, {"error": "not now"}
        number = len(self.asked)
        return 200, {"inference_id": f"i{number}", "endpoint_variant": "v1", "predictions": self.predictions}

    def of(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body, _ in self.asked if asked == f"/stage/{path}"]


@contextmanager
def served(fake: FakeApi) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer(self.path, body, self.headers["x-api-key"])
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Api(f"http://127.0.0.1:{server.server_port}/stage", "secret")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def play(fake: FakeApi, audiences: list[Audience]) -> Traffic:
    with served(fake) as api, Traffic(api, audiences, PACE, seed=1) as traffic:
        assert fake.enough.wait(10)
    return traffic


def test_a_right_answer_is_rewarded_once_by_its_inference_id_and_a_wrong_one_never() -> None:
    fake = FakeApi()
    traffic = play(fake, [Audience("contender-a", [STAYS, LEAVES])])
    right = {answer.inference_id for answer in traffic.answers if answer.leaves}
    assert not traffic.failures
    assert sorted(traffic.rewarded) == sorted(right)
    assert sorted(body["inference_id"] for body in fake.of("conversion")) == sorted(right)
    assert {body["reward"] for body in fake.of("conversion")} == {1.0}


def test_endpoints_are_asked_in_turn_about_their_own_customers_with_the_key() -> None:
    fake = FakeApi()
    play(fake, [Audience("contender-a", [STAYS]), Audience("contender-b", [LEAVES])])
    asked = fake.of("invocation")
    assert {(body["endpoint_name"], body["user_id"], body["data"]) for body in asked} == {
        ("contender-a", "ann", "1,2"),
        ("contender-b", "bob", "3,4"),
    }
    counts = [sum(body["endpoint_name"] == name for body in asked) for name in ("contender-a", "contender-b")]
    assert abs(counts[0] - counts[1]) <= 1
    assert {key for _, _, key in fake.asked} == {"secret"}


def test_nobody_comes_twice_before_everybody_came() -> None:
    fake = FakeApi()
    customers = [Customer(f"user-{number}", "1", leaves=False) for number in range(10)]
    play(fake, [Audience("contender-a", customers)])
    users = [body["user_id"] for body in fake.of("invocation")]
    assert abs(users.count("user-0") - users.count("user-9")) <= 1


def test_what_is_not_answered_with_200_is_a_failure_and_not_tried_again() -> None:
    fake = FakeApi(refused="invocation")
    traffic = play(fake, [Audience("contender-a", [STAYS])])
    assert len(traffic.failures) == len(fake.of("invocation")) >= 20
    assert "503" in traffic.failures[0]
    assert "contender-a" in traffic.failures[0]
    assert not traffic.answers


@pytest.mark.parametrize("predictions", [None, [], [0.1, 0.2], {"label": "yes"}])
def test_an_answer_without_a_prediction_is_a_failure(predictions: Any) -> None:
    fake = FakeApi()
    fake.predictions = predictions
    traffic = play(fake, [Audience("contender-a", [STAYS])])
    assert len(traffic.failures) == len(fake.of("invocation"))
    assert not traffic.answers


def test_an_api_that_is_not_there_is_a_failure_too() -> None:
    with served(FakeApi()) as api:
        pass
    traffic = Traffic(api, [Audience("contender-a", [STAYS])], PACE, seed=1)
    enough = threading.Event()

    class Failures(list[str]):
        def append(self, failure: str) -> None:
            super().append(failure)
            enough.set()

    traffic.failures = Failures()
    with traffic:
        assert enough.wait(10)
    assert "invocation of contender-a" in traffic.failures[0]


@pytest.mark.parametrize(
    "predictions", [{"predictions": [{"probability": 0.25}]}, [{"probability": 0.25}], [0.25], 0.25, "0.25\n"]
)
def test_a_probability_is_read_however_the_model_writes_it(predictions: Any) -> None:
    assert probability(predictions) == 0.25
