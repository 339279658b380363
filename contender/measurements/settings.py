"""How an endpoint's requests are shared out now: what the API reads, and who may write it.

One item per endpoint. Two write it: the tick while it rolls something out, and otherwise registration, which copies
the endpoint's live weights. `owner` says whose turn it is, `revision` orders what the tick publishes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from contender.errors import NamingError

DEFAULT_BUCKET_S = 3600
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_EXPERIMENT = re.compile(r"(.+)-e([1-9][0-9]{0,8})")


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Owner(StrEnum):
    """Whose shares they are: the tick's, or the endpoint's live weights."""

    ROLLOUT = "rollout"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class Settings:
    """An endpoint's experiment. `endpoint_created_at` tells the endpoint from one deleted and made again."""

    endpoint: str
    experiment: str
    shares: Mapping[str, float]
    strategy: str = "Weighted"
    epsilon: float = 0.0
    floor: float = 0.0
    warm_up: int = 0
    sticky: str = "hash"
    bucket_s: int = DEFAULT_BUCKET_S
    status: Status = Status.OPEN
    owner: Owner = Owner.WEIGHTS
    revision: int = 0
    updated_at: datetime = NEVER
    endpoint_created_at: datetime = NEVER

    @property
    def open(self) -> bool:
        return self.status is Status.OPEN

    @property
    def number(self) -> int:
        """The experiment's number; NamingError when the experiment is not this endpoint's."""
        number = experiment_number(self.endpoint, self.experiment)
        if number is None:
            raise NamingError(f"experiment {self.experiment!r} is none of endpoint {self.endpoint!r}: use its own name")
        return number

    def to_item(self) -> dict[str, dict[str, Any]]:
        """All but the keys."""
        return {
            "experiment": {"S": self.experiment},
            "number": {"N": str(self.number)},
            "shares": {"S": json.dumps(dict(self.shares))},
            "strategy": {"S": self.strategy},
            "epsilon": {"N": str(self.epsilon)},
            "floor": {"N": str(self.floor)},
            "warm_up": {"N": str(self.warm_up)},
            "sticky": {"S": self.sticky},
            "bucket_s": {"N": str(self.bucket_s)},
            "status": {"S": self.status},
            "owner": {"S": self.owner},
            "revision": {"N": str(self.revision)},
            "updated_at": {"S": self.updated_at.isoformat()},
            "endpoint_created_at": {"S": self.endpoint_created_at.isoformat()},
        }

    @classmethod
    def from_item(cls, endpoint: str, item: Mapping[str, Mapping[str, Any]]) -> Self:
        def text(name: str) -> str:
            return str(item[name]["S"])

        def number(name: str) -> str:
            return str(item[name]["N"])

        return cls(
            endpoint=endpoint,
            experiment=text("experiment"),
            shares=json.loads(text("shares")),
            strategy=text("strategy"),
            epsilon=float(number("epsilon")),
            floor=float(number("floor")),
            warm_up=int(number("warm_up")),
            sticky=text("sticky"),
            bucket_s=int(number("bucket_s")),
            status=Status(text("status")),
            owner=Owner(text("owner")),
            revision=int(number("revision")),
            updated_at=datetime.fromisoformat(text("updated_at")),
            endpoint_created_at=(
                datetime.fromisoformat(text("endpoint_created_at")) if "endpoint_created_at" in item else NEVER
            ),
        )


def experiment_id(endpoint: str, number: int) -> str:
    return f"{endpoint}-e{number}"


def experiment_number(endpoint: str, experiment: str) -> int | None:
    """The number of one of this endpoint's experiments; None for another endpoint's, whose name may be a part of it."""
    match = _EXPERIMENT.fullmatch(experiment)
    return int(match[2]) if match and match[1] == endpoint else None


def registered(
    current: Settings | None,
    endpoint: str,
    shares: Mapping[str, float],
    created_at: datetime,
    now: datetime,
    bucket_s: int,
    sticky: str,
) -> Settings:
    """The settings of an endpoint that is in service, given those it has; equal to them when nothing is to be written.

    The same endpoint keeps its experiment, and with it its counts. One that was deleted and made again begins a new
    one, whether its deletion was heard of or not. Shares follow the live weights unless a rollout publishes them.
    """
    if current is None or _made_again(current, created_at):
        return Settings(
            endpoint,
            experiment_id(endpoint, current.number + 1 if current else 1),
            shares,
            sticky=sticky,
            bucket_s=bucket_s,
            updated_at=now,
            endpoint_created_at=created_at,
        )
    known = replace(current, endpoint_created_at=created_at, status=Status.OPEN)
    live = replace(known, shares=shares, bucket_s=bucket_s, sticky=sticky)
    return known if current.owner is Owner.ROLLOUT or live == known else replace(live, updated_at=now)


def _made_again(current: Settings, created_at: datetime) -> bool:
    """Whether settings are of an endpoint before this one; the tick may have published for this one already."""
    if not current.open:
        return current.endpoint_created_at != created_at
    if current.owner is Owner.ROLLOUT and current.updated_at >= created_at:
        return False
    if current.endpoint_created_at == NEVER:
        return current.updated_at < created_at
    return current.endpoint_created_at != created_at
