"""`contender monitoring`: what is compared of what serves, what that found, and the truth that came later."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import Settings, load
from contender.errors import DeploymentError
from contender.naming import Names, checked_dimension
from contender.stack import stack_outputs
from contender.watching import truth as truths
from contender.watching.executions import Executions, Found

COLUMNS = ("dimension", "kind", "status", "at", "violations")


@click.group()
def command() -> None:
    """Monitoring of what serves: schedules, executions, truth."""


@command.command(short_help="Show what every schedule found last.")
@json_option
@click.pass_obj
def status(obj: Connect | None, as_json: bool) -> None:
    """Show the latest execution of every schedule, and in words what it found."""
    settings, connect = load(), obj or client
    found = list(_executions(settings, connect).latest())
    if as_json:
        emit([asdict(each) for each in found])
    else:
        emit_rows([_row(each) for each in found], COLUMNS, as_json=False)
        for each in found:
            _tell(each)
    if reason := settings.monitoring_rests:
        note(reason)
    elif not found:
        note("nothing is compared yet: schedules begin when a dimension serves and captures")


@command.command(short_help="Compare now, and wait for what is found.")
@click.argument("dimension")
@click.option(
    "--kind", type=click.Choice(["data", "quality"]), default="data", show_default=True, help="What is compared."
)
@click.option("--hours", type=click.IntRange(1, 24), default=1, show_default=True, help="How far back.")
@click.option("--timeout", "timeout_s", type=float, default=3600, show_default=True, help="Seconds to wait at most.")
@json_option
@click.pass_obj
def run(
    obj: Connect | None,
    dimension: str,
    kind: Literal["data", "quality"],
    hours: int,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Compare what DIMENSION was asked in the last hours now, and wait; people are told as of any execution."""
    settings, connect = load(), obj or client
    found = _executions(settings, connect).run(checked_dimension(dimension), kind, hours, time.sleep, timeout_s)
    if as_json:
        emit(asdict(found))
    else:
        emit_rows([_row(found)], COLUMNS, as_json=False)
        _tell(found)
    if found.status in ("Failed", "Stopped"):
        raise DeploymentError(f"the execution {found.schedule} is {found.status}: {found.reason or 'without a reason'}")


@command.command(short_help="Upload what became of predictions.")
@click.argument("dimension")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
@json_option
@click.pass_obj
def truth(obj: Connect | None, dimension: str, file: Path, dry_run: bool, as_json: bool) -> None:
    """Upload what became of DIMENSION's predictions: a CSV FILE with the columns inference_id and the label."""
    settings, connect = load(), obj or client
    names = Names(settings.project)
    endpoint = names.endpoint(checked_dimension(dimension))
    rows = list(truths.read(file, settings.data.label, settings.data.positive))
    outputs = stack_outputs(connect("cloudformation", settings.region), names.stack("core"))
    body = truths.lines(rows)
    uri = truths.uri(outputs["ArtifactBucket"], endpoint, body, datetime.now(UTC))
    if not dry_run:
        truths.put(connect("s3", settings.region), uri, body)
    emit_rows([{"dimension": dimension, "rows": len(rows), "uri": uri}], ("dimension", "rows", "uri"), as_json=as_json)
    if not settings.monitoring.model_quality:
        note("nothing compares it yet: set monitoring.model_quality to true and deploy")


def _executions(settings: Settings, connect: Connect) -> Executions:
    region = settings.region
    return Executions(connect("sagemaker", region), connect("s3", region), Names(settings.project))


def _row(found: Found) -> dict[str, object]:
    return {**asdict(found), "status": found.status or "none yet", "violations": len(found.sentences)}


def _tell(found: Found) -> None:
    for sentence in found.sentences:
        click.echo(f"{found.dimension} {found.kind}: {sentence}")
    if found.reason:
        note(f"{found.dimension} {found.kind}: {found.reason}")
