"""An endpoint's settings: who may write them, in which order, and what deleting and making an endpoint again does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contender.errors import NamingError
from contender.measurements.settings import Owner, Settings, Status, experiment_id, experiment_number
from contender.measurements.store import Store
from tests.measurements.world import ENDPOINT, EXPERIMENTS, NOW, SHARES, World, fake_tables

CREATED = NOW - timedelta(days=2)
LIVE = {"v1": 1.0}


class Table:
    """The settings of one endpoint in an empty table."""

    def __init__(self) -> None:
        self.dynamodb = fake_tables()
        self.store = Store(self.dynamodb, EXPERIMENTS)
        self.now = NOW

    def publish(self, number: int, revision: int, **changes: Any) -> bool:
        shares = changes.pop("shares", SHARES)
        self.now += timedelta(seconds=1)
        experiment = experiment_id(ENDPOINT, number)
        return self.store.publish_shares(ENDPOINT, experiment, shares, "Thompson", revision, self.now, **changes)

    def register(self, shares: dict[str, float] = LIVE, created: datetime = CREATED, bucket_s: int = 60) -> Settings:
        self.now += timedelta(seconds=1)
        settings = self.store.register(ENDPOINT, shares, created, self.now, bucket_s, "hash")
        assert settings is not None
        return settings

    @property
    def settings(self) -> Settings:
        settings = self.store.settings(ENDPOINT)
        assert settings is not None
        return settings


def test_an_endpoint_that_never_registered_has_no_settings() -> None:
    assert Table().store.settings(ENDPOINT) is None
    assert Table().store.settings_of([ENDPOINT]) == {}
    assert Table().store.waiting_rewards(ENDPOINT) == 0
    assert Table().store.buckets(f"{ENDPOINT}-e1") == {}


def test_what_is_published_is_read_back() -> None:
    table = Table()
    assert table.publish(3, 17, epsilon=0.1, floor=0.01, warm_up=100, sticky="stored", bucket_s=5)
    assert table.settings == Settings(
        endpoint=ENDPOINT,
        experiment=f"{ENDPOINT}-e3",
        shares=SHARES,
        strategy="Thompson",
        epsilon=0.1,
        floor=0.01,
        warm_up=100,
        sticky="stored",
        bucket_s=5,
        owner=Owner.ROLLOUT,
        revision=17,
        updated_at=table.now,
    )
    assert table.settings.number == 3


@pytest.mark.parametrize(
    ("number", "revision", "taken"), [(1, 6, True), (1, 5, True), (1, 4, False), (2, 1, True), (2, 9, True)]
)
def test_a_later_decision_is_not_undone_by_an_earlier_one(number: int, revision: int, taken: bool) -> None:
    table = Table()
    table.publish(1, 5)
    before = table.settings
    assert table.publish(number, revision, shares={"v2": 1.0}) is taken
    assert (table.settings == before) is not taken


def test_an_experiment_of_another_endpoint_is_not_published() -> None:
    table = Table()
    with pytest.raises(NamingError, match="contender-SM-10-e1"):
        table.store.publish_shares(ENDPOINT, "contender-SM-10-e1", SHARES, "Weighted", 1, NOW)


def test_an_endpoint_registers_with_its_live_shares_in_its_first_experiment() -> None:
    settings = Table().register({"v1": 0.9, "v2": 0.1})
    assert (settings.experiment, settings.shares) == (f"{ENDPOINT}-e1", {"v1": 0.9, "v2": 0.1})
    assert (settings.owner, settings.bucket_s) == (Owner.WEIGHTS, 60)


def test_registering_again_writes_nothing_and_keeps_counts() -> None:
    table = Table()
    first = table.register()
    world = World(table.dynamodb)
    world.count(world.request("a"))
    table.dynamodb.calls.clear()
    table.publish(1, 1, shares=LIVE, owner=Owner.WEIGHTS, bucket_s=60)
    published = table.settings
    table.dynamodb.calls.clear()
    assert table.register() == published
    assert table.dynamodb.calls == ["get_item"]
    assert published.experiment == first.experiment
    assert world.total("v1").judged.n == 1


def test_shares_follow_the_live_weights_while_no_rollout_publishes() -> None:
    table = Table()
    table.register()
    assert table.register({"v1": 0.4, "v2": 0.6}).shares == {"v1": 0.4, "v2": 0.6}
    table.publish(1, 1)
    assert table.register({"v1": 0.0, "v2": 1.0}).shares == SHARES
    assert table.settings.shares == SHARES
    table.publish(1, 2, owner=Owner.WEIGHTS)
    assert table.register({"v1": 0.0, "v2": 1.0}).shares == {"v1": 0.0, "v2": 1.0}


def test_new_settings_of_the_project_reach_an_endpoint_that_nobody_rolls_out_on() -> None:
    table = Table()
    table.register()
    assert table.register(bucket_s=5).bucket_s == 5


def test_an_endpoint_that_is_gone_closes_its_experiment_once() -> None:
    table = Table()
    assert not table.store.close(ENDPOINT, NOW)
    table.register()
    assert table.store.close(ENDPOINT, NOW)
    assert table.settings.status is Status.CLOSED
    assert not table.settings.open
    assert not table.store.close(ENDPOINT, NOW)


def test_an_endpoint_made_again_gets_an_experiment_of_its_own() -> None:
    table = Table()
    table.publish(4, 20)
    table.store.close(ENDPOINT, table.now)
    settings = table.register(created=NOW)
    assert (settings.number, settings.owner, settings.open) == (5, Owner.WEIGHTS, True)
    assert table.settings == settings


def test_an_endpoint_made_again_is_told_though_its_deletion_was_never_heard_of() -> None:
    table = Table()
    table.register()
    assert table.register(created=NOW).number == 2
    table.publish(3, 1)
    later = table.now + timedelta(hours=1)
    assert table.register(created=later).number == 4


def test_a_rollout_may_publish_for_an_endpoint_before_it_registers() -> None:
    """The tick creates the endpoint and publishes; the event that it is in service comes later."""
    table = Table()
    table.publish(1, 3)
    settings = table.register(created=NOW)
    assert (settings.number, settings.owner, settings.shares) == (1, Owner.ROLLOUT, SHARES)
    assert settings.endpoint_created_at == NOW
    table.publish(1, 4)
    assert table.settings.endpoint_created_at == NOW


def test_a_closed_experiment_is_not_published_to() -> None:
    table = Table()
    table.publish(1, 3)
    table.store.close(ENDPOINT, table.now)
    assert not table.publish(1, 4)
    assert table.publish(2, 5)
    assert table.settings.open


def test_whoever_registers_while_another_writes_is_told_to_look_again() -> None:
    table = Table()
    table.register()

    def publish(operation: str) -> None:
        if operation == "update_item":
            table.dynamodb.before = lambda operation: None
            table.publish(1, 1)

    table.dynamodb.before = publish
    assert table.store.register(ENDPOINT, {"v1": 0.5, "v2": 0.5}, CREATED, NOW, 60, "hash") is None
    assert table.settings.shares == SHARES


def test_weights_that_were_read_before_others_do_not_replace_them() -> None:
    """Two look at the endpoint, between whose looks its weights changed; the slower one has the old ones."""
    table = Table()
    table.register()
    new, old = {"v1": 0.6, "v2": 0.4}, {"v1": 0.5, "v2": 0.5}

    def register(operation: str) -> None:
        if operation == "update_item":
            table.dynamodb.before = lambda operation: None
            assert table.store.register(ENDPOINT, new, CREATED, NOW + timedelta(seconds=50), 60, "hash")

    table.dynamodb.before = register
    assert table.store.register(ENDPOINT, old, CREATED, NOW + timedelta(seconds=60), 60, "hash") is None
    assert table.settings.shares == new


def test_an_endpoint_closes_though_another_writes_at_the_same_time() -> None:
    table = Table()
    table.register()

    def publish(operation: str) -> None:
        if operation == "update_item":
            table.dynamodb.before = lambda operation: None
            table.publish(1, 1)

    table.dynamodb.before = publish
    assert table.store.close(ENDPOINT, NOW)
    assert (table.settings.open, table.settings.revision) == (False, 1)


def test_settings_of_hundreds_of_endpoints_come_in_a_few_calls() -> None:
    table = Table()
    names = [f"contender-D{number}" for number in range(230)]
    for name in names[:220]:
        table.store.register(name, LIVE, CREATED, NOW, 60, "hash")
    table.dynamodb.calls.clear()
    found = table.store.settings_of([*names, names[0]])
    assert sorted(found) == sorted(names[:220])
    assert table.dynamodb.calls == ["batch_get_item"] * 3
    table.dynamodb.page = 40
    assert table.store.settings_of(names) == found


def test_counts_come_in_pages() -> None:
    world = World()
    world.count(*(world.request(str(number), at=NOW - timedelta(minutes=number)) for number in range(30)))
    whole = world.buckets()
    world.dynamodb.page = 7
    assert world.buckets() == whole
    assert len([counts for counts in whole.values() if counts.judged.n]) == 30


@pytest.mark.parametrize(
    ("experiment", "number"),
    [
        ("contender-SM-1-e1", 1),
        ("contender-SM-1-e12", 12),
        ("contender-SM-10-e1", None),
        ("contender-SM-1-e0", None),
        ("contender-SM-1-e1-e2", None),
        ("contender-SM-1", None),
        ("", None),
    ],
)
def test_an_experiment_belongs_to_the_endpoint_it_is_named_after(experiment: str, number: int | None) -> None:
    assert experiment_number(ENDPOINT, experiment) == number
    assert number is None or experiment_id(ENDPOINT, number) == experiment
