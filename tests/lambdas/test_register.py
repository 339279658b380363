"""Registering: an endpoint's settings follow what it is, whatever its events say and however late they come."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contender.errors import DeploymentError
from contender.lambdas.register import TAG, TRIES, Registrar
from contender.measurements.settings import Owner, Settings
from contender.measurements.store import Store
from contender.naming import Names
from tests.measurements.world import EXPERIMENTS, NOW, fake_tables

ENDPOINT = "contender-SM-1"
BERLIN = timezone(timedelta(hours=2))


class Endpoints:
    """SageMaker's endpoints and their tags, as far as registering asks for them."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}

    def put(self, name: str, status: str = "InService", tag: str | None = "on", **weights: float) -> None:
        known = self.found.get(name, {})
        self.found[name] = {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}",
            "EndpointStatus": status,
            "CreationTime": known.get("CreationTime", NOW.astimezone(BERLIN)),
            "ProductionVariants": [
                {"VariantName": variant, "CurrentWeight": struct.unpack("f", struct.pack("f", weight))[0]}
                for variant, weight in (weights or {"v1": 1.0}).items()
            ],
        }
        tags = {"team": "a", "contender:experiments": "on", TAG: tag}
        self.tags[self.found[name]["EndpointArn"]] = [
            {"Key": key, "Value": value} for key, value in tags.items() if value is not None
        ]

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        if EndpointName not in self.found:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Could not find"}}, "any")
        return self.found[EndpointName]

    def get_paginator(self, operation: str) -> Endpoints:
        assert operation == "list_tags"
        return self

    def paginate(self, *, ResourceArn: str) -> Iterator[dict[str, Any]]:
        for tag in self.tags[ResourceArn]:
            yield {"Tags": [tag]}


