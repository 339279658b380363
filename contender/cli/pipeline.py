"""`contender pipeline`: the definition this project compiles, the one that is deployed, and its executions."""

from __future__ import annotations

import difflib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from contender import executions
from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.config import Settings, load, load_project
from contender.deployment import stack_outputs
from contender.errors import DeploymentError, NotFoundError, SettingsError
from contender.executions import Snapshot, Watcher
from contender.lambdas.dimension_lock import DimensionLock
from contender.naming import Names
from contender.pipeline import Compiled, compile_project, deployed_definition, plan_upsert, upsert

PLACEHOLDER_ACCOUNT = "000000000000"
POLL_S = 0.5
COLUMNS = ("step", "type", "after", "what it does")
COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "red", "Executing": "yellow", "Starting": "yellow"}


@click.group()
def command() -> None:
    """The pipeline: what it does, whether it is up to date, and its executions."""


@command.command()
@click.option("--deployed", is_flag=True, help="The definition SageMaker has, instead of this project's.")
@json_option
@click.pass_obj
def show(obj: Connect | None, deployed: bool, as_json: bool) -> None:
    """Show the pipeline's steps; with --json its definition.

    Without --deployed this compiles and asks nothing of AWS: names hold account 000000000000 (the laptop's).
    """
    settings, connect = load() if deployed else load_project(), obj or client
    if deployed:
        definition = deployed_definition(connect("sagemaker", settings.region), Names(settings.project).pipeline)
        if definition is None:
            raise NotFoundError(f"pipeline {settings.project!r} is not deployed: use `contender pipeline upsert`")
        document = json.loads(definition)
    else:
        document = compile_project(settings, placeholder_outputs(settings)).document
    if as_json:
        emit(document)
    else:
        emit_rows(list(step_rows(document["Steps"])), COLUMNS, as_json=False)


@command.command()
@json_option
@click.pass_obj
def diff(obj: Connect | None, as_json: bool) -> None:
    """Compare this project's definition with the deployed one, line by line."""
    settings, connect = load_project(), obj or client
    compiled = _compile(settings, connect)
    deployed = deployed_definition(connect("sagemaker", settings.region), Names(settings.project).pipeline)
    lines = [] if deployed == compiled.definition else definition_diff(deployed or "{}", compiled.definition)
    if as_json:
        emit({"changed": deployed != compiled.definition, "deployed": deployed is not None, "diff": lines})
        return
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.secho(line, fg=colour)
    note("the deployed pipeline is this one" if not lines else "`contender pipeline upsert` makes it so")


@command.command("upsert")
@dry_run_option
@json_option
@click.pass_obj
def upsert_pipeline(obj: Connect | None, dry_run: bool, as_json: bool) -> None:
    """Deploy this project's definition and the code of its steps; identical ones change nothing."""
    settings, connect = load_project(), obj or client
    outputs = _outputs(settings, connect)
    compiled = compile_project(settings, outputs)
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    act = plan_upsert if dry_run else upsert
    result = act(sagemaker, s3, settings, outputs["PipelineRoleArn"], compiled)
    row = {"pipeline": Names(settings.project).pipeline, "digest": compiled.digest, **asdict(result)}
    if as_json:
        emit({**row, "dry_run": dry_run})
        return
    for uri in result.uploaded:
        note(f"{'would upload' if dry_run else 'uploaded'} {uri}")
    emit_rows([row], ("pipeline", "action", "digest"), as_json=False)


