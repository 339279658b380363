"""`contender models`: the versions of every dimension, their roles and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from contender import evaluation, registry
from contender.approval import named
from contender.aws import Connect, client
from contender.cli.approvals import approve, reject, summary
from contender.cli.output import emit, emit_rows, json_option
from contender.cli.records import compare, record
from contender.cli.stages import stage_option, stage_versions
from contender.config import Settings, load
from contender.errors import NotFoundError
from contender.naming import Names
from contender.registry import Version

THREADS = 8
COLUMNS = ("dimension", "version", "role", "status", "approval", "auc", "registered", "reason")


@click.group()
def command() -> None:
    """The registry: every version of every dimension's model."""


for each in (compare, record, approve, reject):
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


def _dimensions(sagemaker: Any, names: Names) -> list[str]:
    found = (names.dimension_of_group(group) for group in registry.list_groups(sagemaker, f"{names.project}-"))
    return sorted(dimension for dimension in found if dimension is not None)


def _metrics(sagemaker: Any, s3: Any, version: Version) -> dict[str, float]:
    package = sagemaker.describe_model_package(ModelPackageName=version.arn)
    return evaluation.metrics(evaluation.read(s3, package))


def _choose(dimension: str, versions: tuple[Version, ...], number: int | None) -> Version:
    if number is None and versions:
        return registry.champion(versions) or versions[-1]
    return named(dimension, versions, number or 0)


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
