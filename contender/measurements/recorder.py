"""Counts events in DynamoDB, each exactly once, whoever else counts at the same time and wherever this one is killed.

    batch ─► read what is remembered of it ─► count (pure, counting.py) ─► one transaction ─► next batch
                        ▲                                                        │
                        └─── somebody wrote one of the items meanwhile ◄─────────┘

A transaction holds what is to be remembered of the batch's events, each on the condition that it is still as it was
read, together with all counters they change. So counters change exactly when their events become known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import ContenderError
from contender.measurements import counting
from contender.measurements.counting import Draft, Measured
from contender.measurements.counts import to_number
from contender.measurements.events import Event
from contender.measurements.remembered import REQUEST, Request, marker
from contender.measurements.settings import Settings
from contender.measurements.store import REWARDS_KEY, Store

BATCH = 40
"""Events read at once: two items each, so that one BatchGetItem reads them and, with counters, one transaction fits."""
MAX_ACTIONS = 100
TRIES = 25
"""Two functions count at once, and every batch of an experiment adds to the same counters: where each second try is
overtaken, one batch of 33 million is given up. A batch given up waits half an hour in the queue."""
UNWRITABLE = "unwritable"

_AGAIN = frozenset(
    {
        "ConditionalCheckFailed",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionInProgressException",
    }
)
"""Somebody else wrote an item meanwhile, or the table is busy: what is read again may be written then."""
_INVALID = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})


class Contended(ContenderError):
    """Others wrote the same items so often that a batch was given up; its events will be delivered again."""


@dataclass(slots=True)
class Counted:
    """What became of events: how many by outcome, and what was newly counted, for CloudWatch."""

    outcomes: Counter[str] = field(default_factory=Counter)
    measured: dict[tuple[str, str, datetime], Measured] = field(default_factory=dict)

    def include(self, draft: Draft) -> None:
        self.outcomes.update(draft.outcomes)
        for key, news in draft.measured.items():
            known = self.measured.setdefault(key, Measured())
            known.invocations += news.invocations
            known.conversions += news.conversions
            known.rewards += news.rewards


class Recorder:
    """Counts batches of events; `pause` waits before the try of the given number, from 1."""

    def __init__(
        self,
        dynamodb: Any,
        experiments_table: str,
        events_table: str,
        clock: Callable[[], datetime],
        pause: Callable[[int], None],
    ) -> None:
        self._dynamodb = dynamodb
        self._experiments_table = experiments_table
        self._events_table = events_table
        self._store = Store(dynamodb, experiments_table)
        self._clock = clock
        self._pause = pause

    def record(self, events: Iterable[Event], counted: Counted) -> None:
        """Count events, in their order, and tell `counted`; what was counted before an error stays counted."""
        endpoints = _EndpointsOfFile(self._store)
        for batch in _batches(iter(events)):
            self._record(batch, endpoints, counted)

    def _record(self, batch: Sequence[Event], endpoints: _EndpointsOfFile, counted: Counted) -> None:
        for attempt in range(1, TRIES + 1):
            requests, markers = self._read(batch)
            draft = counting.count(batch, requests, markers, endpoints.settings, endpoints.names, self._clock())
            if draft.actions > MAX_ACTIONS:
                return self._record_halves(batch, endpoints, counted)
            try:
                self._write(draft, requests)
            except ClientError as error:
                reasons = _reasons(error)
                if reasons <= _AGAIN:
                    self._pause(attempt)
                    continue
                if not reasons & _INVALID:
                    raise
                if len(batch) > 1:
                    return self._record_halves(batch, endpoints, counted)
                draft = Draft(outcomes=[UNWRITABLE])
            return counted.include(draft)
        raise Contended(f"a batch of {len(batch)} events was overtaken {TRIES} times: it will be delivered again")

    def _record_halves(self, batch: Sequence[Event], endpoints: _EndpointsOfFile, counted: Counted) -> None:
        half = len(batch) // 2
        self._record(batch[:half], endpoints, counted)
        self._record(batch[half:], endpoints, counted)

    def _read(self, batch: Sequence[Event]) -> tuple[dict[str, Request], frozenset[str]]:
        """What is remembered of the events: requests by key, and the keys of rewards and users counted before."""
        waiting = list(dict.fromkeys(key for event in batch for key in counting.keys(event)))
        requests: dict[str, Request] = {}
        markers: set[str] = set()
        for attempt in range(1, TRIES + 1):
            answer = self._dynamodb.batch_get_item(
                RequestItems={
                    self._events_table: {"Keys": [{"pk": {"S": key}} for key in waiting], "ConsistentRead": True}
                }
            )
            for item in answer["Responses"].get(self._events_table, ()):
                key = item["pk"]["S"]
                if key.startswith(REQUEST):
                    requests[key] = Request.from_item(item)
                else:
                    markers.add(key)
            left = answer.get("UnprocessedKeys", {}).get(self._events_table, {}).get("Keys", ())
            waiting = [key["pk"]["S"] for key in left]
            if not waiting:
                return requests, frozenset(markers)
            self._pause(attempt)
        raise Contended(f"table {self._events_table} did not answer {TRIES} times: the events will be delivered again")

    def _write(self, draft: Draft, known: Mapping[str, Request]) -> None:
        """One transaction, or an error that says why none of it is written."""
        actions = [self._remember(key, request, known.get(key)) for key, request in draft.requests.items()]
        actions += [self._put(marker(key, expires)) for key, expires in draft.markers.items()]
        actions += [
            self._increase(experiment, bucket, changes) for (experiment, bucket), changes in draft.counters.items()
        ]
        actions += [
            self._increase(endpoint, REWARDS_KEY, {"waiting": draft.waiting[endpoint]}, draft.names.get(endpoint))
            for endpoint in draft.endpoints
        ]
        if actions:
            self._dynamodb.transact_write_items(TransactItems=actions)

    def _remember(self, key: str, request: Request, known: Request | None) -> dict[str, Any]:
        """Put a request in place of what was read."""
        if known is None:
            return self._put(request.to_item(key, 1))
        action = self._put(request.to_item(key, known.revision + 1))
        action["Put"]["ConditionExpression"] = "revision = :read"
        action["Put"]["ExpressionAttributeValues"] = {":read": {"N": str(known.revision)}}
        return action

    def _put(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._events_table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _increase(
        self, pk: str, sk: str, changes: Mapping[str, int], reward_names: Iterable[str] | None = None
    ) -> dict[str, Any]:
        added: list[tuple[str, Any]] = [(name, {"N": to_number(name, change)}) for name, change in changes.items()]
        if reward_names:
            added.append(("names", {"SS": sorted(reward_names)}))
        return {
            "Update": {
                "TableName": self._experiments_table,
                "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
                "UpdateExpression": "ADD " + ", ".join(f"#{index} :{index}" for index in range(len(added))),
                "ExpressionAttributeNames": {f"#{index}": name for index, (name, _) in enumerate(added)},
                "ExpressionAttributeValues": {f":{index}": value for index, (_, value) in enumerate(added)},
            }
        }


class _EndpointsOfFile:
    """What is kept of endpoints, read once for a file, and again for an experiment or a name that is not in it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settings: dict[str, Settings | None] = {}
        self._names: dict[str, frozenset[str]] = {}

    def settings(self, endpoint: str, number: int) -> Settings | None:
        known = self._settings.get(endpoint)
        if endpoint not in self._settings or (known is not None and number > known.number):
            known = self._settings[endpoint] = self._store.settings(endpoint)
        return known

    def names(self, endpoint: str, name: str) -> frozenset[str]:
        known = self._names.get(endpoint, frozenset())
        if name not in known and len(known) < counting.MAX_NAMES:
            known = self._names[endpoint] = self._store.reward_names(endpoint)
        return known


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, BATCH)):
        yield batch


def _reasons(error: ClientError) -> frozenset[str]:
    """Why a transaction was not made, as codes."""
    response: Mapping[str, Any] = error.response
    reasons = {reason.get("Code", "None") for reason in response.get("CancellationReasons", ())} - {"None"}
    return frozenset(reasons or {response["Error"]["Code"]})
