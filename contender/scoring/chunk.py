"""A message of the queue: which rows of which file are to be scored.

It points at bytes of one version of an object, so a message is small whatever its rows are, ten fit into one call, and
the file is read once more in all. What failed comes into the dead-letter queue as a message of the same kind for the
rows that failed: sending it to the queue again is all that a second try takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from contender.errors import DataError
from contender.scoring.source import Source

ENDPOINT = -1
"""Instead of a count of refused rows: the endpoint is asked, nothing is scored yet."""
SCORED_TIMES, MAX_ROWS = 5, 5000
"""Rows that are scored already go so many times more into a message, as nobody has to be asked for them; yet no more
than the largest message has, whose answers have to fit into one item."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`rows` rows from number `row` on, in bytes `start` to `end`, after `line` lines.

    `only`: those of them that are meant, by their place in it; all if empty. `attempt` counts how often it was sent
    again. `refused`: how many rows the batch pipeline refused before these, of a file that it scored.
    """

    dimension: str
    file: str
    upload: str
    number: int
    source: Source
    start: int
    end: int
    row: int
    line: int
    rows: int
    refused: int = ENDPOINT
    attempt: int = 0
    only: tuple[int, ...] = field(default=())

    @classmethod
    def from_body(cls, body: str) -> Self:
        """DataError for a message of another kind."""
        try:
            values: Mapping[str, Any] = json.loads(body)
            known = {each.name for each in fields(cls)}
            if not isinstance(values, dict) or set(values) != known:
                raise TypeError
            chunk = cls(**{**values, "source": Source(**values["source"]), "only": tuple(values["only"])})
        except (ValueError, TypeError, KeyError) as error:
            raise DataError("the message names no rows of a file") from error
        return chunk

    @property
    def body(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def is_scored(self) -> bool:
        """Whether its rows come with scores. A second try asks the endpoint for those that have none."""
        return self.refused != ENDPOINT and self.attempt == 0

    @property
    def places(self) -> tuple[int, ...]:
        """The rows that are meant, by their place among its rows."""
        return self.only or tuple(range(self.rows))

    def again(self, places: tuple[int, ...]) -> Chunk:
        """The next try, for these of its rows."""
        return replace(self, attempt=self.attempt + 1, only=places)


def most_rows(rows_per_message: int, *, scored: bool) -> int:
    """Rows of a message at most, where the setting is `rows_per_message`."""
    return min(rows_per_message * SCORED_TIMES, MAX_ROWS) if scored else rows_per_message
