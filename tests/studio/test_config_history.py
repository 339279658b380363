"""What an endpoint was configured to serve: its own configs only, each with what was decided before it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from contender.naming import Names
from contender.rollout.decision import Entry
from contender.studio.reading import config_history
from contender.studio.reading.config_history import SHOWN
from tests.rollout.dimension import Dimension, a_spec
from tests.studio.fakes import NOON, FakeClient, desk_of

NAMES = Names("contender")


class Configs(FakeClient):
    """SageMaker as it lists endpoint configs, the newest first."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def get_paginator(self, operation: str) -> Configs:
        assert operation == "list_endpoint_configs"
        return self

    def paginate(self, NameContains: str, **_: Any) -> list[dict[str, Any]]:
        return [{"EndpointConfigs": [{"EndpointConfigName": name} for name in self.names if NameContains in name]}]


def newest(*names: str) -> tuple[str, ...]:
    return config_history.newest(desk_of(Configs(*names)), NAMES.endpoint("SM-1"))


def described(made: datetime, **weights: float) -> dict[str, Any]:
    variants = [
        {"VariantName": name, "InitialVariantWeight": weight, "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
        for name, weight in weights.items()
    ]
    return {"EndpointConfigName": "contender-SM-1-0123456789", "CreationTime": made, "ProductionVariants": variants}


def decisions() -> list[Entry]:
    """Of a dimension from its first version to a challenger, the newest first."""
    dimension = Dimension(a_spec(), now=NOON)
    dimension.ticks(2)
    dimension.versions = [1, 2]
    dimension.ticks(3)
    return dimension.entries[::-1]


def test_only_the_endpoints_own_configs_are_shown() -> None:
    others = [NAMES.config(name, ["x"]) for name in ("SM-10", "SM-1-v2", "another-SM-1")]
    own = NAMES.config("SM-1", ["x"])
    assert newest(*others, own, "contender-SM-1-by-hand") == (own,)


def test_no_more_than_a_few_of_the_newest_are_shown() -> None:
    own = [NAMES.config("SM-1", [str(number)]) for number in range(SHOWN + 3)]
    assert newest(*own) == tuple(own[:SHOWN])


def test_shares_are_weights_of_all_of_them() -> None:
    config = config_history.config(described(NOON, v1=3.0, v2=1.0), [])
    assert [(each.variant, each.share, each.instance_count) for each in config.variants] == [
        ("v1", 0.75, 2),
        ("v2", 0.25, 2),
    ]
    assert (config.capture_percent, config.decided) == (0, ())


def test_a_config_is_told_with_the_last_decision_before_it() -> None:
    entries = decisions()
    first, last = entries[-1], entries[0]
    told = config_history.config(described(last.at + timedelta(seconds=1), v1=1.0), entries)
    assert told.decided == tuple(event.sentence for event in last.decision.events)
    told = config_history.config(described(first.at, v1=1.0), entries)
    assert told.decided == tuple(event.sentence for event in first.decision.events)
    assert config_history.config(described(first.at - timedelta(days=1), v1=1.0), entries).decided == ()
