"""One row a dimension: who serves, who challenges, how it stands, and what asks for a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.query import Paged
from contender.studio.reading import portfolio
from contender.studio.reading.metrics import COARSE
from contender.studio.reading.portfolio import Dimension
from contender.studio.rendering import render

ROWS = 50
EVERY_S = 5
LONG_AGO = datetime.fromtimestamp(0, UTC)
NUMBERS = re.compile(r"(\d+)")

FILTERS: Mapping[str, tuple[str, Callable[[Dimension], bool]]] = {
    "all": ("all", lambda each: True),
    "attention": ("asks for a person", lambda each: bool(each.problems)),
    "challenged": ("challenger under way", lambda each: bool(each.challengers)),
    "running": ("execution runs", lambda each: bool(each.execution and each.execution.status == "Executing")),
    "failed": ("last execution failed", lambda each: bool(each.execution and each.execution.status == "Failed")),
    "alarms": ("alarms", lambda each: bool(each.alarms)),
    "waiting": ("waits for approval", lambda each: bool(each.waiting)),
    "paused": ("paused", lambda each: bool(each.state and each.state.paused)),
    "unserved": ("nothing serves", lambda each: each.champion is None),
}
SORTS: Mapping[str, tuple[str, Callable[[Dimension], Any]]] = {
    "attention": ("what asks for a person first", lambda each: -len(each.problems)),
    "dimension": ("dimension", lambda each: ()),
    "execution": (
        "last execution, newest first",
        lambda each: -(each.execution.started if each.execution else LONG_AGO).timestamp(),
    ),
    "phase": ("phase of the rollout", lambda each: each.track.phase.value if each.track else "~"),
    "share": (
        "the challengers' share, largest first",
        lambda each: each.state.shares.get(each.champion, 0.0) if each.state and each.champion else 2.0,
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants to see of the list."""

    search: str
    filter: str
    sort: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """Of an address; what it says wrongly is as if it did not say it."""
        return cls(
            query.get("q", "").strip()[:100],
            query["show"] if query.get("show") in FILTERS else "all",
            query["sort"] if query.get("sort") in SORTS else "attention",
        )

    def of_all(self, found: Sequence[Dimension]) -> list[Dimension]:
        """Those that are wanted, in order: `region-2` before `region-10`."""
        wanted = FILTERS[self.filter][1]
        chosen = [each for each in found if self.search.lower() in each.name.lower() and wanted(each)]
        return sorted(chosen, key=lambda each: (SORTS[self.sort][1](each), natural(each.name)))


def page(desk: Desk, request: Request) -> Response:
    choice = Choice.of(request.query_params)
    window = COARSE.get(request.query_params.get("window", ""), COARSE["hour"])
    gaps = Gaps()
    everything = portfolio.dimensions(desk, gaps)
    executions = portfolio.last_executions(desk)
    chosen = choice.of_all(everything)
    paged = Paged.of(chosen, ROWS, request.query_params.get("page", ""))
    return render(
        request,
        "overview.html",
        desk=desk,
        every_s=EVERY_S,
        choice=choice,
        filters={key: (words, sum(map(fits, everything))) for key, (words, fits) in FILTERS.items()},
        sorts={key: words for key, (words, _) in SORTS.items()},
        window=window,
        windows=COARSE.values(),
        total=len(everything),
        found=len(chosen),
        rows=paged.rows,
        looked_through=0 if executions.complete else executions.looked_through,
        sparks=gaps.fill("Traffic and rewards", {}, lambda: portfolio.sparks(desk, paged.rows, window)),
        gaps=gaps.sentences,
        number=paged.number,
        pages=paged.pages,
    )


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that orders numbers within names by their size."""
    return tuple((int(part), "") if part.isdecimal() else (0, part.lower()) for part in NUMBERS.split(name))
