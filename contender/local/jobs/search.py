"""The search of a tuning job, as the server asks for it: a warm process runs Optuna and answers line by line."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from contender.local.context import Context
from contender.local.jobs.ending import last_line
from contender.local.jobs.job import Job, JobFailed
from contender.local.jobs.surroundings import environment
from contender.local.warm.client import Launch, WarmLost

LAST_WORDS_S = 2.0
TUNER = ("-c", "import sys; from contender.local.containers.tuner import main; sys.exit(main())")


class Search:
    """The studies of one tuning job; every method raises JobFailed when the tuner's process is gone."""

    def __init__(self, channel: socket.socket, why: Callable[[], str]) -> None:
        """`why` tells, after the process ended, what it said last."""
        self._lines = channel.makefile("rw")
        self._why = why

    def open(self, study: int, asked: Mapping[str, Any]) -> None:
        self._ask({"open": {**asked, "study": study}})

    def ask(self, study: int) -> tuple[int, dict[str, str]] | None:
        """A new trial's number and hyperparameters; None when every combination was tried."""
        answer = self._ask({"ask": study})
        return None if "exhausted" in answer else (answer["trial"], answer["parameters"])

    def report(self, study: int, trial: int, values: Sequence[tuple[int, float]]) -> bool:
        """Values of the objective on the way, as (step, value); whether the trial should stop early."""
        return bool(self._ask({"report": study, "trial": trial, "values": list(values)})["prune"])

    def tell(self, study: int, trial: int, value: float | None, *, pruned: bool = False) -> None:
        self._ask({"tell": study, "trial": trial, "value": value, "pruned": pruned})

    def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._lines.write(json.dumps(message) + "\n")
            self._lines.flush()
            line = self._lines.readline()
        except OSError as error:
            raise JobFailed(f"InternalServerError: the search ended: {self._why() or error}") from error
        if not line:
            raise JobFailed(f"InternalServerError: the search ended: {self._why()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_search(context: Context, job: Job) -> Iterator[Search]:
    """A search in a process that lives as long as the block. Raises JobFailed."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            launch = Launch(TUNER, environment(context, job), str(job.directory), {}, str(job.log), 1)
            process = context.warm.start(launch, theirs)
        except WarmLost as error:
            raise JobFailed(f"InternalServerError: {error}") from error
        finally:
            theirs.close()

        def why() -> str:
            process.wait(LAST_WORDS_S)
            return last_line(job.log)

        try:
            yield Search(ours, why)
        finally:
            process.close()
