"""Users who keep their variant for good, in the experiments table: the settings' `sticky: stored`.

    pk=user#<experiment>#<user>  sk=assignment   variant, propensity, shares, expires

A user's first request decides, whoever else decides at the same time. A variant that no longer has a share gives its
users back. An assignment expires when its user has not come for a while; each of the later half of that time's
requests prolongs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.experiments.assignment import assign
from contender.measurements.settings import Settings

KEEP_S = 90 * 24 * 3600

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Assigned:
    """A user's variant, with the probability and the shares it was drawn by."""

    variant: str
    propensity: float
    shares: Mapping[str, float]


def drawn(settings: Settings, user: str) -> Assigned:
    """The variant that the hash of experiment and user gives, by the shares of now."""
    found = assign(settings.experiment, user, settings.shares)
    return Assigned(found.variant, found.propensity, settings.shares)


class KeptUsers:
    """Reads and writes assignments with a DynamoDB client, which it is given."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def assign(self, settings: Settings, user: str, now: datetime) -> Assigned:
        """The user's variant: the one it has, if that still has a share, else a new one that it keeps."""
        key = {"pk": {"S": f"user#{settings.experiment}#{user}"}, "sk": {"S": "assignment"}}
        item = self._read(key)
        kept = _kept(item, settings, now)
        if kept and _left_s(item, now) > KEEP_S / 2:
            return kept
        return self._keep(key, kept or drawn(settings, user), item, settings, now)

    def _keep(self, key: Item, wanted: Assigned, before: Item | None, settings: Settings, now: datetime) -> Assigned:
        """Write it down unless another request was faster: that one's variant holds then."""
        attributes = {
            "variant": {"S": wanted.variant},
            "propensity": {"N": repr(wanted.propensity)},
            "shares": {"S": json.dumps(dict(wanted.shares))},
            "expires": {"N": str(int(now.timestamp()) + KEEP_S)},
        }
        values: dict[str, Any] = {f":{name}": value for name, value in attributes.items()}
        condition = "attribute_not_exists(pk)"
        if before:
            condition += " OR #variant = :before"
            values[":before"] = before["variant"]
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return _kept(self._read(key), settings, now) or wanted
        return wanted

    def _read(self, key: Item) -> Item | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item


def _kept(item: Item | None, settings: Settings, now: datetime) -> Assigned | None:
    """What was written down, unless it has expired (DynamoDB deletes late) or its variant has no share left."""
    if not item or _left_s(item, now) <= 0 or not settings.shares.get(item["variant"]["S"]):
        return None
    return Assigned(item["variant"]["S"], float(item["propensity"]["N"]), json.loads(item["shares"]["S"]))


def _left_s(item: Item | None, now: datetime) -> float:
    return int(item["expires"]["N"]) - now.timestamp() if item else 0.0
