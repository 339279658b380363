"""State changes on their way to EventBridge, with a small server in MiniStack's place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contender.local.events import EventBus
from tests.local.running import eventually

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Door(ThreadingHTTPServer):
    """Remembers events and how many connections they came over; refuses as often as told."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Request)
        self.events: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        self.refusals = 0
        self.hangs_up = False
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()

    @property
    def types(self) -> list[str]:
        return [event["DetailType"] for event in self.events]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Door

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.connections.add(self.client_address)
        self.server.refusals -= 1
        refused = self.server.refusals >= 0
        if not refused:
            self.server.events += body["Entries"]
        self.send_response(500 if refused else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = self.server.hangs_up

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture
def bus(door: Door) -> Iterator[EventBus]:
    bus = EventBus(f"http://127.0.0.1:{door.server_address[1]}", lambda: NOON)
    yield bus
    bus.close()


def test_events_arrive_in_order_over_one_connection(door: Door, bus: EventBus) -> None:
    for number in range(20):
        bus.publish(f"{number}", ["arn"], {"at": NOON})
    eventually(lambda: len(door.events) == 20)
    assert door.types == [f"{number}" for number in range(20)]
    assert len(door.connections) == 1
    sent = door.events[0]
    assert (sent["Source"], sent["Resources"], sent["Time"]) == ("aws.sagemaker", ["arn"], NOON.timestamp())
    assert json.loads(sent["Detail"]) == {"at": "2026-01-01T12:00:00+00:00"}


def test_an_event_that_is_refused_comes_again_before_the_next(door: Door, bus: EventBus) -> None:
    door.refusals = 1
    bus.publish("first", [], {})
    bus.publish("second", [], {})
    eventually(lambda: len(door.events) == 2)
    assert door.types == ["first", "second"]


def test_a_connection_that_the_other_side_closed_costs_no_event(door: Door, bus: EventBus) -> None:
    door.hangs_up = True
    bus.publish("first", [], {})
    eventually(lambda: door.types == ["first"])
    bus.publish("second", [], {})
    eventually(lambda: door.types == ["first", "second"])


def test_closing_sends_what_is_queued(door: Door) -> None:
    bus = EventBus(f"http://127.0.0.1:{door.server_address[1]}", lambda: NOON)
    for number in range(5):
        bus.publish(f"{number}", [], {})
    bus.close()
    assert len(door.events) == 5
