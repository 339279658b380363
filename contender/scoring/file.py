"""How far an uploaded file is.

begun ──► scoring ──► finished          its rows are in messages; each is settled, and the report written
  ├────► batch ──► scoring ──► finished  too large: the batch pipeline scores it, and its result is brought in
  └────► refused                         it cannot be scored, and the report says why
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from contender.scoring.source import Source
from contender.scoring.upload import PROCESSED, place


class State(StrEnum):
    BEGUN = "begun"
    BATCH = "batch"
    SCORING = "scoring"
    FINISHED = "finished"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class File:
    """One upload. `rows_per_message` is what it was begun with: cut again, it is cut the same.

    `version` scores it, by `columns`; `header` is the file's. `settled` are the chunks whose rows are all settled, of
    `chunks`, which is 0 while nobody knows. `revision` counts what was settled, with second tries.
    """

    dimension: str
    file: str
    upload: str
    source: Source
    size: int
    began: datetime
    rows_per_message: int
    state: State = State.BEGUN
    header: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    version: int = 0
    rows: int = 0
    chunks: int = 0
    settled: frozenset[int] = field(default=frozenset())
    revision: int = 0
    sent: bool = False
    scored: int = 0
    failed: int = 0
    reason: str = ""
    execution: str = ""

    @property
    def complete(self) -> bool:
        """Whether every row is settled."""
        return 0 < self.chunks == len(self.settled)

    @property
    def processed(self) -> Source:
        """Where it stays when it is finished."""
        return Source(self.source.bucket, place(PROCESSED, self.dimension, self.upload, self.file))

    def to_item(self) -> dict[str, Any]:
        """Without what is counted, which only DynamoDB adds to."""
        return {
            "dimension": {"S": self.dimension},
            "file": {"S": self.file},
            "upload": {"S": self.upload},
            "bucket": {"S": self.source.bucket},
            "key": {"S": self.source.key},
            "version_id": {"S": self.source.version},
            "size": {"N": str(self.size)},
            "began": {"S": self.began.isoformat()},
            "rows_per_message": {"N": str(self.rows_per_message)},
            **changes(
                state=self.state,
                header=self.header,
                columns=self.columns,
                version=self.version,
                rows=self.rows,
                chunks=self.chunks,
                sent=self.sent,
                reason=self.reason,
                execution=self.execution,
            ),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        def number(name: str) -> int:
            return int(item.get(name, {"N": "0"})["N"])

        def text(name: str) -> str:
            return str(item.get(name, {"S": ""})["S"])

        return cls(
            dimension=text("dimension"),
            file=text("file"),
            upload=text("upload"),
            source=Source(text("bucket"), text("key"), text("version_id")),
            size=number("size"),
            began=datetime.fromisoformat(text("began")),
            rows_per_message=number("rows_per_message"),
            state=State(text("state")),
            header=tuple(json.loads(text("header"))),
            columns=tuple(json.loads(text("columns"))),
            version=number("version"),
            rows=number("rows"),
            chunks=number("chunks"),
            settled=frozenset(map(int, item.get("settled", {"NS": ()})["NS"])),
            revision=number("revision"),
            sent=bool(item["sent"]["BOOL"]),
            scored=number("scored"),
            failed=number("failed"),
            reason=text("reason"),
            execution=text("execution"),
        )


def changes(**values: Any) -> dict[str, dict[str, Any]]:
    """Attributes of a file's item with these values."""
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": str(value) if isinstance(value, str) else json.dumps(value)}
