"""The stages of contender.yaml as versions go through them: what each stage has of a dimension's versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from contender.config import Settings
from contender.config.specs import specs
from contender.naming import Names
from contender.stages import StageVersions


def versions_of(
    settings: Settings, client: Callable[[str], Any], key: str, clock: Callable[[], datetime]
) -> StageVersions:
    """The versions as the stage of this key has them; `client` gives the client of a service."""
    follows = next(spec.follows for spec in specs(settings) if spec.stage == key)
    tables = client("dynamodb") if settings.stages else None
    return StageVersions(client("sagemaker"), tables, Names(settings.project, key), follows, clock)


def following(settings: Settings, stage: str) -> str | None:
    """The stage that comes after the one of this name; None after the last one."""
    order = [name for name, _ in settings.stages_in_order]
    return next(iter(order[order.index(stage) + 1 :]), None)
