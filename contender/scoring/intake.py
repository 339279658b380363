"""An uploaded file becomes messages, each of which says which rows to score; a large one an execution first.

    upload ─► whose, who scores, are its columns there ─┬─► cut where rows end ─────────────► messages
                              │ no                      └─► larger than allowed ─► batch pipeline
                              └► refused                                                ╎ its end, an event
                                                    messages ◄─ cut where rows end ◄─ its result

A message of the queue of files ends in one of these ways:

    sent        its rows are in messages
    batch       the batch pipeline scores it
    refused     it cannot be scored: it stands in refused/, with a report
    duplicate   it is done, or under way
    ignored     nothing of ours: a folder, a file we put there, an execution of somebody else's
    failed      anything else: it comes back, and ends in the dead-letter queue after some tries

Cut again, a file is cut the same: whatever is sent twice is scored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender import batch, s3_object
from contender.errors import DataError, DeploymentError, NamingError, NotFoundError
from contender.executions.request import begin
from contender.executions.snapshot import Snapshot, Watcher
from contender.naming import Names
from contender.scoring.chunk import ENDPOINT, Chunk, most_rows
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.file import File, State
from contender.scoring.refusing import Refusing
from contender.scoring.rows import Cut, Table
from contender.scoring.scorer import Scorers, lacking
from contender.scoring.source import MAX_COPY, Source, copy, is_gone
from contender.scoring.store import Store
from contender.scoring.upload import CREATED, OURS, STAGING, Upload, parse_event, staged

EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
MAX_CUT = 4_000_000
"""Bytes. A request holds fewer than a cut: the model's columns of its rows."""
MESSAGES = 10
"""SendMessageBatch takes no more."""
HEADER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_bytes` of a file that is asked row by row; larger ones go through the batch pipeline."""

    rows_per_message: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What taking a file in takes."""

    names: Names
    limits: Limits
    s3: Any
    sqs: Any
    sagemaker: Any
    queue_url: str
    scorers: Scorers
    store: Store
    refusing: Refusing
    dead_letters: DeadLetters
    clock: Callable[[], datetime]


class Intake:
    """Takes one file in after the other."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def take(self, body: str) -> dict[str, Any]:
        """Bring one message to its end; what became of it. Any exception means: it must come back."""
        try:
            event = parse_event(body)
            if event.get("detail-type") == EXECUTION:
                return self._execution(event)
            if event.get("detail-type") != CREATED:
                raise DataError(f"the message is about {event.get('detail-type')!r}, not about an upload")
            upload = Upload.from_event(event)
        except DataError as error:
            self._parts.dead_letters.send(body, str(error))
            return {"outcome": "refused", "reason": str(error)}
        if upload.key.startswith(OURS) or upload.key.endswith("/"):
            return {"outcome": "ignored", "key": upload.key}
        return self._upload(upload)

    # ── An upload ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _upload(self, upload: Upload) -> dict[str, Any]:
        problem = ""
        try:
            upload = upload.addressed()
        except NamingError as error:
            problem = str(error)
        told = {"dimension": upload.dimension, "file": upload.file, "upload": upload.id}
        size = self._size(upload)
        file = self._parts.store.begin(self._begun(upload, size or 0))
        if file.state is State.REFUSED and not file.sent:
            self._parts.refusing.refuse(file, file.reason)
            return {**told, "outcome": "refused", "reason": file.reason}
        if file.state in (State.REFUSED, State.FINISHED) or file.sent:
            return {**told, "outcome": "duplicate"}
        if file.state is State.BATCH and file.execution:
            return {**told, "outcome": "duplicate"}
        if size is None:
            problem = f"{upload.key} was deleted before it could be read"
        try:
            if problem:
                raise DataError(problem)
            return {**told, **self._send(upload, file)}
        except (DataError, NotFoundError) as error:
            self._parts.refusing.refuse(file, str(error))
            return {**told, "outcome": "refused", "reason": str(error)}
        except WrongColumns as error:
            self._parts.refusing.refuse(file, str(error), header=error.header, columns=error.columns)
            return {**told, "outcome": "refused", "reason": str(error)}

    def _begun(self, upload: Upload, size: int) -> File:
        return File(
            dimension=upload.dimension,
            file=upload.file,
            upload=upload.id,
            source=Source(upload.bucket, upload.key, upload.version),
            size=size,
            began=self._parts.clock(),
            rows_per_message=self._parts.limits.rows_per_message,
        )

    def _size(self, upload: Upload) -> int | None:
        """Bytes of this version; None where the file was deleted, though S3 may still have what it was."""
        s3, which = self._parts.s3, {"Bucket": upload.bucket, "Key": upload.key}
        try:
            newest = s3.head_object(**which)
            if newest.get("VersionId") == upload.version:
                return int(newest["ContentLength"])
            return int(s3.head_object(**which, VersionId=upload.version)["ContentLength"])
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def _send(self, upload: Upload, file: File) -> dict[str, Any]:
        if file.size == 0:
            raise DataError(f"{file.file} is empty: its first line must name its columns")
        if file.size > MAX_COPY:
            raise DataError(f"{file.file} has more than 5 GB: drop it in parts")
        scorer = self._parts.scorers.find(file.dimension)
        large = file.size > self._parts.limits.max_bytes
        part = {"Range": f"bytes=0-{HEADER_BYTES - 1}"} if large else {}
        body = self._parts.s3.get_object(**file.source.request, **part)["Body"]
        table = Table(body, file.file)
        if problem := lacking(file.file, table.header, scorer):
            raise WrongColumns(problem, table.header, scorer.columns)
        who: dict[str, Any] = {"header": table.header, "columns": scorer.columns, "version": scorer.version}
        if large:
            return self._start(upload, self._parts.store.change(file, state=State.BATCH, **who))
        return self._cut(file, table, file.source, **who)

    def _cut(self, file: File, table: Table, source: Source, *, scored: bool = False, **who: Any) -> dict[str, Any]:
        """Every row into a message; how many there are is known before the first one is sent."""
        cuts = list(table.cuts(most_rows(file.rows_per_message, scored=scored), MAX_CUT))
        if not cuts:
            raise DataError(f"{file.file} has a header but no rows")
        file = self._parts.store.change(file, state=State.SCORING, rows=table.rows, chunks=len(cuts), **who)
        self._queue(_chunk(file, source, cut, scored=scored) for cut in cuts)
        self._parts.store.change(file, sent=True)
        return {"outcome": "sent", "rows": table.rows, "messages": len(cuts)}

    def _queue(self, chunks: Iterable[Chunk]) -> None:
        bodies = [chunk.body for chunk in chunks]
        for first in range(0, len(bodies), MESSAGES):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[first : first + MESSAGES])
            ]
            answer = self._parts.sqs.send_message_batch(QueueUrl=self._parts.queue_url, Entries=entries)
            if failed := answer.get("Failed"):
                raise DeploymentError(f"queue {self._parts.queue_url} did not take a message: {failed[0]['Message']}")

    # ── A large file ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, upload: Upload, file: File) -> dict[str, Any]:
        """Let the batch pipeline score it, from a place where no later upload of the same name will stand."""
        staging = Source(file.source.bucket, upload.place(STAGING))
        if not copy(self._parts.s3, file.source, staging):
            raise DataError(f"{upload.key} was deleted before it could be read")
        names = self._parts.names
        request = batch.Request(file.dimension, staging.uri, upload.version, side_by_side=False)
        try:
            arn = begin(
                self._parts.sagemaker,
                names,
                names.batch_pipeline,
                file.dimension,
                request.parameters,
                upload.token,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFound":
                raise
            raise NotFoundError(
                f"{file.file} has {file.size} bytes, more than are asked row by row, and pipeline "
                f"{names.batch_pipeline!r} does not exist: make it with `contender pipeline upsert`"
            ) from error
        self._parts.store.change(file, execution=arn)
        return {"outcome": "batch", "execution": arn}

    def _execution(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An execution of the batch pipeline has ended: bring in what it left."""
        arn = str(event["detail"].get("pipelineExecutionArn", ""))
        last = Watcher(self._parts.sagemaker, arn).snapshot()
        file = self._file_of(last.parameters.get("InputDataUri", ""))
        if file is None or last.running:
            return {"outcome": "ignored", "execution": arn}
        told = {"dimension": file.dimension, "file": file.file, "upload": file.upload, "execution": arn}
        if file.state in (State.REFUSED, State.FINISHED) or file.sent:
            return {**told, "outcome": "duplicate"}
        try:
            return {**told, **self._bring_in(file, last, arn)}
        except DataError as error:
            self._parts.refusing.refuse(file, str(error))
            return {**told, "outcome": "refused", "reason": str(error)}

    def _bring_in(self, file: File, last: Snapshot, arn: str) -> dict[str, Any]:
        try:
            result = batch.result(self._parts.sagemaker, self._parts.s3, last)
        except DeploymentError as error:
            raise DataError(str(error)) from error
        place = Source(*s3_object.place(result.predictions_uri))
        table = Table(self._parts.s3.get_object(**place.request)["Body"], file.file)
        version = int(result.summary["champion"]["version"])
        return self._cut(file, table, place, scored=True, version=version, execution=arn)

    def _file_of(self, uri: str) -> File | None:
        found = staged(uri)
        return self._parts.store.file(found[0], found[2], found[1]) if found else None


class WrongColumns(Exception):
    """The file's header is not one of raw rows."""

    def __init__(self, problem: str, header: tuple[str, ...], columns: tuple[str, ...]) -> None:
        super().__init__(problem)
        self.header = header
        self.columns = columns


def _chunk(file: File, source: Source, cut: Cut, *, scored: bool) -> Chunk:
    return Chunk(
        dimension=file.dimension,
        file=file.file,
        upload=file.upload,
        number=cut.number,
        source=source,
        start=cut.start,
        end=cut.end,
        row=cut.row,
        line=cut.line,
        rows=cut.rows,
        refused=cut.blank if scored else ENDPOINT,
    )
