"""`contender pipeline`: the definition this project compiles, the one that is deployed, and how to start it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from contender.aws import Connect, client
from contender.cli.executions import dimension_lock, list_executions, retry, stop, watch
from contender.cli.graph import emit_graph
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.cli.pipeline_versions import history, rollback
from contender.config import Settings, load, load_project
from contender.errors import NotFoundError, SettingsError
from contender.executions import control
from contender.naming import Names
from contender.pipeline.comparison import Comparison, as_json_of, compare_with_deployed, line_diff
from contender.pipeline.compiling import Compiled, compile_project
from contender.pipeline.definitions.graph import Graph
from contender.pipeline.origin import origin, short
from contender.pipeline.targets import Target, batch, targets, training
from contender.pipeline.upserting import deployed_definition, plan_upsert, release
from contender.stack import stack_outputs

PLACEHOLDER_ACCOUNT = "000000000000"
NO_TERMINAL = 10_000
"""Columns of a file or a pipe: nothing is folded that a person will grep."""

batch_option = click.option(
    "--batch", "for_batch", is_flag=True, help="The pipeline that scores files, instead of the one that trains."
)


@click.group()
def command() -> None:
    """The pipeline: what it does, whether it is up to date, and its executions."""


for each in (list_executions, watch, stop, retry, history, rollback):
    command.add_command(each)


@command.command(short_help="Draw the pipeline.")
@click.option("--deployed", is_flag=True, help="The definition SageMaker has, instead of this project's.")
@click.option("--long", is_flag=True, help="Say of each step what it does, too.")
@batch_option
@json_option
@click.pass_obj
def show(obj: Connect | None, deployed: bool, long: bool, for_batch: bool, as_json: bool) -> None:
    """Draw the pipeline: its steps, what each one waits for, and its parameters. With --json its definition.

    Beside each step stand the steps it reads from (←), and those it only waits for (after). Without --deployed this
    compiles and asks nothing of AWS: names hold account 000000000000 (the laptop's).
    """
    settings, connect = load() if deployed else load_project(), obj or client
    target = _target(settings, for_batch)
    if deployed:
        definition = deployed_definition(connect("sagemaker", settings.region), target.name)
        if definition is None:
            raise NotFoundError(f"pipeline {target.name!r} is not deployed: use `contender pipeline upsert`")
        document = json.loads(definition)
    else:
        document = compile_project(settings, placeholder_outputs(settings), target=target).document
    if as_json:
        emit(document)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else NO_TERMINAL
        emit_graph(document, width, long=long)


@command.command(short_help="Say what `upsert` would change, in words.")
@click.option("--lines", is_flag=True, help="The lines of the definitions that differ, instead of sentences.")
@json_option
@click.pass_obj
def diff(obj: Connect | None, lines: bool, as_json: bool) -> None:
    """Say what `upsert` would change, in words, and which steps would run again although their data is unchanged."""
    settings, connect = load_project(), obj or client
    outputs = _outputs(settings, connect)
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    compiled = _compiled(settings, outputs)
    found = _compared(sagemaker, s3, settings, outputs, compiled)
    differing = {}
    if lines:
        differing = {each.name: line_diff(found[each.name].deployed, compiled[each].definition) for each in compiled}
    if as_json:
        more = {name: {"lines": differing[name]} if lines else {} for name in found}
        emit([{"pipeline": name, **as_json_of(each), **more[name]} for name, each in found.items()])
        return
    if lines:
        for line in (line for text in differing.values() for line in text):
            click.secho(line, fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]))
    else:
        for line in _told(found):
            click.echo(line)
    changed = any(each.changed for each in found.values())
    note("`contender pipeline upsert` makes it so" if changed else "what is deployed is this project's")


@command.command(short_help="Compile this project's definitions and check them.")
@json_option
def check(as_json: bool) -> None:
    """Compile this project's definitions and check what SageMaker would only find later; asks nothing of AWS."""
    settings = load_project()
    outputs = placeholder_outputs(settings)
    compiled = _compiled(settings, outputs)
    rows = [
        {
            "pipeline": target.name,
            "steps": len(Graph(each.document).nodes),
            "files": len(each.uploads),
            "characters": len(each.definition),
        }
        for target, each in compiled.items()
    ]
    emit_rows(rows, ("pipeline", "steps", "files", "characters"), as_json=as_json)


@command.command("upsert", short_help="Deploy this project's definitions.")
@dry_run_option
@json_option
@click.pass_obj
def upsert_pipeline(obj: Connect | None, dry_run: bool, as_json: bool) -> None:
    """Deploy this project's definitions and the code of their steps; identical ones change nothing.

    It says what changes, in the words of `contender pipeline diff`. That becomes a new version, with the commit of
    this folder on it: `contender pipeline history` lists them.
    """
    settings, connect = load_project(), obj or client
    outputs = _outputs(settings, connect)
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    source = origin(connect("sts", settings.region), Path.cwd(), os.environ)
    role = outputs["PipelineRoleArn"]
    compiled = _compiled(settings, outputs)  # all of them before the first is written
    if not as_json:
        for line in _told(_compared(sagemaker, s3, settings, outputs, compiled)):
            note(line)
    if dry_run:
        done = {target: plan_upsert(sagemaker, s3, settings, role, each, target) for target, each in compiled.items()}
    else:
        done = release(sagemaker, s3, settings, role, compiled, source)
    rows = [
        {"pipeline": target.name, "digest": each.digest, "commit": source.commit, **asdict(done[target])}
        for target, each in compiled.items()
    ]
    if as_json:
        emit([{**row, "dry_run": dry_run} for row in rows])
        return
    note(f"commit {short(source.commit)}, by {source.by}")
    emit_rows(rows, ("pipeline", "action", "digest"), as_json=False)


@command.command("start", short_help="Start one execution by hand.")
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
    (--set SkipDataQualityCheck=false). A search continues the dimension's previous one (--set PreviousTuningJob=none:
    it does not).
    """
    settings, connect = load(), obj or client
    names = Names(settings.project)
    sagemaker = connect("sagemaker", settings.region)
    lock = dimension_lock(settings, connect)
    options = _options(given)
    request = control.plan_start(sagemaker, connect("s3", settings.region), names, dimension, uri, options)
    arn = None if dry_run else control.start(sagemaker, lock, names, request, datetime.now(UTC))
    row = {"execution": arn, "dimension": dimension, "data": uri, "version": request.version}
    if as_json:
        emit({**row, "options": dict(request.options), "reason": request.reason, "dry_run": dry_run})
    else:
        if request.reason:
            note(request.reason)
        for name, value in request.options.items():
            note(f"{name}: {value}")
        emit_rows([row], ("execution", "dimension", "version"), as_json=False)


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


def _compiled(settings: Settings, outputs: Mapping[str, str]) -> dict[Target, Compiled]:
    return {target: compile_project(settings, outputs, target=target) for target in targets(settings)}


def _compared(
    sagemaker: Any, s3: Any, settings: Settings, outputs: Mapping[str, str], compiled: Mapping[Target, Compiled]
) -> dict[str, Comparison]:
    """By the pipeline's name, what `upsert` changes."""
    role = outputs["PipelineRoleArn"]
    return {
        target.name: compare_with_deployed(sagemaker, s3, settings, role, each, target)
        for target, each in compiled.items()
    }


