"""A file that cannot be scored at all: it goes to refused/, with a report beside it, and a message tells why.

Like finishing a file this may be done again: the state is written first, the original deleted when all else is there.
"""

from __future__ import annotations

import json
from typing import Any

from contender.scoring.dead_letters import DeadLetters, of_file
from contender.scoring.file import File, State
from contender.scoring.finishing import REPORT
from contender.scoring.source import MAX_COPY, Source, copy
from contender.scoring.store import Store
from contender.scoring.upload import REFUSED, STAGING, place


class Refusing:
    def __init__(self, s3: Any, store: Store, dead_letters: DeadLetters) -> None:
        self._s3 = s3
        self._store = store
        self._dead_letters = dead_letters

    def refuse(self, file: File, reason: str, **known: Any) -> None:
        """Refuse it for good. `known` are further attributes of the file for the report: header, columns."""
        if file.state is not State.REFUSED:
            file = self._store.change(file, state=State.REFUSED, reason=reason, **known)
        target = Source(file.source.bucket, place(REFUSED, file.dimension, file.upload, file.file))
        # What S3 copies in parts only stays where it was dropped.
        kept = file.size <= MAX_COPY and copy(self._s3, file.source, target)
        self._s3.put_object(
            Bucket=target.bucket,
            Key=target.key + REPORT,
            Body=json.dumps(told(file), indent=2).encode(),
            ContentType="application/json",
        )
        self._dead_letters.send(of_file(file, target.key), file.reason)
        if kept:
            self._s3.delete_object(**file.source.request)
            staging = place(STAGING, file.dimension, file.upload, file.file)
            self._s3.delete_object(Bucket=file.source.bucket, Key=staging)
        self._store.change(file, sent=True)


def told(file: File) -> dict[str, Any]:
    """The report."""
    return {
        "version": 1,
        "dimension": file.dimension,
        "file": file.file,
        "upload": file.upload,
        "outcome": "refused",
        "reason": file.reason,
        "expected": list(file.columns),
        "found": list(file.header),
        "began": file.began.isoformat(),
    }
