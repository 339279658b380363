"""When the last row is settled: the file goes to processed/, and a report beside it says what became of its rows.

    processed/<dimension>/<upload>/<file>.csv
    processed/<dimension>/<upload>/<file>.csv.report.json
    processed/<dimension>/<upload>/<file>.csv.failed.csv      only where rows failed: row, line, problem, their values

Everything follows from what is pinned, so it may be done again, by two at once, or be ended anywhere in between: the
original is deleted after its copy and the report are there, and the file counts as finished after that.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from contender.scoring.answers import Outcome, failures, outcome
from contender.scoring.chunk import Chunk
from contender.scoring.file import File
from contender.scoring.rows import rows_of, to_csv
from contender.scoring.source import Source, copy, read
from contender.scoring.store import Store
from contender.scoring.upload import STAGING, place

REPORT = ".report.json"
FAILED = ".failed.csv"
SHOWN = 100
"""Problems that a report tells itself; the file of failed rows has all."""


class Finishing:
    def __init__(self, s3: Any, store: Store) -> None:
        self._s3 = s3
        self._store = store

    def finish(self, file: File) -> dict[str, Any]:
        """Bring a complete file to its end; the report."""
        while True:
            found = outcome(self._store.answers(file.upload), SHOWN)
            kept = copy(self._s3, file.source, file.processed) or self._is_there(file.processed)
            report = told(file, found, kept=kept)
            if found.failed:
                self._put_failed_rows(file)
            elif file.revision > file.chunks:
                # Perhaps there were some, and a later try has scored them all.
                self._s3.delete_object(Bucket=file.processed.bucket, Key=file.processed.key + FAILED)
            self._put(file, json.dumps(report, indent=2))
            if kept:
                self._clean_up(file)
            if self._store.finish(file, report["scored"], report["failed"]):
                return report
            # A second try of some rows came in between: its rows belong into the report. Or the file has expired.
            known = self._store.file(file.dimension, file.file, file.upload)
            if known is None:
                return report
            file = known

    def _put(self, file: File, report: str) -> None:
        self._s3.put_object(
            Bucket=file.processed.bucket,
            Key=file.processed.key + REPORT,
            Body=report.encode(),
            ContentType="application/json",
        )

    def _put_failed_rows(self, file: File) -> None:
        """In parts, as they are read: they may be more than a function has memory for."""
        self._s3.upload_fileobj(
            io.BufferedReader(_Pieces(self._failed_rows(file))),
            file.processed.bucket,
            file.processed.key + FAILED,
            ExtraArgs={"ContentType": "text/csv"},
        )

    def _failed_rows(self, file: File) -> Iterator[bytes]:
        """CSV, a chunk at a time."""
        yield to_csv([["row", "line", "problem", *file.header]]).encode()
        failed = failures(self._store.answers(file.upload))
        for _, group in groupby(failed, key=lambda failure: failure.chunk.number):
            members = list(group)
            rows = bytes_of(self._s3, file, members[0].chunk)
            values = [row.values for row in rows_of(rows, 0)] if rows is not None else []
            table = []
            for failure in members:
                own = values[failure.place] if failure.place < len(values) else []
                scored_elsewhere = failure.chunk.source.bucket != file.source.bucket
                table.append(
                    [
                        str(failure.row),
                        str(failure.problem.line),
                        failure.problem.reason,
                        *(own[:-1] if scored_elsewhere else own),
                    ]
                )
            yield to_csv(table).encode()

    def _is_there(self, source: Source) -> bool:
        return read(self._s3, source, 0, 1) is not None

    def _clean_up(self, file: File) -> None:
        """The version that was scored, and no later one of the same name."""
        self._s3.delete_object(**file.source.request)
        if file.execution:
            staging = place(STAGING, file.dimension, file.upload, file.file)
            self._s3.delete_object(Bucket=file.source.bucket, Key=staging)


class _Pieces(io.RawIOBase):
    """A stream of bytes that come in pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def told(file: File, found: Outcome, *, kept: bool) -> dict[str, Any]:
    """The report."""
    return {
        "version": 1,
        "dimension": file.dimension,
        "file": file.file,
        "upload": file.upload,
        "outcome": "processed",
        "rows": file.rows,
        "scored": file.rows - found.failed,
        "failed": found.failed,
        "scored_by": dict(found.scored_by),
        "way": "batch" if file.execution else "endpoint",
        "began": file.began.isoformat(),
        "ended": found.ended.isoformat(),
        "processed": file.processed.uri if kept else None,
        "failed_rows": f"{file.processed.uri}{FAILED}" if found.failed else None,
        "problems": [
            {"row": each.row, "line": each.problem.line, "problem": each.problem.reason} for each in found.first
        ],
    }


def bytes_of(s3: Any, file: File, chunk: Chunk) -> bytes | None:
    """The bytes of a chunk, from the file as it was uploaded or where it went since; None if both are gone."""
    found = read(s3, chunk.source, chunk.start, chunk.end)
    if found is None and chunk.source.bucket == file.source.bucket:
        found = read(s3, file.processed, chunk.start, chunk.end)
    return found
