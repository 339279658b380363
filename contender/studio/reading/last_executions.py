"""The last execution of each dimension, without reading all there ever were each time.

The newest are listed again until they are as they were; further back a few more pages are looked through each time
somebody asks, until all have been seen, or as many as are remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from contender.errors import NotFoundError
from contender.executions.listing import PAGE, executions
from contender.studio.reading.summary import Summary

FIRST_PAGES, MORE_PAGES = 3, 2
"""Pages of a list that are read the first time, and further back each time after."""
NEWEST_PAGES = 5
"""Through which is looked for what goes on still."""
MOST = 20_000
"""Executions of a pipeline that are remembered."""

Page = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LastExecutions:
    """By dimension; `looked_through` is how many executions were, `complete` whether those are all there are."""

    of: Mapping[str, Summary]
    looked_through: int = 0
    complete: bool = True


class Memory:
    """What was seen of a project's executions; two who ask at once ask AWS once after the other."""

    def __init__(self) -> None:
        self._pipelines: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def read(self, sagemaker: Any, pipelines: Sequence[str]) -> LastExecutions:
        """As they are now. A pipeline that is not deployed has none."""
        with self._lock:
            for pipeline in pipelines:
                try:
                    self._pipelines.setdefault(pipeline, _Seen()).look(_pages(sagemaker, pipeline))
                except NotFoundError:
                    self._pipelines.pop(pipeline, None)
            seen = self._pipelines.values()
            found = sorted(chain(*(one.last.items() for one in seen)), key=lambda item: item[1].started)
            return LastExecutions(
                dict(found), sum(one.looked_through for one in seen), all(one.complete for one in seen)
            )


class _Seen:
    """Of one pipeline: which executions were seen, which of them run, and each dimension's last."""

    def __init__(self) -> None:
        self.last: dict[str, Summary] = {}
        self.complete = False
        self._seen: set[str] = set()
        self._running: dict[str, datetime] = {}
        self._further: Iterator[Page] | None = None

    @property
    def looked_through(self) -> int:
        return len(self._seen)

    def look(self, pages: Iterator[Page]) -> None:
        """At the newest, and a little further back than before."""
        if self._further is None:
            self._look_further(pages, FIRST_PAGES)
            self._further = pages
            return
        for page in islice(pages, NEWEST_PAGES):
            oldest = page[-1]
            caught_up = oldest["PipelineExecutionArn"] in self._seen
            self._remember(page)
            if caught_up and not any(started < oldest["StartTime"] for started in self._running.values()):
                break
        if not self.complete and self.looked_through < MOST:
            self._look_further(self._further, MORE_PAGES)

    def _look_further(self, pages: Iterator[Page], most: int) -> None:
        count = 0
        for page in islice(pages, most):
            self._remember(page)
            count += 1
        self.complete = count < most

    def _remember(self, page: Page) -> None:
        for found in map(Summary.of, page):
            self._seen.add(found.arn)
            if found.running:
                self._running[found.arn] = found.started
            else:
                self._running.pop(found.arn, None)
            before = self.last.get(found.dimension)
            if found.dimension and (before is None or before.started <= found.started):
                self.last[found.dimension] = found


def _pages(sagemaker: Any, pipeline: str) -> Iterator[Page]:
    """Lists of summaries, the latest first."""
    found = executions(sagemaker, pipeline)
    while page := list(islice(found, PAGE)):
        yield page
