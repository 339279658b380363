"""Every private name of MiniStack that we rely on, and what we change there.

MiniStack has no plugin mechanism. Its version is pinned, and each function here has a test in
`tests/local/test_ministack_patches.py` that fails when an upgrade moves the name it uses.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]

_object_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("object_version", default=None)


def application() -> App:
    """MiniStack's ASGI application. The environment must be complete: importing it reads settings."""
    from ministack import app

    return app.app  # type: ignore[no-any-return]


def put_events(entries: list[dict[str, Any]]) -> Response:
    """Publish events on the default bus, `aws.*` sources included, which the public PutEvents refuses."""
    from ministack.services import eventbridge

    return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)  # type: ignore[no-any-return]


def set_region(region: str) -> None:
    """The region that events published in the current task belong to."""
    from ministack.core.responses import set_request_region

    set_request_region(region)


def states() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each service in use, by the name of its state file, with the function that reads its state."""
    from ministack import app

    yield from app._build_persistence_save_dict().items()


def save(service: str, state: Any) -> None:
    """Write one service's state to its file, atomically."""
    from ministack.core import persistence

    persistence.save_state(service, state)


def tell_object_versions() -> None:
    """Add the missing `version-id` to S3's EventBridge events of versioned buckets, where AWS has it."""
    from ministack.services import eventbridge, s3

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_with_version(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _object_version.set(version_id)
        try:
            fire(*args, version_id=version_id, **kwargs)
        finally:
            _object_version.reset(token)

    def dispatch_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        version = _object_version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, *args, **kwargs)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version
