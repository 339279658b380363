"""`contender models`: the versions of every dimension, their roles and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import click

from contender import evaluation, registry
from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import load
from contender.errors import DeploymentError, NotFoundError
from contender.naming import Names
from contender.registry import Status, Version

THREADS = 8
COLUMNS = ("dimension", "version", "role", "status", "approval", "auc", "registered", "reason")


@click.group()
def command() -> None:
    """The registry: every version of every dimension's model."""


@command.command("list", short_help="List versions, newest first.")
@click.option("--dimension", help="Only this dimension's versions.")
@json_option
@click.pass_obj
def list_models(obj: Connect | None, dimension: str | None, as_json: bool) -> None:
    """List versions, newest first, with their role and how far they got."""
    settings, connect = load(), obj or client
    names = Names(settings.project)
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    dimensions = [dimension] if dimension else _dimensions(sagemaker, names)
    versions = [
        (name, version)
        for name in dimensions
        for version in reversed(registry.list_versions(sagemaker, names.group(name)))
    ]
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
    names = Names(settings.project)
    sagemaker = connect("sagemaker", settings.region)
    versions = registry.list_versions(sagemaker, names.group(dimension))
    chosen = _choose(dimension, versions, version)
    package = sagemaker.describe_model_package(ModelPackageName=chosen.arn)
    report = evaluation.read(connect("s3", settings.region), package)
    metadata = package.get("CustomerMetadataProperties", {})
    details = {
        **summary(dimension, chosen),
        "arn": chosen.arn,
        "artifact": registry.model_data_uri(package),
        "image": package["InferenceSpecification"]["Containers"][0].get("Image"),
    }
    if as_json:
        emit({**details, "metadata": metadata, "evaluation": report})
        return
    lines = {**details, **metadata, **_findings(report)}
    emit_rows([{"field": key, "value": value} for key, value in lines.items()], ("field", "value"), as_json=False)


@command.command(short_help="Approve a version: it is rolled out.")
@click.argument("dimension")
@click.argument("version", type=click.IntRange(min=1), required=False)
@dry_run_option
@json_option
@click.pass_obj
def approve(obj: Connect | None, dimension: str, version: int | None, dry_run: bool, as_json: bool) -> None:
    """Approve VERSION, or the newest that waits for it: the registry's event then rolls it out."""
    settings, connect = load(), obj or client
    names = Names(settings.project)
    sagemaker = connect("sagemaker", settings.region)
    chosen = _waiting(dimension, registry.list_versions(sagemaker, names.group(dimension)), version)
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


def _findings(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report's findings as fields: each metric, and each rule of the gate."""
    rules = {f"gate {name}": finding for name, finding in evaluation.rules(report).items()}
    return {**evaluation.metrics(report), **rules}
