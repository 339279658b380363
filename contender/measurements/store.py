"""The experiments table: an endpoint's settings, and the counts of its experiments.

    pk=<endpoint>       sk=settings                  how requests are shared out (settings.py)
    pk=<endpoint>       sk=rewards                   how many rewards wait for a request that was not reported yet, and
                                                     the names that rewards have had; written by the recorder only
    pk=<experiment id>  sk=<variant>#<bucket start>  counts (counts.py), written by the recorder only

Reading is consistent: who has just written sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.measurements.counts import BucketCounts, parse_bucket_key
from contender.measurements.settings import DEFAULT_BUCKET_S, Owner, Settings, Status, registered

SETTINGS_KEY = "settings"
REWARDS_KEY = "rewards"
_BATCH = 100
_COMPARED = frozenset({"number", "revision", "owner", "status", "updated_at"})


class Store:
    """Reads and writes with a DynamoDB client, which it is given."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def settings(self, endpoint: str) -> Settings | None:
        """An endpoint's settings; None for one that never registered."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(endpoint), ConsistentRead=True)
        return Settings.from_item(endpoint, answer["Item"]) if "Item" in answer else None

    def settings_of(self, endpoints: Iterable[str]) -> dict[str, Settings]:
        """The settings of many endpoints in few calls; those that never registered are missing."""
        waiting = list(dict.fromkeys(endpoints))
        found: dict[str, Settings] = {}
        while waiting:
            keys = [_key(endpoint) for endpoint in waiting[:_BATCH]]
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            for item in answer["Responses"].get(self._table, ()):
                endpoint = item["pk"]["S"]
                found[endpoint] = Settings.from_item(endpoint, item)
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            waiting = [key["pk"]["S"] for key in left] + waiting[_BATCH:]
        return found

    def publish_shares(
        self,
        endpoint: str,
        experiment: str,
        shares: Mapping[str, float],
        strategy: str,
        revision: int,
        now: datetime,
        *,
        epsilon: float = 0.0,
        floor: float = 0.0,
        warm_up: int = 0,
        sticky: str = "hash",
        bucket_s: int = DEFAULT_BUCKET_S,
        owner: Owner = Owner.ROLLOUT,
    ) -> bool:
        """Let requests be shared out like this from now on; False when a later revision says otherwise already.

        Later is: of a higher experiment number, or of the same with at least this revision. `owner` WEIGHTS hands the
        endpoint back: from then on its shares follow the live weights.
        """
        settings = Settings(
            endpoint,
            experiment,
            dict(shares),
            strategy,
            epsilon,
            floor,
            warm_up,
            sticky,
            bucket_s,
            owner=owner,
            revision=revision,
            updated_at=now,
        )
        return self._conditionally(
            endpoint,
            {name: value for name, value in settings.to_item().items() if name != "endpoint_created_at"},
            "attribute_not_exists(pk) OR #number < :number"
            " OR (#number = :number AND #status = :status AND #revision <= :revision)",
        )

    def register(
        self,
        endpoint: str,
        shares: Mapping[str, float],
        created_at: datetime,
        now: datetime,
        bucket_s: int,
        sticky: str,
    ) -> Settings | None:
        """Make the settings of an endpoint in service, or let them follow its live weights; counts stay.

        None when somebody else wrote them meanwhile: look at the endpoint again.
        """
        current = self.settings(endpoint)
        wanted = registered(current, endpoint, dict(shares), created_at, now, bucket_s, sticky)
        if wanted == current or self._replace(current, wanted):
            return wanted
        return None

    def close(self, endpoint: str, now: datetime) -> bool:
        """Close the experiment of an endpoint that is gone; False when there is none open."""
        current = self.settings(endpoint)
        while current is not None and current.open:
            if self._replace(current, replace(current, status=Status.CLOSED, updated_at=now)):
                return True
            current = self.settings(endpoint)
        return False

    def buckets(self, experiment: str) -> dict[tuple[str, datetime], BucketCounts]:
        """An experiment's counts by variant and start of the bucket, perhaps without those of the last second.

        Counts are late anyway, and reading them consistently would cost twice as much, every minute.
        """
        found: dict[tuple[str, datetime], BucketCounts] = {}
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :experiment",
            "ExpressionAttributeValues": {":experiment": {"S": experiment}},
        }
        while True:
            answer = self._dynamodb.query(**request)
            for item in answer["Items"]:
                found[parse_bucket_key(item["sk"]["S"])] = BucketCounts.from_item(item)
            if "LastEvaluatedKey" not in answer:
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def waiting_rewards(self, endpoint: str) -> int:
        """Rewards whose request was not counted (yet): young ones are early, old ones are orphans."""
        return int(self._rewards(endpoint).get("waiting", {"N": "0"})["N"])

    def reward_names(self, endpoint: str) -> frozenset[str]:
        """The names that its rewards have had."""
        return frozenset(self._rewards(endpoint).get("names", {"SS": []})["SS"])

    def _rewards(self, endpoint: str) -> Mapping[str, Any]:
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(endpoint, REWARDS_KEY), ConsistentRead=True)
        item: Mapping[str, Any] = answer.get("Item", {})
        return item

    def _replace(self, current: Settings | None, wanted: Settings) -> bool:
        """Write settings in place of those that were read."""
        if current is None:
            return self._conditionally(wanted.endpoint, wanted.to_item(), "attribute_not_exists(pk)")
        return self._conditionally(
            wanted.endpoint,
            wanted.to_item(),
            "#number = :was_number AND #revision = :was_revision AND #owner = :was_owner AND #status = :was_status"
            " AND #updated_at = :was_updated_at",
            {f":was_{name}": value for name, value in current.to_item().items() if name in _COMPARED},
        )

    def _conditionally(
        self,
        endpoint: str,
        attributes: Mapping[str, Mapping[str, Any]],
        condition: str,
        compared: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(endpoint),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()}
                | dict(compared or {}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _key(endpoint: str, kind: str = SETTINGS_KEY) -> dict[str, dict[str, str]]:
    return {"pk": {"S": endpoint}, "sk": {"S": kind}}
