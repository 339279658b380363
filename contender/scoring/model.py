"""Many rows in one request to a variant. Those that the model refuses are found, and the others answered.

A model answers a request as a whole: one row it cannot read, and all are refused. Ours says which row that is, so that
row is asked alone and its neighbours again; another model's rows are halved until the refused ones are alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.scoring.rows import to_csv

MAX_BODY = 6_000_000
"""Bytes; InvokeEndpoint takes no more than 6 MiB."""
HALVINGS = 60
"""How often a model that breaks may be asked for halves. Enough for a few rows that break it; one that is down answers
none, and is not asked a thousand times."""

_NOT_NOW = (408, 429)


class Unavailable(Exception):
    """The endpoint gave no answer; later it may. `may_be_unknown`: perhaps it no longer knows the variant."""

    def __init__(self, reason: str, *, may_be_unknown: bool = False) -> None:
        super().__init__(reason)
        self.may_be_unknown = may_be_unknown


class Broken(Unavailable):
    """The model itself failed. Of a row that always breaks it this is all one learns."""


class Refused(Exception):
    """The model does not take the rows; the message is its own."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A score or a problem for each row, by its place among those that were asked."""

    scores: dict[int, float]
    problems: dict[int, str]


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of an endpoint, asked through `runtime`."""

    runtime: Any
    endpoint: str
    name: str
    columns: tuple[str, ...]

    def ask(self, rows: Sequence[list[str]]) -> list[float]:
        """A score for each row, in one request. Refused, Broken or Unavailable."""
        # With the header no row can be taken for one.
        body = to_csv([list(self.columns), *rows]).encode()
        if len(body) > MAX_BODY:
            raise Refused(f"{len(body)} bytes are more than a request may have")
        try:
            answer = self.runtime.invoke_endpoint(
                EndpointName=self.endpoint,
                TargetVariant=self.name,
                ContentType="text/csv",
                Accept="text/csv",
                Body=body,
            )
            text = answer["Body"].read().decode()
        except ClientError as error:
            raise _translated(error) from error
        except (BotoCoreError, OSError) as error:
            raise Unavailable(f"endpoint {self.endpoint}: {error}") from error
        try:
            scores = [float(value) for value in text.split()]
        except ValueError as error:
            raise Broken(f"the model answered {text[:80]!r}, which is no list of probabilities") from error
        if len(scores) != len(rows) or not all(map(isfinite, scores)):
            raise Broken(f"the model gave {len(scores)} answers to {len(rows)} rows, or one that is no number")
        return scores


def sort_out(
    ask: Callable[[Sequence[list[str]]], list[float]],
    rows: Sequence[list[str]],
    *,
    last_try: bool,
    has_time: Callable[[], bool] = lambda: True,
) -> Asked:
    """Ask for all rows at once, and where that is refused for parts, down to single rows.

    When there is no time for another request, the rows that are left have neither score nor problem.

    On the last try a model that breaks is treated as if it refused, so that one row that breaks it costs no others;
    and what gives no answer then is a problem of its rows, instead of an error.
    """
    asked = Asked({}, {})
    halvings = HALVINGS
    waiting = [(0, len(rows))] if rows else []
    while waiting and (has_time() or not (asked.scores or asked.problems)):
        first, end = waiting.pop()
        try:
            asked.scores.update(enumerate(ask(rows[first:end]), first))
            continue
        except Refused as refusal:
            reason, parts = str(refusal), _parts(first, end, str(refusal))
        except Broken as failure:
            if not last_try:
                raise
            reason, parts = str(failure), _parts(first, end, "") if halvings else []
            halvings = max(0, halvings - 1)
        except Unavailable as failure:
            if not last_try:
                raise
            reason, parts = str(failure), []
        if parts:
            waiting += reversed(parts)
        else:
            asked.problems.update(dict.fromkeys(range(first, end), _of_one_row(reason)))
    return asked


def _parts(first: int, end: int, reason: str) -> list[tuple[int, int]]:
    """The same rows in parts that are smaller: none if it is one row.

    What the model says only chooses where to cut: whether that row is the refused one, its own request will tell.
    """
    if end - first == 1:
        return []
    said = re.match(r"row (\d{1,9})\b", reason)
    place = first + int(said[1]) - 1 if said else -1
    if not first <= place < end:
        middle = (first + end) // 2
        return [(first, middle), (middle, end)]
    return [part for part in ((first, place), (place, place + 1), (place + 1, end)) if part[0] < part[1]]


def _of_one_row(reason: str) -> str:
    return reason.removeprefix("row 1, ").removeprefix("row 1: ")


def _translated(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "ModelError":
        status = int(error.response.get("OriginalStatusCode") or 500)
        text = str(error.response.get("OriginalMessage") or "the model gave no reason")
        if 400 <= status < 500 and status not in _NOT_NOW:
            return Refused(text)
        return Broken(f"the model failed ({status}): {text[:200]}")
    return Unavailable(
        f"{code}: {error.response['Error'].get('Message', '')}", may_be_unknown=code == "ValidationError"
    )
