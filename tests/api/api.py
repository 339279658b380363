"""The API's functions with fakes behind them, and calls as API Gateway hands them over."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contender.api.call import answer_call
from contender.api.event_stream import EventStream
from contender.api.kept_users import KeptUsers
from contender.api.settings_cache import SettingsCache
from contender.lambdas.conversion import Converter
from contender.lambdas.invocation import MAX_CALL_BYTES, Invoker
from contender.measurements.store import Store
from contender.naming import Names
from tests.lambdas.fakes.api import FakeFirehose, FakeRuntime
from tests.measurements.dynamodb import FakeDynamoDB

NAMES = Names("contender")
TABLE, STREAM = "contender-experiments", "contender-events"
ENDPOINT = "contender-SM-1"
EXPERIMENT = f"{ENDPOINT}-e1"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CACHE_S = 10.0
ASKED = {"endpoint_name": ENDPOINT, "user_id": "u1", "content_type": "text/csv", "data": "1,2"}


def call(fields: object) -> dict[str, Any]:
    """API Gateway's event for a POST with these fields; bytes and text go as they are."""
    body = fields if isinstance(fields, str) else json.dumps(fields)
    return {"httpMethod": "POST", "body": body, "isBase64Encoded": False, "requestContext": {"requestId": "r1"}}


@dataclass
class Api:
    """One endpoint with a champion and a challenger, whose experiment is open."""

    runtime: FakeRuntime = field(default_factory=lambda: FakeRuntime(**{ENDPOINT: ("v1", "v2")}))
    firehose: FakeFirehose = field(default_factory=FakeFirehose)
    dynamodb: FakeDynamoDB = field(default_factory=lambda: FakeDynamoDB(**{TABLE: ("pk", "sk")}))
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.store = Store(self.dynamodb, TABLE)
        ids = itertools.count(1)
        self.threads: list[Any] = []
        self.cache = SettingsCache(self.store.settings, CACHE_S, lambda: self.now.timestamp(), self.threads.append)
        events = EventStream(self.firehose, STREAM)

        def new_id() -> str:
            return f"id-{next(ids)}"

        users = KeptUsers(self.dynamodb, TABLE)
        self.invoker = Invoker(NAMES, self.cache, users, self.runtime, events, lambda: self.now, new_id)
        self.converter = Converter(NAMES, self.cache, events, lambda: self.now, new_id)
        self.publish(v1=0.8, v2=0.2)

    def publish(self, number: int = 1, strategy: str = "Thompson", sticky: str = "hash", **shares: float) -> None:
        experiment, revision = f"{ENDPOINT}-e{number}", int(self.now.timestamp())
        assert self.store.publish_shares(ENDPOINT, experiment, shares, strategy, revision, self.now, sticky=sticky)

    def invoke(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        return self.answer(call({**ASKED, **fields}))

    def convert(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        asked = {"endpoint_name": ENDPOINT, "user_id": "u1", "inference_id": "i1"}
        return self.answer(call({**asked, **fields}), self.converter.answer)

    def answer(self, event: dict[str, Any], answer: Any = None) -> tuple[int, dict[str, Any]]:
        reply = answer_call("invocation", event, MAX_CALL_BYTES, answer or self.invoker.answer)
        assert reply["headers"] == {"Content-Type": "application/json"}
        return reply["statusCode"], json.loads(reply["body"])

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run_threads(self) -> None:
        while self.threads:
            self.threads.pop()()

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.firehose.records
