"""The versions of a dimension's model: how far each has come in each stage, and what was measured of it.

ListModelPackages               every version with its role, 100 a call
a query of each earlier stage   its role there
DescribeModelPackage, GetObject what was measured, of the versions that are shown; kept, for it never changes
Search, of trial components     challengers that the gate refused, which are no versions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from contender import evaluation, registry
from contender.approval import named
from contender.errors import NotFoundError
from contender.executions.listing import address_of
from contender.registry import APPROVED, WAITS, Role, Status, Version
from contender.stage_settings import following, versions_of
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.kept import LARGE
from contender.trials import lookup
from contender.trials.lookup import Compared
from contender.trials.record import Record

ROWS = 10
MOST_REFUSED = 10
LIST_S, REFUSED_S, COMPARED_S, PACKAGE_S = 1.0, 10.0, 60.0, 3600.0
SERVES = (Status.IN_SERVICE, Status.DEPLOYING)


@dataclass(frozen=True, slots=True)
class Standing:
    """A version in one stage; `goes_to` is the stage that a person may let it go on to from there."""

    stage: str
    version: Version
    let_on: bool = False
    goes_to: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A version as the registry has it, and in every stage, the first one first."""

    version: Version
    standings: tuple[Standing, ...]

    @property
    def number(self) -> int:
        return self.version.number

    @property
    def may_approve(self) -> bool:
        return self.version.status is Status.PENDING and self.version.approval != APPROVED

    @property
    def may_reject(self) -> bool:
        return self.version.status is Status.PENDING and not self.version.rejected

    @property
    def waits(self) -> bool:
        return self.version.status is Status.PENDING and self.version.approval == WAITS

    @property
    def moves(self) -> bool:
        """Whether it is about to change by itself."""
        return any(each.version.status is Status.DEPLOYING or each.version.deployable for each in self.standings)

    @property
    def may_go_on(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.standings if each.goes_to and not each.let_on)


@dataclass(frozen=True, slots=True)
class Measured:
    """A version's described package and its evaluation report, which is empty where there is none.

    `gaps`: what could not be read, and why.
    """

    package: Mapping[str, Any]
    report: Mapping[str, Any]
    gaps: Mapping[str, str]

    @property
    def metrics(self) -> dict[str, float]:
        return evaluation.metrics(self.report)

    @property
    def metadata(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.package.get("CustomerMetadataProperties", {})
        return found

    @property
    def gate(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.report.get("gate", {})
        return found

    @property
    def execution(self) -> tuple[str, str] | None:
        """Pipeline and id of the execution that registered it, for its address."""
        return address_of(self.metadata.get("executionArn", ""))


def models(desk: Desk, dimension: str) -> tuple[Model, ...]:
    """All of a dimension's versions, the newest first; none where there is no such dimension."""
    return desk.kept.get(("models", dimension), LIST_S, lambda: _models(desk, dimension))


def model(desk: Desk, dimension: str, number: int) -> Model:
    """NotFoundError with the versions that there are."""
    found = models(desk, dimension)
    named(dimension, [each.version for each in reversed(found)], number)
    return next(each for each in found if each.number == number)


def measured(desk: Desk, chosen: Sequence[Model]) -> dict[int, Measured]:
    """What was measured of each, by number; read at the same time."""
    waiting = {each.number: desk.later(partial(_measured, desk, each.version)) for each in chosen}
    return {number: each.result() for number, each in waiting.items()}


def compared(desk: Desk, one: Model, found: Measured) -> Compared:
    """What is known of a version for laying it beside others: what it was given, and what was measured of it."""
    version, package = one.version, found.package
    return desk.kept.get(
        ("compared", version),
        COMPARED_S,
        lambda: lookup.of_package(desk.client("sagemaker"), desk.client("s3"), desk.names, version, package),
    )


def refused(desk: Desk, dimension: str) -> tuple[Record, ...]:
    """The latest challengers that the gate refused, the newest first."""

    def read() -> tuple[Record, ...]:
        found = lookup.refusals(desk.client("sagemaker"), desk.names, dimension, MOST_REFUSED)
        return tuple(each.record for each in found)

    return desk.kept.get(("refused", dimension), REFUSED_S, read)


def _models(desk: Desk, dimension: str) -> tuple[Model, ...]:
    settings, names = desk.settings, desk.names
    known = registry.list_versions(desk.client("sagemaker"), names.group(dimension))
    by_stage = [(name, _in_stage(desk, dimension, known, name)) for name, _ in settings.stages_in_order if known]
    return tuple(
        Model(version, tuple(standings[version.number] for _, standings in by_stage)) for version in reversed(known)
    )


def _in_stage(desk: Desk, dimension: str, known: tuple[Version, ...], name: str) -> dict[int, Standing]:
    settings = desk.settings
    here = versions_of(settings, desk.client, settings.stage_key(name or None), desk.clock)
    goes_to = following(settings, name) or ""
    let_on = here.approved(dimension) if goes_to else frozenset()
    return {
        version.number: Standing(name, version, version.number in let_on, goes_to if _may_go_on(version) else "")
        for version in here.seen(dimension, known)
    }


def _may_go_on(version: Version) -> bool:
    return version.status in SERVES and version.role is not Role.RETIRED and not version.rejected


def _measured(desk: Desk, version: Version) -> Measured:
    # Its approval, and why, are all that changes of a package; the life cycle is told by the list.
    package = desk.kept.get(("package", version.arn, version.approval), PACKAGE_S, _describing(desk, version.arn))
    gaps = Gaps()
    report = gaps.fill(
        f"The evaluation report of v{version.number}",
        {},
        lambda: desk.kept.get(
            ("report", version.arn), PACKAGE_S, lambda: evaluation.read(desk.client("s3"), package), LARGE
        ),
    )
    return Measured(package, report, gaps.sentences)


def _describing(desk: Desk, arn: str) -> Callable[[], Mapping[str, Any]]:
    def read() -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = desk.client("sagemaker").describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                raise
            raise NotFoundError(f"version {arn.rpartition('/')[2]} has just been deleted: reload the page") from error
        return found

    return read
