"""DynamoDB in memory, as the rollouts' ledger and the measurements use it, in a process that may be killed."""

from __future__ import annotations

from typing import Any

from tests.lambdas.fakes.client import Process, client_error
from tests.measurements.dynamodb import FakeDynamoDB


class FakeTables(FakeDynamoDB):
    def __init__(self, *tables: str) -> None:
        super().__init__(**dict.fromkeys(tables, ("pk", "sk")))
        self.process = Process()
        self.before = self._begin
        self.after = lambda operation: self.process.reaches(before=False)

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> dict[str, Any]:
        self._start("put_item")
        self.tables[TableName][self._key(TableName, Item)] = dict(Item)
        self.after("put_item")
        return {}

    def delete_item(self, *, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:
        self._start("delete_item")
        self.tables[TableName].pop(self._key(TableName, Key), None)
        self.after("delete_item")
        return {}

    def get_item(self, *, TableName: str, **request: Any) -> dict[str, Any]:
        self._there(TableName, "GetItem")
        return super().get_item(TableName=TableName, **request)

    def query(self, *, KeyConditionExpression: str, **request: Any) -> dict[str, Any]:
        self._start("query")
        counts = request["TableName"].endswith("-experiments")
        assert counts or request["ConsistentRead"], "a tick decides from what was written last"
        self._there(request["TableName"], "Query")
        partition, _, prefix = KeyConditionExpression.partition(" AND begins_with(sk, ")
        answer = super().query(KeyConditionExpression=partition, **request)
        wanted = request["ExpressionAttributeValues"][prefix.rstrip(")")]["S"] if prefix else ""
        return {**answer, "Items": [item for item in answer["Items"] if item["sk"]["S"].startswith(wanted)]}

    def _there(self, table: str, operation: str) -> None:
        if table not in self.tables:
            raise client_error(operation, "ResourceNotFoundException", "Cannot do operations on a non-existent table")

    def _begin(self, operation: str) -> None:
        self.process.calls.append(operation)
        self.process.reaches(before=True)