@command.command("start")
@click.option("--dimension", required=True, help="The dimension to train.")
@click.option("--data", "uri", required=True, metavar="S3-URI", help="The uploaded CSV file.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Parameter of the pipeline; repeatable.")
@dry_run_option
@json_option
@click.pass_obj
def start_execution(
    obj: Connect | None, dimension: str, uri: str, given: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Start one execution by hand; an upload starts one by itself.

    A check that has no baseline yet is skipped and registers one, unless --set says otherwise
    (--set SkipDataQualityCheck=false).
    """
    settings, connect = load(), obj or client
    names = Names(settings.project)
    sagemaker = connect("sagemaker", settings.region)
    lock = _lock(settings, connect)
    options = _options(given)
    request = executions.plan_start(sagemaker, connect("s3", settings.region), names, dimension, uri, options)
    arn = None if dry_run else executions.start(sagemaker, lock, names, request, datetime.now(UTC))
    row = {"execution": arn, "dimension": dimension, "data": uri, "version": request.version}
    if as_json:
        emit({**row, "options": dict(request.options), "dry_run": dry_run})
    else:
        for name, value in request.options.items():
            note(f"{name}: {value}")
        emit_rows([row], ("execution", "dimension", "version"), as_json=False)


@command.command("retry")
@click.argument("execution", required=False)
@json_option
@click.pass_obj
def retry_execution(obj: Connect | None, execution: str | None, as_json: bool) -> None:
    """Go on with an execution that failed, was stopped, or was interrupted; what it finished is not done again.

    EXECUTION is an ARN, an id, or a dimension (its latest one); without it, the pipeline's latest.
    """
    settings, connect = load(), obj or client
    sagemaker = connect("sagemaker", settings.region)
    arn = executions.find(sagemaker, Names(settings.project).pipeline, execution)
    executions.retry(sagemaker, _lock(settings, connect), arn, datetime.now(UTC))
    emit_rows([{"execution": arn}], ("execution",), as_json=as_json)


@command.command()
@click.argument("execution", required=False)
@click.option("--timeout", "timeout_s", type=float, default=86_400, show_default=True, help="Seconds to wait at most.")
@json_option
@click.pass_obj
def watch(obj: Connect | None, execution: str | None, timeout_s: float, as_json: bool) -> None:
    """Follow an execution until it ends; exit 1 if it fails.

    EXECUTION is an ARN, an id, or a dimension (its latest one); without it, the pipeline's latest.
    """
    settings, connect = load(), obj or client
    sagemaker = connect("sagemaker", settings.region)
    watcher = Watcher(sagemaker, executions.find(sagemaker, Names(settings.project).pipeline, execution))
    last = _follow(watcher, time.monotonic() + timeout_s)
    if as_json:
        emit(asdict(last))
    elif not sys.stderr.isatty():
        emit_rows([_step_row(last, index) for index in range(len(last.steps))], _STEP_COLUMNS, as_json=False)
    if last.running:
        raise DeploymentError(f"execution {last.name} still runs after {timeout_s:g} s; watch it again")
    if last.status != "Succeeded":
        raise DeploymentError(f"execution {last.name} {last.status.lower()}: {last.reason or 'no reason given'}")


def placeholder_outputs(settings: Settings) -> dict[str, str]:
    """What the stack's outputs are in an account that is not known."""
    names, account, region = Names(settings.project), PLACEHOLDER_ACCOUNT, settings.region

    def function(role: str) -> str:
        return f"arn:aws:lambda:{region}:{account}:function:{names.function(role)}"

    return {
        "ArtifactBucket": names.bucket("artifacts", account, region),
        "PipelineRoleArn": f"arn:aws:iam::{account}:role/{names.project}-pipeline-{region}",
        "ChampionFunctionArn": function("champion"),
        "ModelFunctionArn": function("model"),
        "DeployFunctionArn": function("deploy"),
    }


def step_rows(steps: list[dict[str, Any]], branch: str = "") -> Iterator[dict[str, str]]:
    """A row for each step; those within a condition name it and the branch."""
    before = branch
    for step in steps:
        yield {
            "step": step["Name"],
            "type": step["Type"],
            "after": before,
            "what it does": step.get("Description", ""),
        }
        if step["Type"] == "Condition":
            yield from step_rows(step["Arguments"].get("IfSteps", []), f"{step['Name']}: yes")
            yield from step_rows(step["Arguments"].get("ElseSteps", []), f"{step['Name']}: no")
        before = step["Name"]


def definition_diff(deployed: str, compiled: str) -> list[str]:
    """A unified diff of the two definitions, indented."""
    before, after = (json.dumps(json.loads(text), indent=1).splitlines() for text in (deployed, compiled))
    return list(difflib.unified_diff(before, after, "deployed", "this project", lineterm=""))


def _options(given: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair!r} is not of the form Name=value")
        options[name.strip()] = value.strip()
    return options


def _outputs(settings: Settings, connect: Connect) -> dict[str, str]:
    return stack_outputs(connect("cloudformation", settings.region), Names(settings.project).stack)


def _lock(settings: Settings, connect: Connect) -> DimensionLock:
    region = settings.region
    return DimensionLock(
        connect("dynamodb", region), connect("sagemaker", region), _outputs(settings, connect)["LockTable"]
    )


def _compile(settings: Settings, connect: Connect) -> Compiled:
    return compile_project(settings, _outputs(settings, connect))


def _follow(watcher: Watcher, deadline: float) -> Snapshot:
    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        while True:
            last = watcher.snapshot()
            if live.console.is_terminal:
                live.update(_table(last), refresh=True)
            if not last.running or time.monotonic() > deadline:
                return last
            time.sleep(POLL_S)


_STEP_COLUMNS = ("step", "status", "seconds", "what")


def _table(snapshot: Snapshot) -> Table:
    title = f"{snapshot.name}: {snapshot.status}, {snapshot.done} of {len(snapshot.steps)} steps"
    table = Table(*_STEP_COLUMNS, title=title, title_justify="left")
    for index, step in enumerate(snapshot.steps):
        colour = COLOURS.get(step.status, "dim")
        row = _step_row(snapshot, index)
        table.add_row(*(Text(row[column], style=colour) for column in _STEP_COLUMNS))
    return table


def _step_row(snapshot: Snapshot, index: int) -> Mapping[str, str]:
    step = snapshot.steps[index]
    seconds = ""
    if step.started:
        seconds = f"{((step.ended or datetime.now(UTC)) - step.started).total_seconds():.1f}"
    what = step.reason or (f"{step.title} (reused)" if step.cached else step.title)
    return {"step": step.name, "status": step.status, "seconds": seconds, "what": what}
