"""Simulated customers of an application that asks the API: requests at a steady pace, rewards some seconds later.

Every worker has a connection of its own and asks about one customer after the other, of all audiences in turn. The
answer is right if it says what the customer does; then, after a while, the application reports a reward of 1 for that
request. A wrong answer earns nothing. Nothing is tried twice: whatever the API does not answer with 200 is a failure.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from contender.demo.challenges import Customer

YES = 0.5
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Api:
    """The experiments API: where it is, and the key that it asks for ("" where it asks for none)."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Audience:
    """The customers that one endpoint is asked about."""

    endpoint: str
    customers: Sequence[Customer]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: requests a second of all workers together, and how many seconds later a reward comes."""

    workers: int
    requests_per_s: float
    reward_after_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered request and what the simulation knows of it. `variant` served; `score` is its probability."""

    at: datetime
    endpoint: str
    inference_id: str
    variant: str
    score: float
    leaves: bool
    latency_ms: float

    @property
    def right(self) -> bool:
        return (self.score >= YES) == self.leaves


class Connection:
    """A connection to the API that is kept open. Not for several threads."""

    def __init__(self, api: Api) -> None:
        place = urlsplit(api.url)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        self._http = kind(place.hostname or "", place.port, timeout=PATIENCE_S)
        self._path = place.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", **({"x-api-key": api.key} if api.key else {})}

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and decoded answer; an answer that is no JSON comes as text. OSError or HTTPException without one."""
        try:
            self._http.request("POST", f"{self._path}/{path}", json.dumps(body), self._headers)
            response = self._http.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException):
            self._http.close()
            raise
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def close(self) -> None:
        self._http.close()


class Traffic:
    """Customers who ask from `__enter__` on until `__exit__`, which also waits for the rewards that are still due.

    `answers`, `rewarded` (inference ids) and `failures` grow meanwhile; reading them is safe at any time.
    """

    def __init__(self, api: Api, audiences: Sequence[Audience], pace: Pace, seed: int) -> None:
        self.answers: list[Answer] = []
        self.failures: list[str] = []
        self.rewarded: list[str] = []
        self._api = api
        self._pace = pace
        self._next = _in_turn(audiences, random.Random(seed))
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(f"{seed}-{number}"),), name=f"customers-{number}")
            for number in range(pace.workers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _work(self, chance: random.Random) -> None:
        connection = Connection(self._api)
        due: list[tuple[float, str, dict[str, Any]]] = []
        interval_s = self._pace.workers / self._pace.requests_per_s
        turn = time.monotonic() + chance.uniform(0, interval_s)
        try:
            while not self._closing.wait(max(0.0, turn - time.monotonic())):
                turn = max(turn + interval_s, time.monotonic() - interval_s)  # what was missed is not caught up
                with self._turn:
                    endpoint, customer = next(self._next)
                answer = self._ask(connection, endpoint, customer)
                if answer is not None and answer.right:
                    reward = {
                        "endpoint_name": endpoint,
                        "user_id": customer.user,
                        "inference_id": answer.inference_id,
                        "reward": 1.0,
                    }
                    after_s = chance.uniform(*self._pace.reward_after_s)
                    heapq.heappush(due, (time.monotonic() + after_s, answer.inference_id, reward))
                while due and due[0][0] <= time.monotonic():
                    self._reward(connection, heapq.heappop(due)[2])
            while due:
                time.sleep(max(0.0, due[0][0] - time.monotonic()))
                self._reward(connection, heapq.heappop(due)[2])
        finally:
            connection.close()

    def _ask(self, connection: Connection, endpoint: str, customer: Customer) -> Answer | None:
        request = {
            "endpoint_name": endpoint,
            "user_id": customer.user,
            "content_type": "text/csv",
            "data": customer.row,
        }
        began, at = time.perf_counter(), datetime.now(UTC)
        answer = self._post(connection, "invocation", request)
        latency_ms = 1000 * (time.perf_counter() - began)
        if answer is None:
            return None
        try:
            answered = Answer(
                at=at,
                endpoint=endpoint,
                inference_id=answer["inference_id"],
                variant=answer["endpoint_variant"],
                score=probability(answer["predictions"]),
                leaves=customer.leaves,
                latency_ms=latency_ms,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self.failures.append(f"invocation of {endpoint}: {answer} is no answer ({type(error).__name__} {error})")
            return None
        self.answers.append(answered)
        return answered

    def _reward(self, connection: Connection, reward: Mapping[str, Any]) -> None:
        if self._post(connection, "conversion", reward) is not None:
            self.rewarded.append(reward["inference_id"])

    def _post(self, connection: Connection, path: str, body: Mapping[str, Any]) -> Any:
        """The answer, or None after noting a failure."""
        try:
            status, answer = connection.post(path, body)
        except (OSError, HTTPException) as error:
            self.failures.append(f"{path} of {body['endpoint_name']}: {type(error).__name__} {error}")
            return None
        if status != 200:
            self.failures.append(f"{path} of {body['endpoint_name']}: {status} {answer}")
            return None
        return answer


def probability(predictions: Any) -> float:
    """The one probability in an answer's `predictions`: `{"predictions": [{"probability": 0.2}]}`, or less of that."""
    match predictions:
        case {"predictions": inner} | [inner] | {"probability": inner}:
            return probability(inner)
        case _:
            return float(predictions)


def _in_turn(audiences: Sequence[Audience], chance: random.Random) -> Iterator[tuple[str, Customer]]:
    """An endpoint and one of its customers, endpoint after endpoint; nobody twice before everybody was asked about.

    A model says the same of the same customer, so somebody who comes often would count as if they were many.
    """
    queues = [itertools.cycle(chance.sample(audience.customers, len(audience.customers))) for audience in audiences]
    while True:
        for audience, queue in zip(audiences, queues, strict=True):
            yield audience.endpoint, next(queue)
