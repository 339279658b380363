"""`contender models`: the versions of every dimension, their roles and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import click
from botocore.exceptions import ClientError

from contender import evaluation, registry
from contender.aws import Connect, caller, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.cli.records import compare, record
from contender.cli.stages import stage_option, stage_versions
from contender.config import Settings, load
from contender.errors import ContenderError, DeploymentError, NotFoundError
from contender.naming import Names
from contender.registry import Role, Status, Version
from contender.tick_call import ring

THREADS = 8
COLUMNS = ("dimension", "version", "role", "status", "approval", "auc", "registered", "reason")


@click.group()
def command() -> None:
    """The registry: every version of every dimension's model."""


for each in (compare, record):
    command.add_command(each)


@command.command("list", short_help="List versions, newest first.")
@click.option("--dimension", help="Only this dimension's versions.")
@stage_option
@json_option
@click.pass_obj
def list_models(obj: Connect | None, dimension: str | None, stage: str | None, as_json: bool) -> None:
    """List versions, newest first, with their role and how far they got in a stage."""
    settings, connect = load(), obj or client
    there = stage_versions(settings, connect, stage)
    sagemaker, s3 = there.sagemaker, connect("s3", settings.region)
    dimensions = [dimension] if dimension else _dimensions(sagemaker, there.names)
    versions = [(name, version) for name in dimensions for version in reversed(there.of(name))]
    if dimension and not versions:
        raise NotFoundError(f"dimension {dimension!r} has no versions yet: `contender data upload` trains the first")
    with ThreadPoolExecutor(THREADS) as pool:
        measured = pool.map(lambda found: _metrics(sagemaker, s3, found[1]), versions)
        rows = [
            {**summary(name, version), **metrics} for (name, version), metrics in zip(versions, measured, strict=True)
        ]
    emit_rows(rows, COLUMNS, as_json=as_json)


@command.command(short_help="Show one version.")
@click.argument("dimension")
@click.argument("version", type=click.IntRange(min=1), required=False)
@json_option
@click.pass_obj
def show(obj: Connect | None, dimension: str, version: int | None, as_json: bool) -> None:
    """Show one version: the champion unless VERSION is given, or the newest where nothing serves yet."""
    settings, connect = load(), obj or client
    last = stage_versions(settings, connect, None)
    sagemaker, versions = last.sagemaker, last.of(dimension)
    chosen = _choose(dimension, versions, version)
    package = sagemaker.describe_model_package(ModelPackageName=chosen.arn)
    report = evaluation.read(connect("s3", settings.region), package)
    metadata = package.get("CustomerMetadataProperties", {})
    details = {
        **summary(dimension, chosen),
        "arn": chosen.arn,
        "artifact": registry.model_data_uri(package),
        "image": package["InferenceSpecification"]["Containers"][0].get("Image"),
        **_in_other_stages(settings, connect, dimension, chosen.number),
    }
    if as_json:
        emit({**details, "metadata": metadata, "evaluation": report})
        return
    lines = {**details, **metadata, **_findings(report)}
    emit_rows([{"field": key, "value": value} for key, value in lines.items()], ("field", "value"), as_json=False)


@command.command(short_help="Approve a version: it is rolled out.")
@click.argument("dimension")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option("--stage", help="Let it go on from this stage to the next; without it, into the first one.")
@dry_run_option
@json_option
@click.pass_obj
def approve(
    obj: Connect | None, dimension: str, version: int | None, stage: str | None, dry_run: bool, as_json: bool
) -> None:
    """Approve VERSION, or the newest that waits for it: the registry's event then rolls it out.

    With --stage it is the stage's approval, by which a version goes on to the next one: of the stage's champion unless
    VERSION is given.
    """
    settings, connect = load(), obj or client
    if stage is not None:
        row = _let_on(settings, connect, dimension, version, stage, dry_run=dry_run)
        emit_rows([row], ("dimension", "version", "role", "status", "approval", "goes_to"), as_json=as_json)
        return
    sagemaker = connect("sagemaker", settings.region)
    chosen = _waiting(dimension, registry.list_versions(sagemaker, Names(settings.project).group(dimension)), version)
    if chosen.approval == registry.APPROVED:
        note(f"version {chosen.number} of dimension {dimension!r} is approved already")
    elif not dry_run:
        registry.approve(sagemaker, chosen.arn)
        chosen = replace(chosen, approval=registry.APPROVED)
        note(f"its roll-out starts by itself: `contender models list --dimension {dimension}` tells how far it got")
    emit_rows([summary(dimension, chosen)], ("dimension", "version", "role", "status", "approval"), as_json=as_json)


def summary(dimension: str, version: Version) -> dict[str, Any]:
    """A version as a row."""
    return {
        "dimension": dimension,
        "version": version.number,
        "role": version.role.value,
        "status": version.status.value,
        "approval": version.approval,
        "registered": version.created_at,
        "reason": version.reason,
    }


