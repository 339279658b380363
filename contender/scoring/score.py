"""A message becomes items: its rows are read, asked for in one request, pinned, written, and settled.

    message ─► settled before? ─► rows ─► endpoint ─► pinned ─► rows in the table ─► settled ─► all of them? ─► finish
                  duplicate                 │ no answer: the message comes back, later and later
                                            │ no answer on the last try: its rows failed
                                            ├ refused rows ─► dead-letter queue
                                            └ so many that the time is up ─► another message for the rest

A process that ends anywhere in between has done nothing that the next one does otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contender.errors import DataError, NotFoundError
from contender.naming import Names
from contender.scoring.answers import Answers, Problem, laid_out
from contender.scoring.batch_result import refusals, scores_of
from contender.scoring.chunk import Chunk
from contender.scoring.dead_letters import DeadLetters
from contender.scoring.file import File, State
from contender.scoring.finishing import Finishing, bytes_of
from contender.scoring.model import Asked, Unavailable, Variant, sort_out
from contender.scoring.rows import Row, pick, rows_of
from contender.scoring.scorer import Scorer, Scorers, lacking
from contender.scoring.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What scoring a message takes."""

    names: Names
    s3: Any
    runtime: Any
    scorers: Scorers
    store: Store
    finishing: Finishing
    dead_letters: DeadLetters
    send: Callable[[str], None]
    """Puts a message into the queue of rows."""
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of one try of a message."""

    last_try: bool
    has_time: Callable[[], bool]


class Scoring:
    """Scores one message after the other."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def score(
        self,
        body: str,
        *,
        delivered_before: bool,
        last_try: bool,
        has_time: Callable[[], bool] = lambda: True,
    ) -> dict[str, Any]:
        """Bring one message to its end; what became of it. Any exception means: it must come back.

        Where there is no time for all of its rows, another message goes on with those that are left.
        """
        parts = self._parts
        try:
            chunk = Chunk.from_body(body)
        except DataError as error:
            parts.dead_letters.send(body, str(error))
            return {"outcome": "refused", "reason": str(error)}
        file = parts.store.file(chunk.dimension, chunk.file, chunk.upload)
        if file is None:
            reason = f"file {chunk.file!r} of dimension {chunk.dimension!r} is not known"
            if not last_try:
                raise NotFoundError(reason)
            parts.dead_letters.send(body, reason)
            return {"outcome": "refused", "reason": reason}
        told = {"dimension": chunk.dimension, "file": chunk.file, "chunk": chunk.number}
        if chunk.attempt == 0 and chunk.number in file.settled:
            self._end(file, chunk)
            return {**told, "outcome": "duplicate"}
        answers = parts.store.pinned(chunk) if delivered_before else None
        if answers is None:
            answers = parts.store.pin(self._answer(file, chunk, _Limits(last_try, has_time)))
        written = parts.store.write(answers)
        if answers.problems:
            self._tell(answers)
        if left := answers.left:
            rest = chunk.again(left)
            # Once it was answered it goes its own way, and a repeated message would only make more of them.
            if parts.store.pinned(rest) is None:
                parts.send(rest.body)
        else:
            self._end(parts.store.settle(chunk), chunk)
        return {**told, "outcome": "scored", "rows": written, "failed": len(answers.problems), "left": len(left)}

    def _end(self, file: File, chunk: Chunk) -> None:
        """The last chunk finishes the file; every second try does it once more, for the report."""
        if file.complete and (file.state is not State.FINISHED or chunk.attempt):
            self._parts.finishing.finish(file)

    def _tell(self, answers: Answers) -> None:
        """One message for the failed rows of the chunk: as it stands it is the next try for them."""
        places = tuple(sorted(answers.problems))
        first = places[0]
        more = f", and {len(places) - 1} more" if len(places) > 1 else ""
        reason = f"row {answers.chunk.row + first}{more}: {answers.problems[first].reason}"
        self._parts.dead_letters.send(answers.chunk.again(places).body, reason)

    def _answer(self, file: File, chunk: Chunk, limits: _Limits) -> Answers:
        scorer = Scorer(self._parts.names.endpoint(file.dimension), file.version, file.columns)
        data = bytes_of(self._parts.s3, file, chunk)
        if data is None:
            gone = Asked({}, dict.fromkeys(chunk.places, "the file was deleted before this row was read"))
            return self._answers(chunk, scorer, gone, {})
        read = rows_of(data, chunk.line)
        if len(read) != chunk.rows:
            raise DataError(f"{chunk.file}, chunk {chunk.number}: {len(read)} rows where {chunk.rows} were counted")
        rows = {place: read[place] for place in chunk.places}
        if chunk.is_scored:
            scores, blank = scores_of(rows)
            told = refusals(self._parts.s3, chunk.source, chunk.refused, len(blank))
            problems = dict(zip(blank, told, strict=True))
            return self._answers(chunk, scorer, Asked(scores, {}), {}, problems)
        if chunk.source.bucket != file.source.bucket:
            # The rows as the batch pipeline gave them back have one more value.
            rows = {place: replace(row, values=row.values[:-1]) for place, row in rows.items()}
        scorer, asked = self._ask(file, scorer, rows, limits)
        return self._answers(chunk, scorer, asked, rows)

    def _ask(self, file: File, scorer: Scorer, rows: Mapping[int, Row], limits: _Limits) -> tuple[Scorer, Asked]:
        """Ask the version that the file was begun with; where it no longer serves, its successor."""
        if problem := lacking(file.file, file.header, scorer):
            return scorer, Asked({}, dict.fromkeys(rows, problem))
        picked = pick(rows, file.header, scorer.columns)
        places, values = list(picked.values), list(picked.values.values())
        variant = Variant(self._parts.runtime, scorer.endpoint, scorer.variant, scorer.columns)
        try:
            asked = sort_out(variant.ask, values, last_try=False, has_time=limits.has_time)
        except Unavailable as failure:
            successor = self._successor(file.dimension, scorer) if failure.may_be_unknown else None
            if successor is not None:
                return self._ask(file, successor, rows, limits)
            if not limits.last_try:
                raise
            asked = sort_out(variant.ask, values, last_try=True, has_time=limits.has_time)
        return scorer, Asked(
            {places[number]: score for number, score in asked.scores.items()},
            picked.problems | {places[number]: problem for number, problem in asked.problems.items()},
        )

    def _successor(self, dimension: str, scorer: Scorer) -> Scorer | None:
        try:
            found = self._parts.scorers.find(dimension)
        except (NotFoundError, DataError):
            return None
        return found if found.version != scorer.version else None

    def _answers(
        self,
        chunk: Chunk,
        scorer: Scorer,
        asked: Asked,
        rows: Mapping[int, Row],
        problems: Mapping[int, Problem] | None = None,
    ) -> Answers:
        lines = {place: row.line for place, row in rows.items()}
        found = {place: Problem(lines.get(place, 0), reason) for place, reason in asked.problems.items()}
        return Answers(
            chunk,
            scorer.variant,
            scorer.version,
            self._parts.clock(),
            laid_out(chunk, asked.scores),
            {**found, **(problems or {})},
        )
