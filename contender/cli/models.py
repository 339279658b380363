"""`contender models`: the versions of every dimension, their roles and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from contender import evaluation, registry
from contender.aws import Connect, client
from contender.cli.output import emit, emit_rows, json_option
from contender.config import load
from contender.errors import NotFoundError
from contender.naming import Names
from contender.registry import Version

THREADS = 8
COLUMNS = ("dimension", "version", "role", "status", "approval", "auc", "registered", "reason")


@click.group()
def command() -> None:
    """The registry: every version of every dimension's model."""


@command.command("list")
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


@command.command()
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
    found = (names.dimension_of(group) for group in registry.list_groups(sagemaker, f"{names.project}-"))
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


def _findings(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report's findings as fields: each metric, and each rule of the gate."""
    rules = {f"gate {name}": finding for name, finding in evaluation.rules(report).items()}
    return {**evaluation.metrics(report), **rules}
