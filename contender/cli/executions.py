"""`contender pipeline list`, `watch`, `stop` and `retry`: the executions of the project's pipelines."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click
from botocore.exceptions import ClientError

from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.cli.watching import Screen, as_json_of
from contender.config import Settings, load
from contender.durations import duration
from contender.errors import DeploymentError, NotFoundError
from contender.executions import control
from contender.executions.advice import advice
from contender.executions.dimension_lock import RUNNING, DimensionLock
from contender.executions.listing import LOOKS_BACK, Listed, find, listed, recent, words_for
from contender.executions.snapshot import ANY_FAILURE, Snapshot
from contender.executions.watch import Uploads, Watch
from contender.naming import Names, dimension_of_execution
from contender.stack import stack_outputs

POLL_S = 0.5
COLUMNS = ("dimension", "execution", "status", "started", "took", "version")
LONGEST_REASON = 160
REPORT = re.compile(r" See violation report s3://\S+")
"""Watching has told what is in the report."""
ADVISED = 3
"""Executions whose person is told what to do; with many it is the same for most."""
INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


@click.command("list", short_help="List executions, the latest first.")
@click.argument("dimension", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The latest ones only.")
@json_option
@click.pass_obj
def list_executions(obj: Connect | None, dimension: str | None, limit: int, as_json: bool) -> None:
    """List executions, the latest first: of all dimensions, or of one."""
    settings, connect = load(), obj or client
    sagemaker, names = connect("sagemaker", settings.region), Names(settings.project)
    summaries = (
        summary
        for summary in recent(sagemaker, names.pipelines)
        if dimension in (None, dimension_of_execution(summary))
    )
    found = [listed(sagemaker, summary) for summary in islice(summaries, limit)]
    if as_json:
        emit([asdict(each) for each in found])
        return
    for line in _lines(found, shutil.get_terminal_size().columns if sys.stdout.isatty() else None):
        click.echo(line)
    if not found:
        note("there is no execution" + (f" of dimension {dimension!r}" if dimension else " yet"))


@click.command()
@click.argument("words", metavar="[DIMENSION|EXECUTION]...", nargs=-1)
@click.option("--timeout", "timeout_s", type=float, default=86_400, show_default=True, help="Seconds to wait at most.")
@click.option("--log-lines", type=click.IntRange(0), default=15, show_default=True, help="Of a step that fails.")
@json_option
@click.pass_obj
def watch(obj: Connect | None, words: tuple[str, ...], timeout_s: float, log_lines: int, as_json: bool) -> None:
    """Follow executions until they end; exit 1 if one fails.

    A dimension means what runs of it and what its uploads are about to start; where there is neither, its latest
    execution. Without a word: the same of all dimensions, and what began in the last half minute. An ARN or an id means
    that execution. Ctrl-C leaves executions running.
    """
    settings, connect = load(), obj or client
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    names = Names(settings.project)
    uploads = Uploads(s3, _data_bucket(settings, connect), settings.data.prefix)
    following = Watch(sagemaker, names, uploads)
    following.begin(words, datetime.now(UTC))
    for each in following.overdue:
        note(f"{each.uri} was uploaded at {each.at:%H:%M:%S} and has started nothing: see `contender logs starter`")
    screen = Screen(sagemaker, s3, lambda: connect("logs", settings.region), log_lines, to_stderr=as_json)
    try:
        last = _follow(following, screen, time.monotonic() + timeout_s)
    except KeyboardInterrupt:
        again = " ".join(["contender pipeline watch", *words])
        end = f"contender pipeline stop {words[0]}" if len(words) == 1 else "contender pipeline stop"
        note(f"no longer watching; what runs goes on, see it with `{again}`, end it with `{end}`")
        raise click.exceptions.Exit(INTERRUPTED) from None
    if as_json:
        emit([as_json_of(snapshot, screen) for snapshot in last])
    _judge(following, last, timeout_s)


@click.command(short_help="Stop an execution that runs, with its jobs.")
@click.argument("word", metavar="[DIMENSION|EXECUTION]", required=False)
@dry_run_option
@json_option
@click.pass_obj
def stop(obj: Connect | None, word: str | None, dry_run: bool, as_json: bool) -> None:
    """Stop an execution that runs, with its jobs; `retry` goes on with it.

    A dimension means the one that runs of it; without a word, the only one that runs.
    """
    settings, connect = load(), obj or client
    sagemaker, names = connect("sagemaker", settings.region), Names(settings.project)
    arn = _running(sagemaker, names, word)
    status = "would be stopped" if dry_run else control.stop(sagemaker, arn)
    emit_rows([{"execution": arn, "status": status}], ("execution", "status"), as_json=as_json)


@click.command("retry", short_help="Go on with an execution that did not succeed.")
@click.argument("execution", metavar="[DIMENSION|EXECUTION]", required=False)
@json_option
@click.pass_obj
def retry(obj: Connect | None, execution: str | None, as_json: bool) -> None:
    """Go on with an execution that failed, was stopped, or was interrupted; what it finished is not done again.

    An ARN or an id names an execution, a dimension its latest one; without it, the pipeline's latest.
    """
    settings, connect = load(), obj or client
    sagemaker, names = connect("sagemaker", settings.region), Names(settings.project)
    arn = find(sagemaker, names.pipelines, execution)
    control.retry(sagemaker, dimension_lock(settings, connect), names, arn, datetime.now(UTC))
    emit_rows([{"execution": arn}], ("execution",), as_json=as_json)


def dimension_lock(settings: Settings, connect: Connect) -> DimensionLock:
    """The lock that keeps a dimension from running twice at once."""
    region = settings.region
    outputs = stack_outputs(connect("cloudformation", region), Names(settings.project).stack("core"))
    return DimensionLock(connect("dynamodb", region), connect("sagemaker", region), outputs["LockTable"])


def _data_bucket(settings: Settings, connect: Connect) -> str:
    """Empty where no stack is deployed, and for a person who may not look at it: uploads are not waited for then."""
    try:
        outputs = stack_outputs(connect("cloudformation", settings.region), Names(settings.project).stack("core"))
    except NotFoundError:
        return ""
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return ""
    return outputs.get("DataBucket", "")


def _follow(following: Watch, screen: Screen, deadline: float) -> list[Snapshot]:
    with screen:
        while True:
            last = list(following.look())
            screen.show(last, list(following.awaited.values()))
            over = not following.awaited and not any(snapshot.running for snapshot in last)
            if over or time.monotonic() > deadline:
                return last
            time.sleep(max(POLL_S, len(last) / 8))  # two requests for each: stay below the service's limits


def _judge(following: Watch, last: list[Snapshot], timeout_s: float) -> None:
    """DeploymentError unless everything has succeeded."""
    for uploaded in following.awaited.values():
        raise DeploymentError(f"{uploaded.uri} has started nothing after {timeout_s:g} s: see `contender logs starter`")
    running = [snapshot.name for snapshot in last if snapshot.running]
    if running:
        still = f"execution {running[0]} still runs" if len(running) == 1 else f"{', '.join(running)} still run"
        raise DeploymentError(f"{still} after {timeout_s:g} s; watch it again")
    bad = [snapshot for snapshot in last if snapshot.status != "Succeeded"]
    advised = [(snapshot.name, said) for snapshot in last if (said := advice(snapshot))]
    for name, said in advised[:ADVISED]:
        note(f"{name}: {said}" if len(last) > 1 else said)
    if len(last) == 1 and bad:
        reason = f": {shortened(bad[0].reason)}" if bad[0].reason else ""  # its step has said it whole
        raise DeploymentError(f"execution {bad[0].name} {bad[0].status.lower()}{reason}")
    if bad:
        names = ", ".join(f"{snapshot.name} {snapshot.status.lower()}" for snapshot in bad)
        raise DeploymentError(f"{len(bad)} of {len(last)} executions did not succeed: {names}")


def _running(sagemaker: Any, names: Names, word: str | None) -> str:
    """The one execution that runs and that `word` names. What has ended is found too, for a clear refusal."""
    if word and word.startswith("arn:"):
        return word
    running = [
        summary
        for summary in islice(recent(sagemaker, names.pipelines), LOOKS_BACK)
        if summary["PipelineExecutionStatus"] in RUNNING and word in (None, *words_for(summary))
    ]
    if len(running) > 1:
        which = ", ".join(each.get("PipelineExecutionDisplayName", "?") for each in running)
        raise DeploymentError(f"{len(running)} executions run: say which one to stop ({which})")
    if not running and word is None:
        raise NotFoundError("no execution runs: there is nothing to stop")
    return str(running[0]["PipelineExecutionArn"]) if running else find(sagemaker, names.pipelines, word)


def _lines(found: Sequence[Listed], width: int | None) -> Iterator[str]:
    """A line each. In a terminal of this width the reason stands below, for it would not fit; else at the end."""
    rows = [_cells(each) for each in found]
    several = len({each.pipeline for each in found}) > 1
    columns = [*COLUMNS, "pipeline"] if several else list(COLUMNS)
    widths = [max(len(column), *(len(row[column]) for row in rows)) for column in columns] if rows else []
    if rows:
        yield "  ".join(f"{column:<{size}}" for column, size in zip(columns, widths, strict=True)).rstrip()
    for each, row in zip(found, rows, strict=True):
        line = "  ".join(f"{row[column]:<{size}}" for column, size in zip(columns, widths, strict=True)).rstrip()
        reason = shortened(each.reason)
        if width is None:
            yield f"{line}  {reason}".rstrip()
            continue
        yield line
        yield from textwrap.wrap(reason, width, initial_indent="    ", subsequent_indent="    ")


def _cells(each: Listed) -> dict[str, str]:
    took = (each.ended or datetime.now(UTC)) - each.started
    return {
        "dimension": each.dimension or "-",
        "execution": each.execution,
        "status": each.status,
        "started": f"{each.started.astimezone():%Y-%m-%d %H:%M:%S}",
        "took": duration(took),
        "version": each.version[:8],
        "pipeline": each.pipeline,
    }


def shortened(reason: str) -> str:
    """The first words of a reason, without those with which every one begins."""
    text = " ".join(REPORT.sub("", reason.removeprefix(ANY_FAILURE)).split())
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
