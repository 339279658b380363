"""`contender batch`: score files by a dimension's champion, on request beside its newest challenger."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from contender import batch
from contender.aws import Connect, client
from contender.batch import Scored
from contender.cli.output import dry_run_option, emit, emit_rows, json_option, note
from contender.cli.watching import Screen
from contender.config import load
from contender.errors import DataError, DeploymentError
from contender.executions.snapshot import Snapshot, Watcher
from contender.naming import Names
from contender.stack import stack_outputs

POLL_S = 0.5
LOG_LINES = 5


@click.group()
def command() -> None:
    """Scoring of whole files, instead of row by row through an endpoint."""


@command.command()
@click.argument("dimension")
@click.argument("source", metavar="FILE|S3-URI")
@click.option("--side-by-side", is_flag=True, help="By the newest challenger in service as well.")
@click.option("--wait", is_flag=True, help="Until it has ended; exit 1 if it fails.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Wait, and write the scored rows to this file."
)
@click.option("--timeout", "timeout_s", type=float, default=86_400, show_default=True, help="Seconds to wait at most.")
@dry_run_option
@json_option
@click.pass_obj
def score(
    obj: Connect | None,
    dimension: str,
    source: str,
    side_by_side: bool,
    wait: bool,
    output: Path | None,
    timeout_s: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Score the rows of a CSV file by DIMENSION's champion.

    Its first line names its columns, in any order, with or without the label and others that are no features. The same
    rows come back with a column `score`, the probability; a row that the model refuses has none, and refused.csv says
    why. With --side-by-side also `challenger_score`, and how far the two agree.
    """
    if output and not output.absolute().parent.is_dir():
        raise DataError(f"{output.absolute().parent} is no folder: --output needs one that is there")
    settings, connect = load(), obj or client
    names = Names(settings.project)
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    batch.require_champion(sagemaker, names, dimension)
    uri = source
    if not source.startswith("s3://"):
        path = Path(source)
        if not path.is_file():
            raise DataError(f"{source} is no file: give a CSV file, or the address of one in S3")
        bucket = stack_outputs(connect("cloudformation", settings.region), names.stack("core"))["ArtifactBucket"]
        uri = batch.target_uri(bucket, dimension, path)
        if not dry_run:
            batch.upload(s3, path, uri)
    row: dict[str, Any] = {"execution": None, "dimension": dimension, "data": uri, "side_by_side": side_by_side}
    if not dry_run:
        row["execution"] = arn = batch.start(sagemaker, names, batch.plan(s3, dimension, uri, side_by_side))
        if wait or output:
            with Screen(sagemaker, s3, lambda: connect("logs", settings.region), LOG_LINES, to_stderr=True) as screen:
                last = _until_ended(Watcher(sagemaker, arn), screen, time.monotonic() + timeout_s)
            scored = batch.result(sagemaker, s3, last)
            if output:
                batch.download(s3, scored.predictions_uri, output)
            _report(row, scored, output, as_json=as_json)
            return
    if as_json:
        emit({**row, "dry_run": dry_run})
    else:
        emit_rows([row], ("execution", "dimension", "data"), as_json=False)


def _until_ended(watcher: Watcher, screen: Screen, deadline: float) -> Snapshot:
    while (last := watcher.snapshot()).running:
        screen.show([last], [])
        if time.monotonic() > deadline:
            raise DeploymentError(f"execution {last.name} still runs; `contender pipeline watch {last.dimension}`")
        time.sleep(POLL_S)
    screen.show([last], [])
    return last


def _report(row: dict[str, Any], scored: Scored, output: Path | None, *, as_json: bool) -> None:
    summary = scored.summary
    if as_json:
        emit({**row, "predictions": scored.predictions_uri, "refused": scored.refused_uri, "summary": summary})
        return
    lines = {
        "rows": summary["rows"],
        "scored": summary["scored"],
        "champion": _described(summary["champion"]),
        **_comparison(summary),
        "predictions": str(output) if output else scored.predictions_uri,
    }
    emit_rows([{"field": key, "value": value} for key, value in lines.items()], ("field", "value"), as_json=False)
    if summary["refused"]:
        rows = "1 row was" if summary["refused"] == 1 else f"{summary['refused']} rows were"
        note(f"{rows} refused; which and why: {scored.refused_uri}")
    if row["side_by_side"] and "challenger" not in summary:
        note("no challenger is in service: the champion scored alone")


def _comparison(summary: Any) -> dict[str, Any]:
    if "challenger" not in summary:
        return {}
    lines = {
        "challenger": _described(summary["challenger"]),
        "agreement at 0.5": f"{summary['agreement']:.2%}",
        "correlation": summary["correlation"],
        "mean difference": summary["mean_difference"],
    }
    labelled = summary["labelled"]
    if "problem" not in labelled:
        gap = labelled["difference"]
        lines["AUC"] = (
            f"champion {labelled['champion_auc']:.4f}, challenger {labelled['challenger_auc']:.4f} "
            f"({gap['lower']:+.4f} to {gap['upper']:+.4f}), on {labelled['rows']} rows with a label"
        )
    return lines


def _described(model: Any) -> str:
    return f"v{model['version']}, mean score {model['mean']:.4f}, {model['yes_share']:.1%} at 0.5 or above"
