"""What every page works with: the settings, one stage's names, clients whose calls are counted, and what is kept."""

from __future__ import annotations

import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from contender import aws
from contender.config import Settings
from contender.naming import Names
from contender.rollout.ledger import Ledger
from contender.studio.kept import Kept
from contender.studio.turns import Turns

T = TypeVar("T")
COUNTING = "contender-studio"
"""A client that somebody else has made, for several desks, counts its calls once."""
AT_ONCE = 16
"""AWS calls under way at the same time, of all pages together."""

_calls: contextvars.ContextVar[Counter[str] | None] = contextvars.ContextVar("calls", default=None)


def counted() -> Counter[str]:
    """A fresh count of AWS calls by operation: all that is asked in this context from now on is in it."""
    calls: Counter[str] = Counter()
    _calls.set(calls)
    return calls


class Clients:
    """boto3 clients by service, made once each; every request that leaves one is counted, retries too."""

    def __init__(self, connect: aws.Connect, region: str) -> None:
        self._connect, self._region = connect, region
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        with self._lock:  # making a client is not safe in two threads at once, using one is
            if service not in self._made:
                client = self._connect(service, self._region)
                client.meta.events.register_first("before-send", _count, unique_id=COUNTING)
                self._made[service] = client
            return self._made[service]


SERVICES = ("sagemaker", "dynamodb", "cloudwatch", "s3", "logs", "lambda", "sts")
"""What pages ask; making their clients takes half a second, which nobody should wait for."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """One stage of one project; `stage` is the key of its names, "" for the last one."""

    settings: Settings
    client: Clients
    stage: str = ""
    clock: Callable[[], datetime] = _utc_now
    kept: Kept = field(default_factory=lambda: Kept(_utc_now))
    turns: Turns = field(default_factory=Turns)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "aws"))

    @property
    def names(self) -> Names:
        return Names(self.settings.project, self.stage)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), self.names.table("rollouts"))

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the project's stages in their order; empty where there is only one."""
        return tuple(name for name, _ in self.settings.stages_in_order) if self.settings.stages else ()

    @property
    def stage_name(self) -> str:
        """The stage as contender.yaml calls it; "" where there is only one."""
        return (self.stage or self.settings.last_stage or "") if self.settings.stages else ""

    def at(self, stage: str | None) -> Desk:
        """The same in the stage of this name; NotFoundError if there is none."""
        return replace(self, stage=self.settings.stage_key(stage or None))

    def warm_up(self) -> None:
        """Make the clients before somebody asks."""
        for service in SERVICES:
            self.client(service)

    def renewed(self, key: Hashable, seconds: float, read: Callable[[], T], weight: int = 1) -> T:
        """What is kept, as `kept.get` keeps it; where reading it again takes long, what was read before is given once
        more, and the new is there for whoever comes next. For long lists, never for what an action may wait for."""
        return self.kept.renew(key, seconds, read, self.later, weight)

    def later(self, read: Callable[[], T]) -> Future[T]:
        """Begin to read now, and go on. Pages do this, never what a page reads with: a wait within a wait may hang."""
        return self.pool.submit(contextvars.copy_context().run, read)


def _count(event_name: str = "", **_: Any) -> None:
    calls = _calls.get()
    if calls is not None:
        calls[event_name.removeprefix("before-send.")] += 1