def _told(found: Mapping[str, Comparison]) -> list[str]:
    """The sentences; what is true of several pipelines once, below their names."""
    whose: dict[str, dict[str, None]] = {}
    for name, comparison in found.items():
        again = "runs again although its data is unchanged"
        for text in (
            *(change.text for change in comparison.changes),
            *(f"step {each.step} {again}: {each.because}" for each in comparison.again),
        ):
            whose.setdefault(text, {})[name] = None
    groups: dict[tuple[str, ...], list[str]] = {}
    for text, names in whose.items():
        groups.setdefault(tuple(names), []).append(text)
    uploads = dict.fromkeys(uri for comparison in found.values() for uri in comparison.uploads)
    lines = []
    for together, texts in groups.items():
        if len(found) > 1:
            lines.append(f"{', '.join(together)}:")
        lines += [f"  {text}" if len(found) > 1 else text for text in texts]
    return lines + [f"uploads {uri}" for uri in uploads]


def _options(given: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair!r} is not of the form Name=value")
        options[name.strip()] = value.strip()
    return options


def _outputs(settings: Settings, connect: Connect) -> dict[str, str]:
    return stack_outputs(connect("cloudformation", settings.region), Names(settings.project).stack("core"))


def _target(settings: Settings, for_batch: bool) -> Target:
    if not for_batch:
        return training(settings)
    if not settings.batch_pipeline:
        raise SettingsError("batch_pipeline is empty: this project scores no files")
    return batch(settings)
