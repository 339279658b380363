"""`contender inference`: drop files to be scored, see how far they are, read predictions, try again what failed."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from contender import registry, s3_object
from contender.aws import Connect, client
from contender.cli.output import dry_run_option, emit_rows, json_option, note
from contender.config import Settings, load
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.naming import Names, checked_dimension, object_key
from contender.scoring.file import File, State
from contender.scoring.finishing import REPORT
from contender.scoring.retry import Retry
from contender.scoring.store import Store
from contender.scoring.upload import INBOX, REFUSED, UNKNOWN, Upload
from contender.stack import stack_outputs

POLL_S = 0.5
COLUMNS = ("row", "prediction", "probability", "variant", "version", "at")
STATUS = ("dimension", "file", "upload", "state", "rows", "settled", "scored", "failed", "began", "reason")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stack, and how to reach it."""

    settings: Settings
    connect: Connect
    outputs: Mapping[str, str]

    @classmethod
    def at(cls, obj: Connect | None) -> Deployed:
        settings, connect = load(), obj or client
        stack = Names(settings.project).stack("inference")
        return cls(settings, connect, stack_outputs(connect("cloudformation", settings.region), stack))

    def client(self, service: str) -> Any:
        return self.connect(service, self.settings.region)

    @property
    def store(self) -> Store:
        return Store(self.client("dynamodb"), self.outputs["PredictionsTable"])


@click.group()
def command() -> None:
    """Files to predictions: drop a file, read its rows' predictions from a table."""


@command.command()
@click.argument("dimension")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
@json_option
@click.pass_obj
def upload(obj: Connect | None, dimension: str, source: Path, dry_run: bool, as_json: bool) -> None:
    """Drop FILE to be scored by DIMENSION's champion.

    A CSV file of raw rows whose first line names its columns, in any order, with or without the label and others that
    are no features.
    """
    deployed = Deployed.at(obj)
    bucket, key = deployed.outputs["InferenceBucket"], object_key(INBOX, dimension, source.name)
    if not dry_run:
        deployed.client("s3").upload_file(str(source), bucket, key)
    row = {"dimension": dimension, "file": str(source), "uri": f"s3://{bucket}/{key}"}
    emit_rows([row], ("dimension", "file", "uri"), as_json=as_json)


@command.command(short_help="How far files are.")
@click.argument("dimension", required=False)
@click.argument("file", required=False)
@json_option
@click.pass_obj
def status(obj: Connect | None, dimension: str | None, file: str | None, as_json: bool) -> None:
    """How far files are, the newest first: all, those of DIMENSION, or the uploads of one FILE."""
    deployed = Deployed.at(obj)
    dimensions = [dimension] if dimension else _dimensions(deployed)
    found = [each for name in dimensions for each in deployed.store.files(name, file or "")]
    emit_rows([_status(each) for each in found], STATUS, as_json=as_json)
    for name, output in (
        ("files wait to be taken in", "InferenceFilesQueueUrl"),
        ("messages of rows wait or are worked on", "InferenceQueueUrl"),
        ("messages in the dead-letter queue: `contender inference retry`", "InferenceDeadLetterQueueUrl"),
    ):
        if count := _waiting(deployed.client("sqs"), deployed.outputs[output]):
            note(f"{count} {name}")


