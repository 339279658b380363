"""DynamoDB in memory: conditions, counters in exact decimals, and transactions that happen as a whole or not at all."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal, Inexact
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, dict[str, Any]]
Step = Callable[[str], None]

MAX_ACTIONS = 100
EXACT = Context(prec=38, traps=[Inexact])
"""DynamoDB refuses numbers of more than 38 digits."""

_TOKEN = re.compile(r"\s*(attribute_not_exists|attribute_exists|AND|OR|<=|<|=|[(),]|[#:\w]+)")


class FakeDynamoDB:
    """`before` and `after` are called around every operation with its name: they may raise, or write themselves."""

    def __init__(self, **keys: tuple[str, ...]) -> None:
        self._keys = keys
        self.tables: dict[str, dict[tuple[str, ...], Item]] = {table: {} for table in keys}
        self.before: Step = lambda operation: None
        self.after: Step = lambda operation: None
        self.calls: list[str] = []
        self.page = 1_000_000

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        assert ConsistentRead
        self._start("get_item")
        found = self.tables[TableName].get(self._key(TableName, Key))
        return {"Item": copy.deepcopy(found)} if found else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        self._start("batch_get_item")
        responses: dict[str, list[Item]] = {}
        unprocessed: dict[str, Any] = {}
        for table, request in RequestItems.items():
            keys = [self._key(table, key) for key in request["Keys"]]
            assert request["ConsistentRead"]
            assert 1 <= len(keys) <= 100
            assert len(set(keys)) == len(keys), "a key twice"
            items = [self.tables[table].get(key) for key in keys[: self.page]]
            responses[table] = [copy.deepcopy(item) for item in items if item]
            if left := request["Keys"][self.page :]:
                unprocessed[table] = {**request, "Keys": left}
        return {"Responses": responses, "UnprocessedKeys": unprocessed}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ConsistentRead: bool = False,
        ExclusiveStartKey: Item | None = None,
        ScanIndexForward: bool = True,
        Limit: int = 1_000_000,
    ) -> dict[str, Any]:
        attribute, value = KeyConditionExpression.split(" = ")
        start = self._key(TableName, ExclusiveStartKey) if ExclusiveStartKey else None
        found = sorted(
            (
                (key, item)
                for key, item in self.tables[TableName].items()
                if item[attribute] == ExpressionAttributeValues[value]
                and (start is None or (key > start if ScanIndexForward else key < start))
            ),
            reverse=not ScanIndexForward,
        )
        page = min(self.page, Limit)
        answer: dict[str, Any] = {"Items": [copy.deepcopy(item) for _, item in found[:page]]}
        if len(found) > page:
            last = found[page - 1][1]
            answer["LastEvaluatedKey"] = {name: last[name] for name in self._keys[TableName]}
        return answer

    def update_item(self, *, TableName: str, **request: Any) -> dict[str, Any]:
        self._start("update_item")
        if not self._holds(TableName, request["Key"], request):
            raise _error("ConditionalCheckFailedException", "UpdateItem")
        self.tables[TableName][self._key(TableName, request["Key"])] = self._updated(TableName, request)
        self.after("update_item")
        return {}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        self._start("transact_write_items")
        assert 1 <= len(TransactItems) <= MAX_ACTIONS
        actions = [next(iter(action.items())) for action in TransactItems]
        places = [(body["TableName"], self._place(kind, body)) for kind, body in actions]
        assert len(set(places)) == len(places), "two actions on one item"
        reasons = [
            {"Code": "None" if self._holds(body["TableName"], place, body) else "ConditionalCheckFailed"}
            for (_, body), (_, place) in zip(actions, places, strict=True)
        ]
        if any(reason["Code"] != "None" for reason in reasons):
            raise canceled(*reasons)
        try:
            items = [
                dict(body["Item"]) if kind == "Put" else self._updated(body["TableName"], body)
                for kind, body in actions
            ]
        except Inexact as error:
            raise canceled({"Code": "ValidationError"}) from error
        for (table, place), item in zip(places, items, strict=True):
            self.tables[table][place] = item
        self.after("transact_write_items")
        return {}

    def _start(self, operation: str) -> None:
        self.calls.append(operation)
        self.before(operation)

    def _key(self, table: str, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in self._keys[table])

    def _place(self, kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
        return self._key(body["TableName"], body["Item" if kind == "Put" else "Key"])

    def _holds(self, table: str, key: Any, request: Mapping[str, Any]) -> bool:
        place = key if isinstance(key, tuple) else self._key(table, key)
        item = self.tables[table].get(place, {})
        condition = request.get("ConditionExpression")
        return condition is None or _Condition(condition, item, request).holds()

    def _updated(self, table: str, request: Mapping[str, Any]) -> Item:
        """The item as it would be after the update."""
        item = dict(self.tables[table].get(self._key(table, request["Key"]), request["Key"]))
        kind, _, changes = request["UpdateExpression"].partition(" ")
        for change in changes.split(", "):
            name, value = re.split(r" = | ", change)
            name, new = request["ExpressionAttributeNames"][name], request["ExpressionAttributeValues"][value]
            if kind == "SET":
                item[name] = new
            else:
                assert kind == "ADD"
                if sets := new.keys() & {"SS", "NS"}:
                    (members,) = sets
                    item[name] = {members: sorted({*item.get(name, {members: ()})[members], *new[members]})}
                    continue
                old = Decimal(item.get(name, {"N": "0"})["N"])
                item[name] = {"N": str(EXACT.add(old, EXACT.create_decimal(new["N"])))}
        return item


class _Condition:
    """A condition expression, as far as ours go."""

    def __init__(self, text: str, item: Item, request: Mapping[str, Any]) -> None:
        self._tokens: Iterator[str] = iter([match[1] for match in _TOKEN.finditer(text)] + ["end"])
        self._item = item
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})
        self._next = next(self._tokens)

    def holds(self) -> bool:
        held = self._any()
        assert self._next == "end", f"unread: {self._next}"
        return held

    def _take(self) -> str:
        token, self._next = self._next, next(self._tokens, "")
        return token

    def _any(self) -> bool:
        held = self._all()
        while self._next == "OR":
            self._take()
            held = self._all() or held
        return held

    def _all(self) -> bool:
        held = self._one()
        while self._next == "AND":
            self._take()
            held = self._one() and held
        return held

    def _one(self) -> bool:
        token = self._take()
        if token == "(":
            held = self._any()
            assert self._take() == ")"
            return held
        if token in ("attribute_not_exists", "attribute_exists"):
            assert self._take() == "("
            absent = self._attribute(self._take()) is None
            assert self._take() == ")"
            return absent == (token == "attribute_not_exists")
        left, operator, right = self._attribute(token), self._take(), self._values[self._take()]
        if left is None:
            return False
        if "N" in left:
            one, other = Decimal(left["N"]), Decimal(right["N"])
            return {"=": one == other, "<": one < other, "<=": one <= other}[operator]
        assert operator == "="
        return bool(left == right)

    def _attribute(self, name: str) -> dict[str, Any] | None:
        return self._item.get(self._names.get(name, name))


def canceled(*reasons: dict[str, str]) -> ClientError:
    error = _error("TransactionCanceledException", "TransactWriteItems")
    error.response["CancellationReasons"] = list(reasons)
    return error


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
