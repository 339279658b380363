"""`contender models approve` and `reject`: whether a version may be rolled out, or go on to the next stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
from botocore.exceptions import ClientError

from contender import registry
from contender.approval import to_approve, to_go_on, to_reject, wake
from contender.aws import Connect, caller, client
from contender.cli.output import dry_run_option, emit_rows, json_option, note
from contender.cli.stages import stage_versions
from contender.config import Settings, load
from contender.errors import ContenderError
from contender.naming import Names
from contender.registry import Version

COLUMNS = ("dimension", "version", "role", "status", "approval")


@click.command("approve", short_help="Approve a version: it is rolled out.")
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
        emit_rows([row], (*COLUMNS, "goes_to"), as_json=as_json)
        return
    sagemaker = connect("sagemaker", settings.region)
    chosen = to_approve(dimension, registry.list_versions(sagemaker, Names(settings.project).group(dimension)), version)
    if chosen.approval == registry.APPROVED:
        note(f"version {chosen.number} of dimension {dimension!r} is approved already")
    elif not dry_run:
        registry.approve(sagemaker, chosen.arn)
        chosen = replace(chosen, approval=registry.APPROVED)
        note(f"its rollout starts by itself: `contender models list --dimension {dimension}` tells how far it got")
    emit_rows([summary(dimension, chosen)], COLUMNS, as_json=as_json)


@click.command("reject", short_help="Reject a version: it is not rolled out.")
@click.argument("dimension")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option("--reason", default="", help="Why, for whoever reads the registry.")
@dry_run_option
@json_option
@click.pass_obj
def reject(obj: Connect | None, dimension: str, version: int | None, reason: str, dry_run: bool, as_json: bool) -> None:
    """Reject VERSION, or the newest that waits for approval: it comes into no stage, until somebody approves it."""
    settings, connect = load(), obj or client
    sagemaker = connect("sagemaker", settings.region)
    chosen = to_reject(dimension, registry.list_versions(sagemaker, Names(settings.project).group(dimension)), version)
    if chosen.rejected:
        note(f"version {chosen.number} of dimension {dimension!r} is rejected already")
    elif not dry_run:
        registry.reject(sagemaker, chosen.arn, reason)
        chosen = replace(chosen, approval=registry.REJECTED)
    emit_rows([summary(dimension, chosen)], COLUMNS, as_json=as_json)


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


def _let_on(
    settings: Settings, connect: Connect, dimension: str, number: int | None, stage: str, *, dry_run: bool
) -> dict[str, Any]:
    """Approve a version in a stage, and let the next one look at once; the row to show."""
    here = stage_versions(settings, connect, stage)
    chosen, goes_to = to_go_on(settings, dimension, stage, here.of(dimension), number)
    if chosen.number in here.approved(dimension):
        note(f"version {chosen.number} of dimension {dimension!r} is approved in stage {stage!r} already")
    elif not dry_run:
        here.approve(dimension, chosen.number, caller(connect("sts", settings.region)))
        try:
            wake(connect("lambda", settings.region), settings, dimension, goes_to)
        except (ContenderError, ClientError) as error:
            note(f"stage {goes_to!r} takes it with its next look, within a minute ({error})")
        else:
            note(f"`contender models list --dimension {dimension} --stage {goes_to}` tells how far it gets")
    return {**summary(dimension, replace(chosen, approval=registry.APPROVED)), "goes_to": goes_to}
