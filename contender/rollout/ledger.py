"""The ledger of rollouts in DynamoDB: each endpoint's state, every decision that led to it, and the settings' specs.

    pk          sk                  what
    state       <endpoint>          revision, body: the state; one query reads all of them
    <endpoint>  entry#00000001      revision, at, body: the decision and all that it was made from
    <endpoint>  entry#00000001#01   more of it, where one item does not hold it
    spec        stage#<stage>       body: the stage's settings now ("stage#" is the last stage's)
    spec        digest#<digest>     body: settings that decisions were made by

Bodies are JSON with all digits of its numbers; a large one is packed. State and entry are written in one transaction,
on the condition that the state is still the one that was decided from: of two writers at once one comes through. A
state that somebody has deleted is found in the latest entry.
"""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DataError, NotFoundError
from contender.rollout.decision import Decision, Entry
from contender.rollout.documents import dumps, loads
from contender.rollout.observation import Observation
from contender.rollout.spec import Spec
from contender.rollout.state import State

STATES = "state"
SPECS = "spec"
PLAIN = 100_000
"""Bytes up to which a body stays readable for whoever looks into the table."""
PART = 380_000
"""Bytes of a packed body in one item, of the 400 KB that DynamoDB allows."""
MAX_PARTS = 9
"""A transaction holds 4 MB."""

Item = dict[str, dict[str, Any]]


