"""DynamoDB in memory, as the lock of the dimensions uses it."""

from __future__ import annotations

import re
from typing import Any

from tests.lambdas.fakes.client import Fake, client_error, operation


class FakeDynamoDB(Fake):
    """One table, keyed by Dimension, with as much of the condition language as the lock speaks."""

    service = "dynamodb"

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, Any]] = {}

    @operation
    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> dict[str, Any]:
        key = Item["Dimension"]["S"]
        self._demand("PutItem", key, condition)
        self.items[key] = Item
        return {}

    @operation
    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        assert ConsistentRead
        item = self.items.get(Key["Dimension"]["S"])
        return {"Item": item} if item else {}

    @operation
    def update_item(
        self, *, TableName: str, Key: dict[str, Any], UpdateExpression: str, **condition: Any
    ) -> dict[str, Any]:
        key = Key["Dimension"]["S"]
        self._demand("UpdateItem", key, condition)
        name, value = re.fullmatch(r"SET (\w+) = (:\w+)", UpdateExpression).groups()  # type: ignore[union-attr]
        self.items[key] = {**self.items[key], name: condition["ExpressionAttributeValues"][value]}
        return {}

    @operation
    def delete_item(self, *, TableName: str, Key: dict[str, Any], **condition: Any) -> dict[str, Any]:
        key = Key["Dimension"]["S"]
        self._demand("DeleteItem", key, condition)
        self.items.pop(key, None)
        return {}

    def _demand(self, name: str, key: str, condition: dict[str, Any]) -> None:
        item, values = self.items.get(key, {}), condition.get("ExpressionAttributeValues", {})
        for term in condition["ConditionExpression"].split(" AND "):
            if absent := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
                holds = absent[1] not in item
            else:
                attribute, value = term.split(" = ")
                holds = attribute in item and item[attribute] == values[value]
            if not holds:
                raise client_error(name, "ConditionalCheckFailedException", "The conditional request failed")
