"""`contender pipeline history` and `rollback`: what the pipelines were, from which commits, and back to it."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

import click

from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit, json_option, note
from contender.config import load
from contender.naming import Names
from contender.pipeline.definitions.code_changes import CodeChanges
from contender.pipeline.definitions.diff import compare
from contender.pipeline.origin import Origin, origin, short
from contender.pipeline.rollback import choose, plan_rollback, roll_back
from contender.pipeline.targets import batch, training, warm
from contender.pipeline.versions import Release, Version, definition, releases

SHOWN = 10


@click.command("history", short_help="List what the pipelines were, and from which commits.")
@click.option("--last", type=click.IntRange(1), default=SHOWN, show_default=True, help="So many releases.")
@json_option
@click.pass_obj
def history(obj: Connect | None, last: int, as_json: bool) -> None:
    """List the releases of the pipelines, the newest first: when, of which commit, by whom, and what changed.

    A release is what one upsert or rollback changed. An upsert that changed nothing is none; its commit is named with
    the release that it found.
    """
    settings, connect = load(), obj or client
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    made = releases(sagemaker, Names(settings.project).pipelines)
    rows = [_row(release, _changes(sagemaker, s3, release)) for release in made[-last:][::-1]]
    if as_json:
        emit(rows)
        return
    for row in rows:
        click.echo(_title(row))
        for text in row["changes"]:
            click.echo(f"  {text}")
    if not rows:
        note("no pipeline is deployed: `contender pipeline upsert` deploys the first release")
    elif len(made) > last:
        note(f"{len(made) - last} older: --last {len(made)}")


@click.command("rollback", short_help="Put a former definition back.")
@click.argument("version", required=False, metavar="[RELEASE|COMMIT]")
@dry_run_option
@json_option
@click.pass_obj
def rollback(obj: Connect | None, version: str | None, dry_run: bool, as_json: bool) -> None:
    """Put the definitions of a former release back, all pipelines together, as a new release that says so.

    Without a number or commit of `contender pipeline history` it is the one before the last. The next upsert, or push,
    deploys what the project says again: to stay, revert the commit. Stacks and endpoints are not touched.
    """
    settings, connect = load(), obj or client
    sagemaker, s3 = connect("sagemaker", settings.region), connect("s3", settings.region)
    made = releases(sagemaker, Names(settings.project).pipelines)
    release = choose(made, version)
    moves = plan_rollback(sagemaker, s3, made, release)
    if moves and not dry_run:
        by = origin(connect("sts", settings.region), Path.cwd(), os.environ).by
        commit = release.note.commit if release.note else ""
        purposes = {target.name: target.description for target in (training(settings), warm(settings), batch(settings))}
        roll_back(sagemaker, release, moves, Origin(commit, by), uuid.uuid4().hex, purposes)
    if as_json:
        kept = [{"pipeline": each.pipeline, "from": each.now, "to": each.then} for each in moves]
        emit({"release": release.number, "moves": kept, "dry_run": dry_run})
        return
    for move in moves:
        click.echo(f"{move.pipeline}: version {move.now} → the definition of version {move.then}")
        for change in move.changes:
            click.echo(f"  {change.text}")
    if not moves:
        note(f"what is deployed is release {release.number} already")
    else:
        note(f"{'would go' if dry_run else 'went'} back to release {release.number}")


def _row(release: Release, changes: list[str]) -> dict[str, Any]:
    written = release.note
    return {
        "release": release.number,
        "created": release.created,
        "commit": written.commit if written else "",
        "also": list(written.also) if written else [],
        "by": written.by if written else "",
        "back_to": written.back_to if written else None,
        "versions": {version.pipeline: version.number for version in release.versions},
        "changes": changes,
    }


def _title(row: dict[str, Any]) -> str:
    also = f" (and {', '.join(short(commit) for commit in row['also'])})" if row["also"] else ""
    back = f", back to release {row['back_to']}" if row["back_to"] is not None else ""
    versions = ", ".join(f"{pipeline} v{number}" for pipeline, number in row["versions"].items())
    moment = f"{row['created'].astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{row['release']}  {moment}  {short(row['commit'])}{also}  by {row['by'] or '-'}{back}: {versions}"


def _changes(sagemaker: Any, s3: Any, release: Release) -> list[str]:
    """In words, what is true of several pipelines once."""
    said: dict[str, None] = {}
    for version in release.versions:
        for text in _against_the_one_before(sagemaker, s3, version):
            said[text] = None
    return list(said)


def _against_the_one_before(sagemaker: Any, s3: Any, version: Version) -> list[str]:
    if version.number == 1:
        return [f"pipeline {version.pipeline} is new"]
    before, after = (
        json.loads(definition(sagemaker, version.pipeline, number)) for number in (version.number - 1, version.number)
    )
    return [change.text for change in compare(before, after, CodeChanges(s3, None))]
