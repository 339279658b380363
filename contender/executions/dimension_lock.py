"""One pipeline execution per dimension at a time: a lock in DynamoDB that names its execution.

Nobody has to release it. It holds while the execution it names runs; whoever finds that one finished takes it over.
So a starter killed anywhere leaves nothing behind that stops a dimension for good.

    {"Dimension": "SM-1", "UploadToken": "…", "ClaimedAt": 1760000000, "ExecutionArn": "arn:…"}

ExecutionArn is missing between the claim and the start. The upload that claimed comes back (its message was not
acknowledged) and goes on from there; if it never does, the claim lapses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError

CLAIM_LAPSES_AFTER = timedelta(minutes=30)
"""Longer than a few visibility timeouts of the queue, so that the upload itself comes back first."""

RUNNING = frozenset({"Executing", "Stopping"})


class Claim(Enum):
    TAKEN = auto()
    STARTED_BEFORE = auto()
    HELD = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    claim: Claim
    execution_arn: str = ""


class DimensionLock:
    def __init__(self, dynamodb: Any, sagemaker: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._sagemaker = sagemaker
        self._table = table

    def start(self, dimension: str, token: str, now: datetime, begin: Callable[[], str]) -> Answer:
        """Claim the dimension and `begin` its execution, whose ARN that returns; TAKEN means that it runs now.

        An error of `begin` passes. One that is certain to have started nothing gives the claim back; after a server
        error an execution may run, so the claim stays for the same token to go on from.
        """
        claimed = self.claim(dimension, token, now)
        if claimed.claim is not Claim.TAKEN:
            return claimed
        try:
            execution_arn = begin()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                self.give_back(dimension, token)
            raise
        self.name_execution(dimension, token, execution_arn)
        return Answer(Claim.TAKEN, execution_arn)

    def claim(self, dimension: str, token: str, now: datetime) -> Answer:
        """Take the lock for an upload, unless it is started already or another one's execution runs."""
        if self._put(dimension, token, now, "attribute_not_exists(UploadToken)", {}):
            return Answer(Claim.TAKEN)
        held = self._dynamodb.get_item(TableName=self._table, Key={"Dimension": {"S": dimension}}, ConsistentRead=True)
        item = held.get("Item")
        if item is None:
            return Answer(Claim.HELD)
        execution_arn = item.get("ExecutionArn", {}).get("S", "")
        if item["UploadToken"]["S"] == token:
            return Answer(Claim.STARTED_BEFORE if execution_arn else Claim.TAKEN, execution_arn)
        if execution_arn:
            free = self._finished(execution_arn)
            condition, values = "ExecutionArn = :arn", {":arn": {"S": execution_arn}}
        else:
            free = now.timestamp() - float(item["ClaimedAt"]["N"]) > CLAIM_LAPSES_AFTER.total_seconds()
            condition = "UploadToken = :other AND attribute_not_exists(ExecutionArn)"
            values = {":other": item["UploadToken"]}
        if free and self._put(dimension, token, now, condition, values):
            return Answer(Claim.TAKEN)
        return Answer(Claim.HELD, execution_arn)

    def name_execution(self, dimension: str, token: str, execution_arn: str) -> None:
        """Say which execution holds the lock. Nothing happens if the claim has lapsed meanwhile."""
        self._conditionally(
            self._dynamodb.update_item,
            Key={"Dimension": {"S": dimension}},
            UpdateExpression="SET ExecutionArn = :arn",
            ConditionExpression="UploadToken = :token",
            ExpressionAttributeValues={":arn": {"S": execution_arn}, ":token": {"S": token}},
        )

    def give_back(self, dimension: str, token: str) -> None:
        """Give up a claim that no execution was started for."""
        self._conditionally(
            self._dynamodb.delete_item,
            Key={"Dimension": {"S": dimension}},
            ConditionExpression="UploadToken = :token AND attribute_not_exists(ExecutionArn)",
            ExpressionAttributeValues={":token": {"S": token}},
        )

    def _put(
        self, dimension: str, token: str, now: datetime, condition: str, values: Mapping[str, Mapping[str, str]]
    ) -> bool:
        item = {
            "Dimension": {"S": dimension},
            "UploadToken": {"S": token},
            "ClaimedAt": {"N": str(int(now.timestamp()))},
        }
        request: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
        if values:
            request["ExpressionAttributeValues"] = values
        return self._conditionally(self._dynamodb.put_item, **request)

    def _conditionally(self, write: Any, **request: Any) -> bool:
        try:
            write(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _finished(self, execution_arn: str) -> bool:
        try:
            execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFound":
                raise
            return True
        return execution["PipelineExecutionStatus"] not in RUNNING
