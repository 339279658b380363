"""Opens the experiment of an endpoint that serves, keeps its shares as they live, and closes it when it is gone.

Woken by SageMaker Endpoint State Change. An event is only a hint to look: it comes late, repeated and out of order, and
spells the status otherwise than DescribeEndpoint does. What counts is what the endpoint is now:

    in service, tag contender:experiment is on    settings, if there are none; counts stay. While no rollout publishes
                                                  shares they follow the live weights. So they do without the tag, where
                                                  a rollout has opened an experiment
    in service, tag is anything else              the experiment is closed; on again, it goes on
    gone or being deleted                         the experiment is closed; made again, the endpoint gets a new one
    anything else                                 nothing

Endpoints that are not this project's are left alone.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from contender.errors import DeploymentError, SettingsError
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import read
from contender.measurements.settings import Settings
from contender.measurements.store import Store
from contender.naming import Names

TAG = "contender:experiment"
ON = "on"
SHARE_DIGITS = 6
"""SageMaker keeps weights as 32-bit floats: 0.9 comes back as 0.8999999761581421."""
TRIES = 5
STICKY = ("hash", "stored")


class Registrar:
    """Looks at endpoints and keeps their settings."""

    def __init__(self, sagemaker: Any, store: Store, names: Names, bucket_s: int, sticky: str) -> None:
        self._sagemaker = sagemaker
        self._store = store
        self._names = names
        self._bucket_s = bucket_s
        self._sticky = sticky

    def handle(self, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """What was done about the endpoint of an event, and its experiment."""
        endpoint = str(event.get("detail", {}).get("EndpointName", ""))
        if self._names.place_of(endpoint) is None:
            return {"endpoint": endpoint, "outcome": "not ours"}
        return {"endpoint": endpoint, **self._look(endpoint, now)}

    def _look(self, endpoint: str, now: datetime) -> dict[str, Any]:
        for _ in range(TRIES):
            found = self._describe(endpoint)
            if found is None or found["EndpointStatus"] == "Deleting":
                return self._close(endpoint, now)
            if found["EndpointStatus"] != "InService":
                return {"outcome": "waits", "status": found["EndpointStatus"]}
            tag = self._tag(found["EndpointArn"])
            if tag is None and not self._has_experiment(endpoint):
                return {"outcome": "takes no part"}
            if tag not in (ON, None):
                return self._close(endpoint, now)
            settings = self._register(endpoint, found, now)
            if settings and _same(found, self._describe(endpoint)):
                return {"outcome": "registered", "experiment": settings.experiment, "shares": dict(settings.shares)}
        raise DeploymentError(
            f"endpoint {endpoint} or its settings were changed by others {TRIES} times: send the event again"
        )

    def _close(self, endpoint: str, now: datetime) -> dict[str, Any]:
        return {"outcome": "closed" if self._store.close(endpoint, now) else "nothing to close"}

    def _has_experiment(self, endpoint: str) -> bool:
        settings = self._store.settings(endpoint)
        return settings is not None and settings.open

    def _register(self, endpoint: str, found: Mapping[str, Any], now: datetime) -> Settings | None:
        shares = live_shares(found)
        created_at = found["CreationTime"].astimezone(UTC)
        return self._store.register(endpoint, shares, created_at, now, self._bucket_s, self._sticky)

    def _describe(self, endpoint: str) -> Mapping[str, Any] | None:
        try:
            answer: Mapping[str, Any] = self._sagemaker.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
                return None
            raise
        return answer

    def _tag(self, arn: str) -> str | None:
        pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return next((str(tag["Value"]) for page in pages for tag in page["Tags"] if tag["Key"] == TAG), None)


def live_shares(found: Mapping[str, Any]) -> dict[str, float]:
    """Each variant's share of the traffic, as DescribeEndpoint's weights say."""
    weights = {
        variant["VariantName"]: float(variant.get("CurrentWeight") or 0) for variant in found["ProductionVariants"]
    }
    total = sum(weights.values()) or 1.0
    return {variant: round(weight / total, SHARE_DIGITS) for variant, weight in weights.items()}


def _same(found: Mapping[str, Any], again: Mapping[str, Any] | None) -> bool:
    """Whether an endpoint still is what was registered: else a slow look could replace a later one's weights."""
    return again is not None and (again["EndpointStatus"], live_shares(again)) == ("InService", live_shares(found))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("register") as line:
        reply = line["answer"] = _registrar().handle(event, datetime.now(UTC))
        return reply


@functools.cache
def _registrar() -> Registrar:
    bucket, sticky = read(os.environ, "BUCKET_SECONDS"), read(os.environ, "STICKY")
    if not bucket.isdigit() or int(bucket) < 1 or sticky not in STICKY:
        raise SettingsError(
            f"BUCKET_SECONDS {bucket!r} must be a whole number of seconds, STICKY {sticky!r} hash or stored"
        )
    store = Store(boto3.client("dynamodb"), read(os.environ, "EXPERIMENTS_TABLE"))
    return Registrar(boto3.client("sagemaker"), store, Names(read(os.environ, "PROJECT")), int(bucket), sticky)
