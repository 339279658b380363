"""Not here yet."""

from __future__ import annotations

from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs.job import Job


def execute(context: Context, job: Job) -> None: ...


def end(context: Context, name: str, status: str, reason: str | None) -> None: ...


OPERATIONS: dict[str, Handler] = {}