def _dimensions(sagemaker: Any, names: Names) -> list[str]:
    found = (names.dimension_of_group(group) for group in registry.list_groups(sagemaker, f"{names.project}-"))
    return sorted(dimension for dimension in found if dimension is not None)


def _metrics(sagemaker: Any, s3: Any, version: Version) -> dict[str, float]:
    package = sagemaker.describe_model_package(ModelPackageName=version.arn)
    return evaluation.metrics(evaluation.read(s3, package))


def _choose(dimension: str, versions: tuple[Version, ...], number: int | None) -> Version:
    if not versions:
        raise NotFoundError(f"dimension {dimension!r} has no versions yet: `contender data upload` trains the first")
    if number is None:
        return registry.champion(versions) or versions[-1]
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions)
    raise NotFoundError(f"dimension {dimension!r} has no version {number}: it has {known}")


def _waiting(dimension: str, versions: tuple[Version, ...], number: int | None) -> Version:
    """The version to approve. NotFoundError where none waits, DeploymentError for one whose roll-out is over."""
    if number is None and versions:
        waiting = [each for each in versions if each.status is Status.PENDING and each.approval == registry.WAITS]
        if not waiting:
            newest = versions[-1]
            state = newest.approval if newest.status is Status.PENDING else newest.status
            raise NotFoundError(
                f"dimension {dimension!r} has no version that waits for approval: version {newest.number} is {state}"
            )
        return waiting[-1]
    chosen = _choose(dimension, versions, number)
    if chosen.status in (Status.FAILED, Status.REMOVED):
        raise DeploymentError(
            f"version {chosen.number} of dimension {dimension!r} cannot be rolled out: it is {chosen.status}"
            f" ({chosen.reason}); upload again to train another one"
        )
    return chosen


def _let_on(
    settings: Settings, connect: Connect, dimension: str, number: int | None, stage: str, *, dry_run: bool
) -> dict[str, Any]:
    """Approve a version in a stage, and let the next one look at once; the row to show."""
    here = stage_versions(settings, connect, stage)
    order = [name for name, _ in settings.stages_in_order]
    if stage == order[-1]:
        raise DeploymentError(
            f"stage {stage!r} is the last one, nothing follows it: a challenger that has won there "
            f"is promoted by `contender rollout approve {dimension}`"
        )
    following = order[order.index(stage) + 1]
    chosen = _to_go_on(dimension, stage, here.of(dimension), number)
    if chosen.number in here.approved(dimension):
        note(f"version {chosen.number} of dimension {dimension!r} is approved in stage {stage!r} already")
    elif not dry_run:
        here.approve(dimension, chosen.number, caller(connect("sts", settings.region)))
        _wake(settings, connect, dimension, following)
    return {**summary(dimension, replace(chosen, approval=registry.APPROVED)), "goes_to": following}


def _to_go_on(dimension: str, stage: str, versions: tuple[Version, ...], number: int | None) -> Version:
    """The version to approve in a stage; one that failed or was rolled back there goes nowhere."""
    if number is None:
        champion = registry.champion(versions)
        if champion is None:
            raise NotFoundError(f"dimension {dimension!r} has no champion in stage {stage!r} yet: name the version")
        return champion
    chosen = _choose(dimension, versions, number)
    if chosen.status is Status.FAILED or chosen.role is Role.RETIRED or chosen.approval == "Rejected":
        state = "rejected" if chosen.approval == "Rejected" else chosen.reason or chosen.status
        raise DeploymentError(f"version {number} of dimension {dimension!r} cannot go on from stage {stage!r}: {state}")
    return chosen


def _wake(settings: Settings, connect: Connect, dimension: str, stage: str) -> None:
    """Let the next stage look now. Its schedule does so too, so whoever may not ask for it only waits."""
    request = {"Dimension": dimension, "Stage": settings.stage_key(stage)}
    try:
        ring(connect("lambda", settings.region), Names(settings.project), request)
    except (ContenderError, ClientError) as error:
        note(f"stage {stage!r} takes it with its next look, within a minute ({error})")
    else:
        note(f"`contender models list --dimension {dimension} --stage {stage}` tells how far it gets")


def _in_other_stages(settings: Settings, connect: Connect, dimension: str, number: int) -> dict[str, str]:
    """A version's role and status in each stage before the last."""
    found = {}
    for name in [name for name, _ in settings.stages_in_order][:-1]:
        version = next(each for each in stage_versions(settings, connect, name).of(dimension) if each.number == number)
        found[f"in stage {name}"] = f"{version.role}, {version.status}{': ' * bool(version.reason)}{version.reason}"
    return found


def _findings(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report's findings as fields: each metric, and each rule of the gate."""
    rules = {f"gate {name}": finding for name, finding in evaluation.rules(report).items()}
    return {**evaluation.metrics(report), **rules}
