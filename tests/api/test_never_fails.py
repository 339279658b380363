"""Whatever tables and Firehose do, and whoever leaves the endpoint: while a model answers, so does the API."""

from __future__ import annotations

import json
import random

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from contender.measurements.events import Invocation, parse
from tests.api.api import CACHE_S, ENDPOINT, Api
from tests.lambdas.fakes import client_error

STEPS = 400
FAILURES = (
    EndpointConnectionError(endpoint_url="https://aws"),
    ReadTimeoutError(endpoint_url="https://aws"),
    ConnectTimeoutError(endpoint_url="https://aws"),
    client_error("GetItem", "ProvisionedThroughputExceededException", "too much"),
    client_error("GetItem", "ResourceNotFoundException", "no such table"),
    client_error("GetItem", "AccessDeniedException", "no"),
    client_error("GetItem", "InternalServerError", "oh", 500),
)


class Trouble:
    """An API in a world where things fail by chance, for a while."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.api = Api()
        self.api.dynamodb.before = self._table
        self.failing = 0.0
        self.number = 1

    def step(self) -> tuple[int, str]:
        """Something happens, then somebody asks; the status, and who served."""
        what = self.chance.randrange(8)
        if what == 0:
            self._publish()
        elif what == 1:
            served = self.chance.choice([("v1",), ("v2",), ("v1", "v2"), ("v1", "v2", "v3")])
            self.api.runtime.endpoints[ENDPOINT] = served
        elif what == 2:
            self.failing = self.chance.choice([0.0, 0.0, 0.5, 1.0])
        elif what == 3:
            self.api.run_threads()
        self.api.wait(self.chance.choice([0, 0.1, CACHE_S * 0.3, CACHE_S, 3600]))
        self.api.firehose.refusal = self.chance.choice(FAILURES) if self.chance.random() < self.failing else None
        status, answer = self.api.invoke(user_id=f"u{self.chance.randrange(20)}")
        return status, answer.get("endpoint_variant", "")

    def _publish(self) -> None:
        failing, self.failing = self.failing, 0.0
        self.number += self.chance.random() < 0.3
        shares = self.chance.choice([{"v1": 1.0}, {"v1": 0.5, "v2": 0.5}, {"v2": 0.0, "v1": 1.0}, {"v3": 1.0}])
        self.api.publish(self.number, sticky=self.chance.choice(["hash", "stored"]), **shares)
        self.failing = failing

    def _table(self, operation: str) -> None:
        if self.chance.random() < self.failing:
            raise self.chance.choice(FAILURES)


@pytest.mark.parametrize("seed", range(10))
def test_a_request_is_answered_whatever_happens_around_it(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    trouble = Trouble(seed)
    for _ in range(STEPS):
        status, variant = trouble.step()
        assert status == 200
        assert variant in trouble.api.runtime.endpoints[ENDPOINT]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    untold = [line["untold"]["event"] for line in lines if "untold" in line]
    events = [parse(json.dumps(event).encode()) for event in [*trouble.api.events, *untold]]
    assert len(events) == STEPS
    judged = [event for event in events if isinstance(event, Invocation) and event.judged]
    assert judged
    assert untold
    for event in judged:
        assert event.endpoint_variant == event.target_variant
        assert event.shares is not None
        assert event.propensity == pytest.approx(event.shares[str(event.target_variant)])
