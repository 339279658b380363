"""What `contender deploy` does about the settings of rollouts."""

from __future__ import annotations

from typing import Any

import pytest

from contender.config import Settings
from contender.config.specs import specs
from contender.rollout.ledger import Ledger
from contender.rollout_settings import StageChange, publish, tell
from tests.lambdas.fakes import client_error
from tests.lambdas.fakes.tables import FakeTables

TABLE = "contender-rollouts"


class Tables(FakeTables):
    def delete_item(self, *, TableName: str, Key: dict[str, Any]) -> None:
        self._start("delete_item")
        self.tables[TableName].pop(self._key(TableName, Key), None)


@pytest.fixture
def tables() -> Tables:
    return Tables(TABLE)


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


def deployed(tables: Tables) -> Ledger:
    """What a Lambda function sees, which has never written."""
    return Ledger(tables, TABLE)


def test_the_first_deployment_writes_every_stages_settings(tables: Tables) -> None:
    wanted = settings(stages={"dev": {}, "prod": {}})
    changes = publish(deployed(tables), wanted)
    assert changes == (StageChange("dev", "created"), StageChange("prod", "created"))
    assert deployed(tables).specs() == {spec.stage: spec for spec in specs(wanted)}
    assert deployed(tables).spec(specs(wanted)[0].digest) == specs(wanted)[0]


def test_the_same_settings_again_change_nothing(tables: Tables) -> None:
    publish(deployed(tables), settings())
    before = {key: dict(item) for key, item in tables.tables[TABLE].items()}
    [change] = publish(deployed(tables), settings())
    assert (change, tell(change, dry_run=False)) == (StageChange("", "unchanged"), "rollouts: settings unchanged")
    assert tables.tables[TABLE] == before


def test_a_change_is_told_value_by_value(tables: Tables) -> None:
    publish(deployed(tables), settings())
    hooks = {"before": ["contender-hook-check"]}
    other = settings(rollout={"goal": None, "drain_s": 90, "steps": [{"share": 0.2}], "hooks": hooks})
    [change] = publish(deployed(tables), other)
    assert change.action == "updated"
    told = tell(change, dry_run=False)
    assert told.startswith("rollouts: settings changed: ")
    for words in ("drain_s 60 → 90", "steps.0.share 0.1 → 0.2", "steps.1.share 0.25 → none", "goal.alpha 0.05 → none"):
        assert words in told
    assert "hooks.before.0 none → contender-hook-check" in told
    assert "bake_s" not in told
    assert deployed(tables).stage_spec("") == specs(other)[0]


def test_a_dry_run_says_the_same_and_writes_nothing(tables: Tables) -> None:
    [created] = publish(deployed(tables), settings(), dry_run=True)
    assert tell(created, dry_run=True) == "rollouts: settings would be written"
    publish(deployed(tables), settings())
    before = {key: dict(item) for key, item in tables.tables[TABLE].items()}
    [change] = publish(deployed(tables), settings(rollout={"drain_s": 61}), dry_run=True)
    assert tell(change, dry_run=True) == "rollouts: settings would change: drain_s 60 → 61"
    assert tables.tables[TABLE] == before


def test_a_dry_run_before_the_first_deployment_needs_no_table(tables: Tables) -> None:
    def absent(operation: str) -> None:
        raise client_error("Query", "ResourceNotFoundException", "no table")

    tables.before = absent
    assert publish(deployed(tables), settings(), dry_run=True) == (StageChange("", "created"),)


def test_a_stage_that_is_gone_is_looked_after_no_more(tables: Tables) -> None:
    publish(deployed(tables), settings(stages={"dev": {}, "prod": {}}))
    changes = publish(deployed(tables), settings(stages={"prod": {}}))
    assert [(change.stage, change.action) for change in changes] == [("prod", "updated"), ("dev", "removed")]
    assert changes[0].differences == ("follows.stage dev → none", "follows.approval automatic → none")
    assert tell(changes[1], dry_run=False).startswith("rollouts of stage dev are looked after no more")
    assert list(deployed(tables).specs()) == [""]


def test_what_was_decided_by_settings_that_are_gone_can_be_decided_again(tables: Tables) -> None:
    old = settings(stages={"dev": {}, "prod": {}})
    publish(deployed(tables), old)
    publish(deployed(tables), settings())
    assert deployed(tables).spec(specs(old)[0].digest).stage == "dev"
