"""`contender models compare` and `record`: what went into versions and what came of them, beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import click

from contender import registry
from contender.aws import Connect, client
from contender.cli.output import emit, emit_rows, json_option, note
from contender.cli.stages import stage_versions
from contender.config import load
from contender.errors import NotFoundError
from contender.executions.listing import find as find_execution
from contender.naming import Names
from contender.registry import Role, Status, Version
from contender.trials import lookup
from contender.trials.comparison import Row, rows
from contender.trials.gathering import Gathering
from contender.trials.lookup import Compared
from contender.trials.record import component_name
from contender.trials.recorder import Recorder

THREADS = 8
SIDE_BY_SIDE = 3
"""Columns where no version is named, and the most of refused challengers: as many as 80 characters hold."""
BEST = "*"


@click.command("compare", short_help="Compare versions: parameters, metrics, verdicts.")
@click.argument("dimension")
@click.argument("versions", metavar="[VERSION]...", type=click.IntRange(min=1), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Also parameters that are the same, and every figure.")
@click.option("--refused", is_flag=True, help="Also the latest challengers that the gate refused.")
@json_option
@click.pass_obj
def compare(
    obj: Connect | None,
    dimension: str,
    versions: tuple[int, ...],
    everything: bool,
    refused: bool,
    as_json: bool,
) -> None:
    """Compare versions of a dimension: what they were made of, where they differ, and what was measured.

    Without VERSION the champion, the challengers in service, and the newest ones. A * marks the best figure.
    """
    settings, connect = load(), obj or client
    there = stage_versions(settings, connect, None)
    sagemaker, s3, names = there.sagemaker, connect("s3", settings.region), Names(settings.project)
    chosen = _chosen(dimension, there.of(dimension), versions)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda version: lookup.of_version(sagemaker, s3, names, version), chosen))
    found += lookup.refusals(sagemaker, names, dimension, SIDE_BY_SIDE) if refused else []
    if as_json:
        emit([each.document() for each in found])
        return
    columns = [each.column() for each in found]
    heads = [column.head for column in columns]
    listed = list(rows(columns, everything=everything))
    shown = [dict(zip(["", *heads], [row.name, *_cells(row)], strict=True)) for row in listed]
    emit_rows(shown, ["", *heads], as_json=False, title=f"Dimension {dimension}")
    if any(row.best for row in listed):
        note(f"{BEST} the best of these")
    _explain(found)


@click.command("record", short_help="Record an execution again, whose event was lost.")
@click.argument("word", metavar="[DIMENSION|EXECUTION]", required=False)
@json_option
@click.pass_obj
def record(obj: Connect | None, word: str | None, as_json: bool) -> None:
    """Record what came of an execution, as happens by itself when it ends. A dimension means its latest execution."""
    settings, connect = load(), obj or client
    sagemaker, names = connect("sagemaker", settings.region), Names(settings.project)
    arn = find_execution(sagemaker, names.training_pipelines, word)
    written = Recorder(Gathering(sagemaker, connect("s3", settings.region), names)).write(arn)
    if written is None:
        raise NotFoundError(f"{arn} runs: what comes of it is recorded when it ends")
    row = {
        "component": component_name(names, arn),
        "dimension": written.dimension,
        "outcome": written.outcome.value,
        "version": written.version,
        "reason": written.reason,
    }
    emit_rows([row], tuple(row), as_json=as_json)


def _chosen(dimension: str, versions: Sequence[Version], numbers: Sequence[int]) -> list[Version]:
    if not versions:
        raise NotFoundError(f"dimension {dimension!r} has no versions yet: `contender data upload` trains the first")
    known = {version.number: version for version in versions}
    if missing := [number for number in numbers if number not in known]:
        listed = ", ".join(map(str, known))
        raise NotFoundError(f"dimension {dimension!r} has no version {missing[0]}: it has {listed}")
    if numbers:
        return [known[number] for number in dict.fromkeys(numbers)]
    champion, newest = registry.champion(versions), list(reversed(versions))
    serving = [each for each in newest if each.role is Role.CHALLENGER and each.status is Status.IN_SERVICE]
    ranked = dict.fromkeys([*([champion] if champion else []), *serving, *newest])
    return list(ranked)[:SIDE_BY_SIDE]


def _explain(found: Sequence[Compared]) -> None:
    for each in found:
        if not each.recorded and each.version is not None:
            execution = each.record.execution.rpartition("/")[2]
            again = (
                f"`contender models record {execution}` does so" if execution else "nothing tells by which execution"
            )
            note(f"v{each.version.number} was registered without a record of its parameters: {again}")
        if each.version is None and each.record.reason:
            note(f"{each.record.execution.rpartition('/')[2]}: {each.record.reason}")
    if len({(each.record.data, each.record.origin.get("dataVersion")) for each in found}) > 1:
        note("each was measured on the held-out rows of its own upload, and its champion on the same rows")


def _cells(row: Row) -> list[str | None]:
    return [f"{_cell(value)} {BEST}" if index in row.best else _cell(value) for index, value in enumerate(row.values)]


def _cell(value: Any) -> str | None:
    """None is a dash."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.4g}" if isinstance(value, int | float) else value or None