class Ledger:
    """The ledger in one table; `dynamodb` is a boto3 client."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._kept: set[str] = set()

    def state(self, endpoint: str) -> State | None:
        """An endpoint's state, or None before its first decision."""
        item = self._get(STATES, endpoint)
        if item is not None:
            return _state(item)
        latest = next(iter(self.newest(endpoint, 1)), None)
        return None if latest is None else latest.decision.state

    def states(self) -> dict[str, State]:
        """All states by endpoint, of every stage. One that cannot be read is missing: `state` says why."""
        found = {}
        for item in self._query(STATES):
            with contextlib.suppress(DataError):
                found[item["sk"]["S"]] = _state(item)
        return found

    def record(self, spec: Spec, before: State, observation: Observation, decision: Decision, at: datetime) -> bool:
        """Append a decision and make its state the endpoint's; False when somebody else has decided meanwhile.

        The spec is kept too, so that the decision can be made again.
        """
        digest = self.keep(spec)
        after, endpoint = decision.state, decision.state.endpoint
        entry = dumps(Entry(at, digest, before, observation, decision))
        first, *more = _parts(entry, f"decision {after.revision} about {endpoint}")
        revision, key = {"N": str(after.revision)}, _entry(after.revision)
        state = {**_key(STATES, endpoint), "revision": revision, "body": {"S": dumps(after)}}
        unchanged = {
            "ConditionExpression": "attribute_not_exists(pk) OR revision = :before",
            "ExpressionAttributeValues": {":before": {"N": str(before.revision)}},
        }
        head = {**_key(endpoint, key), "revision": revision, "at": {"S": at.isoformat()}, **first}
        items: list[dict[str, Any]] = [
            {"Put": {"TableName": self._table, "Item": state, **unchanged}},
            {"Put": {"TableName": self._table, "Item": head, "ConditionExpression": "attribute_not_exists(pk)"}},
        ]
        for number, part in enumerate(more, start=1):
            items.append({"Put": {"TableName": self._table, "Item": {**_key(endpoint, f"{key}#{number:02d}"), **part}}})
        try:
            self._dynamodb.transact_write_items(TransactItems=items)
        except ClientError as error:
            if not _overtaken(error):
                raise
            return False
        return True

    def entries(self, endpoint: str) -> Iterator[Entry]:
        """An endpoint's decisions, oldest first."""
        parts: list[Item] = []
        for item in self._query(endpoint):
            if parts and not item["sk"]["S"].startswith(parts[0]["sk"]["S"]):
                yield loads(Entry, _body(parts))
                parts = []
            parts.append(item)
        if parts:
            yield loads(Entry, _body(parts))

    def newest(self, endpoint: str, count: int, before: int | None = None) -> tuple[Entry, ...]:
        """An endpoint's last decisions, at most `count`, the newest first; those before decision `before` if given."""
        found: list[Entry] = []
        parts: list[Item] = []
        start = {} if before is None else {"ExclusiveStartKey": _key(endpoint, _entry(before))}
        while len(found) < count:
            options = {"ScanIndexForward": False, "Limit": max(count - len(found), MAX_PARTS), **start}
            page = self._ask(endpoint, options)
            for item in page["Items"]:
                parts.insert(0, item)
                if "at" in item:
                    found.append(loads(Entry, _body(parts)))
                    parts = []
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return tuple(found[:count])

    def put_spec(self, spec: Spec) -> None:
        """Make this the spec of its stage. Writing the same again changes nothing."""
        self.keep(spec)
        self._put_spec(f"stage#{spec.stage}", spec)

    def forget_spec(self, stage: str) -> None:
        """Let no tick look after the stage any more. What it was decided by is kept."""
        self._dynamodb.delete_item(TableName=self._table, Key=_key(SPECS, f"stage#{stage}"))

    def keep(self, spec: Spec) -> str:
        """Keep a spec for whoever makes its decisions again; its digest."""
        digest = spec.digest
        if digest not in self._kept:
            self._put_spec(f"digest#{digest}", spec)
            self._kept.add(digest)
        return digest

    def specs(self) -> dict[str, Spec]:
        """Each stage's spec now, by stage."""
        specs = [loads(Spec, _body([item])) for item in self._query(SPECS, "stage#")]
        return {spec.stage: spec for spec in specs}

    def stage_spec(self, stage: str) -> Spec:
        """A stage's spec now, or NotFoundError."""
        if (item := self._get(SPECS, f"stage#{stage}")) is None:
            raise NotFoundError(f"table {self._table} has no settings of stage {stage or 'last'!r}: deploy the project")
        return loads(Spec, _body([item]))

    def spec(self, digest: str) -> Spec:
        """The spec with this digest, or NotFoundError."""
        if (item := self._get(SPECS, f"digest#{digest}")) is None:
            raise NotFoundError(f"table {self._table} has no settings {digest}: somebody has deleted them")
        return loads(Spec, _body([item]))

    def _put_spec(self, key: str, spec: Spec) -> None:
        first, *more = _parts(dumps(spec), f"settings of stage {spec.stage or 'last'!r}")
        if more:
            raise DataError(
                f"contender.yaml sets more about its {len(spec.dimensions):,} dimensions than an item of {self._table} "
                "takes: set only what differs from the endpoint's"
            )
        item = {**_key(SPECS, key), "digest": {"S": spec.digest}, **first}
        self._dynamodb.put_item(TableName=self._table, Item=item)

    def _get(self, pk: str, sk: str) -> Item | None:
        request = {"TableName": self._table, "Key": _key(pk, sk), "ConsistentRead": True}
        item: Item | None = self._there(lambda: self._dynamodb.get_item(**request)).get("Item")
        return item

    def _query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        start: dict[str, Any] = {}
        while True:
            page = self._ask(pk, start, prefix)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _ask(self, pk: str, options: Mapping[str, Any], prefix: str = "") -> Mapping[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": {":pk": {"S": pk}} | ({":prefix": {"S": prefix}} if prefix else {}),
            "ConsistentRead": True,
            **options,
        }
        return self._there(lambda: self._dynamodb.query(**request))

    def _there(self, read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise NotFoundError(
                f"there is no table {self._table}, the ledger of rollouts: deploy the project"
            ) from error


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _entry(revision: int) -> str:
    return f"entry#{revision:08d}"


def _state(item: Item) -> State:
    try:
        return _parsed(_body([item]))
    except DataError as error:
        raise DataError(f"the state of {item['sk']['S']} in the ledger cannot be read: {error}") from error


@functools.lru_cache(maxsize=2048)
def _parsed(body: str) -> State:
    """Whoever looks every minute, or every second, finds most states as they were."""
    return loads(State, body)


def _parts(body: str, what: str) -> list[Item]:
    """A body as the attributes of as many items as it needs."""
    data = body.encode()
    if len(data) <= PLAIN:
        return [{"body": {"S": body}}]
    packed = zlib.compress(data)
    parts: list[Item] = [{"packed": {"B": packed[start : start + PART]}} for start in range(0, len(packed), PART)]
    if len(parts) > MAX_PARTS:
        raise DataError(
            f"{what} has {len(packed):,} bytes of evidence, more than the ledger takes: "
            "make experiment.bucket_s longer, or end the rollout by hand"
        )
    return parts


def _body(items: list[Item]) -> str:
    first: Mapping[str, Any] = items[0]
    if "body" in first:
        return str(first["body"]["S"])
    return zlib.decompress(b"".join(item["packed"]["B"] for item in items)).decode()


def _overtaken(error: ClientError) -> bool:
    """Whether a transaction was cancelled because somebody else has written meanwhile, or is just about to."""
    if error.response["Error"]["Code"] == "TransactionConflictException":
        return True
    reasons = error.response.get("CancellationReasons", [])
    return any(reason.get("Code") in ("ConditionalCheckFailed", "TransactionConflict") for reason in reasons)
