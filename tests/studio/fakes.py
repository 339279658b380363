"""A client of AWS as far as the desk looks at it, and a desk that has no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from contender.config import Settings
from contender.studio.desk import Clients, Desk

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class FakeClient:
    """Operations are the business of whoever extends it; calls of a fake are not counted."""

    meta = SimpleNamespace(events=SimpleNamespace(register_first=lambda *_, **__: None))


def desk_of(client: Any, clock: Callable[[], datetime] = lambda: NOON) -> Desk:
    """A desk at which every service is this client, at noon."""
    return Desk(Settings(), Clients(lambda service, region: client, "us-east-1"), clock=clock)