class World:
    def __init__(self) -> None:
        self.sagemaker = Endpoints()
        self.dynamodb = fake_tables()
        self.store = Store(self.dynamodb, EXPERIMENTS)
        self.registrar = Registrar(self.sagemaker, self.store, Names("contender"), 60, "hash")
        self.now = NOW

    def hear(self, status: str = "IN_SERVICE", endpoint: str = ENDPOINT) -> dict[str, Any]:
        self.now += timedelta(minutes=1)
        detail = {"EndpointName": endpoint, "EndpointStatus": status}
        event = {"detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "detail": detail}
        return self.registrar.handle(event, self.now)

    def settings(self, endpoint: str = ENDPOINT) -> Settings:
        settings = self.store.settings(endpoint)
        assert settings is not None
        return settings


@pytest.mark.parametrize("status", ["IN_SERVICE", "InService", "DELETING", "anything"])
def test_an_endpoint_in_service_registers_however_the_event_spells_it(status: str) -> None:
    world = World()
    world.sagemaker.put(ENDPOINT, v1=0.9, v2=0.1)
    answer = world.hear(status)
    assert answer == {
        "endpoint": ENDPOINT,
        "outcome": "registered",
        "experiment": f"{ENDPOINT}-e1",
        "shares": {"v1": 0.9, "v2": 0.1},
    }
    assert world.settings().shares == {"v1": 0.9, "v2": 0.1}


@pytest.mark.parametrize("endpoint", ["contender--dev-SM-1", "contender-SM-10"])
def test_every_stage_and_dimension_of_the_project_registers(endpoint: str) -> None:
    world = World()
    world.sagemaker.put(endpoint)
    assert world.hear(endpoint=endpoint)["experiment"] == f"{endpoint}-e1"
    assert world.store.settings(ENDPOINT) is None


@pytest.mark.parametrize("endpoint", ["contenders-SM-1", "other-SM-1", "contender", "contender-", "contender---x", ""])
def test_an_endpoint_of_somebody_else_is_left_alone(endpoint: str) -> None:
    world = World()
    world.sagemaker.put(endpoint)
    assert world.hear(endpoint=endpoint)["outcome"] == "not ours"
    assert world.dynamodb.calls == []


@pytest.mark.parametrize("tag", [None, "off", "", "ON", "true"])
def test_an_endpoint_whose_tag_is_not_on_does_not_register(tag: str | None) -> None:
    world = World()
    world.sagemaker.put(ENDPOINT, tag=tag)
    assert world.hear()["outcome"] in ("takes no part", "nothing to close")
    assert world.store.settings(ENDPOINT) is None


def test_a_tag_that_is_turned_off_closes_the_experiment_and_turned_on_again_goes_on_with_it() -> None:
    world = World()
    world.sagemaker.put(ENDPOINT)
    world.hear()
    world.sagemaker.put(ENDPOINT, tag="off")
    assert world.hear()["outcome"] == "closed"
    world.sagemaker.put(ENDPOINT, v1=0.5, v2=0.5)
    assert world.hear()["experiment"] == f"{ENDPOINT}-e1"
    assert world.settings().open
    assert world.settings().shares == {"v1": 0.5, "v2": 0.5}


def test_an_endpoint_without_the_tag_follows_its_weights_once_a_rollout_opened_an_experiment() -> None:
    world = World()
    world.sagemaker.put(ENDPOINT, tag=None, v1=0.3, v2=0.7)
    published = {"v1": 0.9, "v2": 0.1}, "Weighted", 7, NOW + timedelta(minutes=1)
    world.store.publish_shares(ENDPOINT, f"{ENDPOINT}-e2", *published)
    world.hear()
    assert world.settings().shares == {"v1": 0.9, "v2": 0.1}
    world.store.publish_shares(ENDPOINT, f"{ENDPOINT}-e2", *published, owner=Owner.WEIGHTS)
    world.hear()
    assert world.settings().shares == {"v1": 0.3, "v2": 0.7}
    assert world.settings().experiment == f"{ENDPOINT}-e2"


@pytest.mark.parametrize("status", ["Creating", "Updating", "Failed", "RollingBack", "OutOfService"])
def test_an_endpoint_under_way_or_failed_keeps_what_it_has(status: str) -> None:
    world = World()
    world.sagemaker.put(ENDPOINT)
    world.hear()
    before = world.settings()
    world.sagemaker.put(ENDPOINT, status, v1=0.5, v2=0.5)
    assert world.hear()["outcome"] == "waits"
    assert world.settings() == before


def test_an_event_of_an_earlier_state_writes_what_is_now() -> None:
    world = World()
    world.sagemaker.put(ENDPOINT, v1=0.9, v2=0.1)
    world.hear()
    world.sagemaker.put(ENDPOINT, v1=0.5, v2=0.5)
    for _ in range(3):
        world.hear("UPDATING")
    assert world.settings().shares == {"v1": 0.5, "v2": 0.5}
    assert world.settings().experiment == f"{ENDPOINT}-e1"


@pytest.mark.parametrize("gone", ["Deleting", None])
def test_an_endpoint_that_goes_closes_its_experiment(gone: str | None) -> None:
    world = World()
    world.sagemaker.put(ENDPOINT)
    world.hear()
    if gone:
        world.sagemaker.put(ENDPOINT, gone)
    else:
        del world.sagemaker.found[ENDPOINT]
    assert world.hear("DELETING")["outcome"] == "closed"
    assert not world.settings().open
    assert world.hear("DELETING")["outcome"] == "nothing to close"


def test_an_endpoint_that_was_never_registered_has_nothing_to_close() -> None:
    world = World()
    assert world.hear("DELETING")["outcome"] == "nothing to close"
    assert world.store.settings(ENDPOINT) is None


@pytest.mark.parametrize("heard", [True, False])
def test_an_endpoint_made_again_gets_a_new_experiment(heard: bool) -> None:
    world = World()
    world.sagemaker.put(ENDPOINT)
    world.hear()
    del world.sagemaker.found[ENDPOINT]
    if heard:
        world.hear("DELETING")
    world.sagemaker.put(ENDPOINT)
    world.sagemaker.found[ENDPOINT]["CreationTime"] = world.now
    assert world.hear()["experiment"] == f"{ENDPOINT}-e2"
    assert world.hear()["experiment"] == f"{ENDPOINT}-e2"


def test_settings_that_others_change_meanwhile_are_looked_at_again_and_given_up_after_some_tries() -> None:
    world = World()
    world.sagemaker.put(ENDPOINT)
    times = 2

    def publish(operation: str) -> None:
        nonlocal times
        if operation == "update_item" and times > 0:
            times, left = 0, times - 1
            shares = {"v1": 0.1 * left, "v2": 1 - 0.1 * left}
            world.store.publish_shares(ENDPOINT, f"{ENDPOINT}-e1", shares, "Weighted", 10 - left, NOW + timedelta(1))
            times = left

    world.dynamodb.before = publish
    assert world.hear()["outcome"] == "registered"
    assert world.settings().revision == 10

    def revise(operation: str) -> None:
        if operation == "update_item":
            key = ENDPOINT, "settings"
            world.dynamodb.tables[EXPERIMENTS][key]["revision"] = {"N": str(len(world.dynamodb.calls))}

    world.dynamodb.before = revise
    world.sagemaker.found[ENDPOINT]["CreationTime"] = datetime(2030, 1, 1, tzinfo=BERLIN)
    with pytest.raises(DeploymentError, match=f"changed by others {TRIES} times"):
        world.hear()


def test_weights_that_changed_while_one_looked_are_looked_at_again() -> None:
    """Between looking and writing, the weights change and another function has registered them."""
    world = World()
    world.sagemaker.put(ENDPOINT, v1=0.9, v2=0.1)
    world.hear()
    world.sagemaker.put(ENDPOINT, v1=0.8, v2=0.2)
    read_tags = world.sagemaker.paginate

    def overtake(*, ResourceArn: str) -> Iterator[dict[str, Any]]:
        world.sagemaker.paginate = read_tags  # type: ignore[method-assign]
        world.sagemaker.put(ENDPOINT, v1=0.3, v2=0.7)
        world.hear()
        return read_tags(ResourceArn=ResourceArn)

    world.sagemaker.paginate = overtake  # type: ignore[method-assign]
    assert world.hear()["shares"] == {"v1": 0.3, "v2": 0.7}
    assert world.settings().shares == {"v1": 0.3, "v2": 0.7}


def test_an_experiment_that_a_tag_closed_stays_closed_without_the_tag() -> None:
    world = World()
    for tag in ("on", "off", None):
        world.sagemaker.put(ENDPOINT, tag=tag)
        answer = world.hear()
    assert answer["outcome"] == "takes no part"
    assert not world.settings().open
