"""What a person says of a version: that it may be rolled out, that it may not, or that it may go on to the next stage.

Which version is meant, and whether it can be said of it, is decided here; it is written by `registry.approve`,
`registry.reject` and `StageVersions.approve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contender import registry
from contender.config import Settings
from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.registry import Role, Status, Version
from contender.stage_settings import following
from contender.tick_call import ring

OVER = (Status.FAILED, Status.REMOVED)


def named(dimension: str, versions: Sequence[Version], number: int) -> Version:
    """The version of this number. NotFoundError with those that there are."""
    if not versions:
        raise NotFoundError(f"dimension {dimension!r} has no versions yet: `contender data upload` trains the first")
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions)
    raise NotFoundError(f"dimension {dimension!r} has no version {number}: it has {known}")


def to_approve(dimension: str, versions: Sequence[Version], number: int | None) -> Version:
    """The version of this number, or the newest that waits. One whose roll-out is over cannot be rolled out."""
    chosen = _meant(dimension, versions, number)
    if chosen.status in OVER:
        raise DeploymentError(
            f"version {chosen.number} of dimension {dimension!r} cannot be rolled out: it is {chosen.status}"
            f" ({chosen.reason}); upload again to train another one"
        )
    return chosen


def to_reject(dimension: str, versions: Sequence[Version], number: int | None) -> Version:
    """The version of this number, or the newest that waits. One that is rolled out leaves by a rollback instead."""
    chosen = _meant(dimension, versions, number)
    if chosen.status in OVER:
        raise DeploymentError(
            f"version {chosen.number} of dimension {dimension!r} is {chosen.status} ({chosen.reason}): "
            "it does not come back, so there is nothing to reject"
        )
    if chosen.status is not Status.PENDING:
        raise DeploymentError(
            f"version {chosen.number} of dimension {dimension!r} is rolled out already ({chosen.role}, "
            f"{chosen.status}): `contender rollout rollback {dimension} {chosen.number}` takes a challenger back"
        )
    return chosen


def to_go_on(
    settings: Settings, dimension: str, stage: str, versions: Sequence[Version], number: int | None
) -> tuple[Version, str]:
    """The version that goes on from a stage, and to which one; `versions` are the stage's. Its champion is the default.

    One that failed or was rolled back there, or that the registry rejects, goes nowhere.
    """
    goes_to = following(settings, stage)
    if goes_to is None:
        raise DeploymentError(
            f"stage {stage!r} is the last one, nothing follows it: a challenger that has won there "
            f"is promoted by `contender rollout approve {dimension}`"
        )
    if number is None:
        champion = registry.champion(versions)
        if champion is None:
            raise NotFoundError(f"dimension {dimension!r} has no champion in stage {stage!r} yet: name the version")
        return champion, goes_to
    chosen = named(dimension, versions, number)
    if chosen.status is Status.FAILED or chosen.role is Role.RETIRED or chosen.rejected:
        state = "rejected" if chosen.rejected else chosen.reason or chosen.status
        raise DeploymentError(f"version {number} of dimension {dimension!r} cannot go on from stage {stage!r}: {state}")
    return chosen, goes_to


def wake(lambda_: Any, settings: Settings, dimension: str, stage: str) -> None:
    """Let a stage look now; its schedule does so too, within a minute."""
    request = {"Dimension": dimension, "Stage": settings.stage_key(stage)}
    ring(lambda_, Names(settings.project), request)


def _meant(dimension: str, versions: Sequence[Version], number: int | None) -> Version:
    if number is not None or not versions:
        return named(dimension, versions, number or 0)
    waiting = [each for each in versions if each.status is Status.PENDING and each.approval == registry.WAITS]
    if not waiting:
        newest = versions[-1]
        state = newest.approval if newest.status is Status.PENDING else newest.status
        raise NotFoundError(
            f"dimension {dimension!r} has no version that waits for approval: version {newest.number} is {state}"
        )
    return waiting[-1]
