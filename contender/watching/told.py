"""Whether people were told of an execution: a message is never lost, and sent twice only where a kill leaves no choice.

    pk = job#<processing job's ARN>      claimed_at · told_at         a message
    pk = training#<dimension>#<token>    told_at                      a training with that version of the data

An item is claimed, the message sent, then the item says so. Delivered again meanwhile, an event finds the claim and
comes back later; killed between claim and message, the claim lapses and the message is sent; killed between message and
note, it is sent once more. Items expire: nothing is delivered after two weeks, and data that old may train again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError

CLAIM_LAPSES_AFTER = timedelta(seconds=90)
"""Longer than the function may run."""
KEPT = timedelta(days=60)


class Busy(DeploymentError):
    """Somebody else is telling it now: come back later."""


class Told:
    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def claim(self, job_arn: str, now: datetime) -> bool:
        """Whether it is ours to tell; False when it was told before. Busy while somebody else's claim holds."""
        key, second = f"job#{job_arn}", str(now.timestamp())
        free = "attribute_not_exists(pk) OR (attribute_not_exists(told_at) AND claimed_at < :lapsed)"
        lapsed = str((now - CLAIM_LAPSES_AFTER).timestamp())
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": {"S": key}},
                UpdateExpression="SET #claimed = :now, #expires = :expires",
                ConditionExpression=free,
                ExpressionAttributeNames={"#claimed": "claimed_at", "#expires": "expires"},
                ExpressionAttributeValues={
                    ":now": {"N": second},
                    ":lapsed": {"N": lapsed},
                    ":expires": _expires(now),
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            if self._told(key):
                return False
            raise Busy(f"{job_arn} is being told by another invocation") from error
        return True

    def tell(self, job_arn: str, now: datetime) -> None:
        """It has been told."""
        self._note(f"job#{job_arn}", now)

    def give_back(self, job_arn: str, now: datetime) -> None:
        """It could not be told: whoever comes next need not wait for the claim to lapse."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": {"S": f"job#{job_arn}"}},
            UpdateExpression="SET #claimed = :long_ago, #expires = :expires",
            ExpressionAttributeNames={"#claimed": "claimed_at", "#expires": "expires"},
            ExpressionAttributeValues={":long_ago": {"N": "0"}, ":expires": _expires(now)},
        )

    def trained(self, dimension: str, token: str) -> bool:
        """Whether a training was asked for with this version of the data because of drift."""
        return self._told(f"training#{dimension}#{token}")

    def train(self, dimension: str, token: str, now: datetime) -> None:
        self._note(f"training#{dimension}#{token}", now)

    def _told(self, key: str) -> bool:
        answer = self._dynamodb.get_item(TableName=self._table, Key={"pk": {"S": key}}, ConsistentRead=True)
        return "told_at" in answer.get("Item", {})

    def _note(self, key: str, now: datetime) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": {"S": key}},
            UpdateExpression="SET #told = :now, #expires = :expires",
            ExpressionAttributeNames={"#told": "told_at", "#expires": "expires"},
            ExpressionAttributeValues={":now": {"N": str(now.timestamp())}, ":expires": _expires(now)},
        )


def _expires(now: datetime) -> dict[str, str]:
    return {"N": str(int((now + KEPT).timestamp()))}
