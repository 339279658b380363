"""`--stage`: which of contender.yaml's stages a command is about, and that stage's view of the versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from contender.aws import Connect
from contender.config import Settings
from contender.stage_settings import versions_of
from contender.stages import StageVersions


def stage_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--stage`: which of contender.yaml's stages; the last one, where a project has several, is the default."""
    return click.option("--stage", help="A stage of contender.yaml; the last one unless given.")(command)


def stage_versions(settings: Settings, connect: Connect, stage: str | None) -> StageVersions:
    """The versions as the stage of this name in the file has them; NotFoundError if there is none."""
    return versions_of(
        settings,
        lambda service: connect(service, settings.region),
        settings.stage_key(stage),
        lambda: datetime.now(UTC),
    )