@command.command(short_help="The predictions of a file's rows.")
@click.argument("dimension")
@click.argument("file")
@click.option("--upload", "upload_id", help="Which upload of that name; by default the newest.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the predictions to this CSV file."
)
@click.option("--wait", is_flag=True, help="Until every row is settled.")
@click.option("--timeout", "timeout_s", type=float, default=3600, show_default=True, help="Seconds to wait at most.")
@json_option
@click.pass_obj
def results(
    obj: Connect | None,
    dimension: str,
    file: str,
    upload_id: str | None,
    output: Path | None,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """The predictions of FILE's rows, in its order; a row that failed has none.

    Exit 1 if the file was refused, or is not finished.
    """
    deployed = Deployed.at(obj)
    store = deployed.store
    upload_id = upload_id or _dropped(deployed, dimension, file)
    deadline = time.monotonic() + (timeout_s if wait else 0)
    while (found := _newest(store, dimension, file, upload_id)) is None or not _has_ended(found):
        if time.monotonic() >= deadline:
            raise _not_yet(dimension, file, upload_id, found)
        time.sleep(POLL_S)
    if found.state is State.REFUSED:
        raise DataError(f"file {file!r} was refused: {found.reason}")
    if output:
        with output.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(store.rows(found))
        note(f"{found.scored} predictions in {output}")
    else:
        emit_rows(list(store.rows(found)), COLUMNS, as_json=as_json)
    if found.failed:
        note(f"{found.failed} of {found.rows} rows failed; which and why: {found.processed.uri}{REPORT}")


@command.command(short_help="Try again what is in the dead-letter queue.")
@dry_run_option
@json_option
@click.pass_obj
def retry(obj: Connect | None, dry_run: bool, as_json: bool) -> None:
    """Try again what is in the dead-letter queue: rows that failed, files that were refused.

    Rows are sent to the endpoint again and their file's report is written anew; a refused file is moved back to where
    it was dropped. What cannot be tried again stays in the queue.
    """
    deployed = Deployed.at(obj)
    outputs = deployed.outputs
    again = Retry(
        deployed.client("s3"),
        deployed.client("sqs"),
        outputs["InferenceQueueUrl"],
        outputs["InferenceFilesQueueUrl"],
        outputs["InferenceDeadLetterQueueUrl"],
    )
    rows = []
    for letter in again.letters():
        if dry_run:
            again.put_back(letter)
        done = dry_run or again.retry(letter)
        action = "stays" if letter.kind == "unknown" or not done else "would be tried" if dry_run else "tried again"
        rows.append({"kind": letter.kind, "what": letter.what, "reason": letter.reason, "action": action})
    emit_rows(rows, ("kind", "what", "action", "reason"), as_json=as_json)


def _dimensions(deployed: Deployed) -> list[str]:
    """Those that have versions, then those that had a file refused: it may have been dropped anywhere."""
    names = Names(deployed.settings.project)
    groups = registry.list_groups(deployed.client("sagemaker"), f"{names.project}-")
    known = sorted(name for group in groups if (name := names.dimension_of_group(group)))
    folders = deployed.client("s3").get_paginator("list_objects_v2")
    pages = folders.paginate(Bucket=deployed.outputs["InferenceBucket"], Prefix=REFUSED, Delimiter="/")
    refused = [each["Prefix"].split("/")[1] for page in pages for each in page.get("CommonPrefixes", ())]
    return list(dict.fromkeys([*known, *refused, UNKNOWN]))


def _dropped(deployed: Deployed, dimension: str, file: str) -> str | None:
    """The upload that waits to be taken in, if one does: it is newer than those that are known."""
    # A file that was refused for its name is looked for as well: no object_key.
    bucket, key = deployed.outputs["InferenceBucket"], f"{INBOX}{dimension}/{file}"
    head = s3_object.head(deployed.client("s3"), f"s3://{bucket}/{key}")
    if head is None:
        return None
    upload = Upload(bucket, key, s3_object.version(head)).id
    return None if any(each.upload == upload for each in deployed.store.files(dimension, file)) else upload


def _status(file: File) -> dict[str, Any]:
    share = f"{len(file.settled)}/{file.chunks}" if file.chunks else "-"
    return {
        **{name: getattr(file, name) for name in STATUS if name not in ("settled", "state")},
        "state": file.state.value,
        "settled": share,
        "execution": file.execution,
    }


def _waiting(sqs: Any, url: str) -> int:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found.get(name, 0)) for name in names)


def _newest(store: Store, dimension: str, file: str, upload: str | None) -> File | None:
    found = store.files(checked_dimension(dimension), file)
    return next((each for each in found if upload in (None, each.upload)), None)


def _has_ended(file: File) -> bool:
    return file.state in (State.FINISHED, State.REFUSED)


def _not_yet(dimension: str, file: str, upload: str | None, found: File | None) -> NotFoundError | DeploymentError:
    if found is None and upload:
        return DeploymentError(f"upload {upload} of file {file!r} is not taken in yet; wait for it with --wait")
    if found is None:
        return NotFoundError(f"dimension {dimension!r} has no file {file!r}: `contender inference status {dimension}`")
    share = f"{len(found.settled)} of {found.chunks} messages are settled" if found.chunks else found.state.value
    return DeploymentError(f"file {file!r} is not finished: {share}; wait for it with --wait")
