"""What a handler works with: state, clock, settings, and the services of the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from contender.local.api.operations import Dispatcher
from contender.local.aws import Aws
from contender.local.settings import LocalSettings
from contender.local.store import Store

if TYPE_CHECKING:
    from contender.local.jobs.runner import JobRunner
    from contender.local.monitoring.monitor import Monitoring
    from contender.local.pipelines.engine import Engine
    from contender.local.serving.control import Serving
    from contender.local.warm.client import Warm


class Publisher(Protocol):
    """Sends a state change to EventBridge."""

    def __call__(self, detail_type: str, resources: Sequence[str], detail: dict[str, Any]) -> None: ...


def utc_now() -> datetime:
    """Now, in whole milliseconds as AWS counts."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(slots=True)
class Context:
    """One per server. The five services are set by `server.py` once everything exists; handlers only read them."""

    settings: LocalSettings
    store: Store
    aws: Aws
    dispatcher: Dispatcher
    publish: Publisher
    clock: Callable[[], datetime] = utc_now
    warm: Warm = field(init=False)
    jobs: JobRunner = field(init=False)
    engine: Engine = field(init=False)
    serving: Serving = field(init=False)
    monitoring: Monitoring = field(init=False)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run another operation as a client would: same validation, same errors."""
        return self.dispatcher.call(self, operation, request)

    def arn(self, resource: str) -> str:
        """The ARN of `resource`, say `training-job/my-job`."""
        return f"arn:aws:sagemaker:{self.settings.region}:{self.settings.account}:{resource}"
