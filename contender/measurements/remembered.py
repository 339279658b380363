"""The events table: what is remembered of every request, reward and user, so that each is counted once.

    request#<endpoint>#<inference id>    who served it and when, and its rewards so far; its rewards alone until the
                                         request itself is reported
    reward#<event id>                    this reward was counted
    user#<experiment>#<user>             this user was counted

An item lapses (`expires`) only after events of its time are no longer accepted, so forgetting never counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

REQUEST = "request#"
Item = Mapping[str, Mapping[str, Any]]

ACCEPTED_FOR = timedelta(days=35)
"""Longer than a message can spend in a queue and its dead-letter queue, 14 days in each."""
REMEMBERED_FOR = ACCEPTED_FOR + timedelta(days=1)
USER_REMEMBERED_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `event_id` is "" until it is reported; totals are in millionths; revision 0 is not yet written."""

    event_id: str = ""
    experiment: str = ""
    variant: str = ""
    start: str = ""
    judged: bool = False
    totals: Mapping[str, int] = field(default_factory=dict)
    conversions: Mapping[str, int] = field(default_factory=dict)
    expires: int = 0
    revision: int = 0

    @property
    def reported(self) -> bool:
        return bool(self.event_id)

    def rewarded(self, name: str, total: int, expires: int) -> Request:
        """With one more reward of this name, which brings its total to `total`."""
        return replace(
            self,
            totals={**self.totals, name: total},
            conversions={**self.conversions, name: self.conversions.get(name, 0) + 1},
            expires=max(self.expires, expires),
        )

    def to_item(self, key: str, revision: int) -> dict[str, dict[str, Any]]:
        return {
            "pk": {"S": key},
            "event_id": {"S": self.event_id},
            "experiment": {"S": self.experiment},
            "variant": {"S": self.variant},
            "start": {"S": self.start},
            "judged": {"BOOL": self.judged},
            "totals": {"M": {name: {"N": str(total)} for name, total in self.totals.items()}},
            "conversions": {"M": {name: {"N": str(number)} for name, number in self.conversions.items()}},
            "expires": {"N": str(self.expires)},
            "revision": {"N": str(revision)},
        }

    @classmethod
    def from_item(cls, item: Item) -> Request:
        return cls(
            event_id=item["event_id"]["S"],
            experiment=item["experiment"]["S"],
            variant=item["variant"]["S"],
            start=item["start"]["S"],
            judged=item["judged"]["BOOL"],
            totals={name: int(value["N"]) for name, value in item["totals"]["M"].items()},
            conversions={name: int(value["N"]) for name, value in item["conversions"]["M"].items()},
            expires=int(item["expires"]["N"]),
            revision=int(item["revision"]["N"]),
        )


def request_key(endpoint: str, inference_id: str) -> str:
    return f"{REQUEST}{endpoint}#{inference_id}"


def reward_key(event_id: str) -> str:
    return f"reward#{event_id}"


def user_key(experiment: str, user: str) -> str:
    return f"user#{experiment}#{user}"


def marker(key: str, expires: int) -> dict[str, dict[str, Any]]:
    """The item of a reward or user, of which no more is remembered than that it was counted."""
    return {"pk": {"S": key}, "expires": {"N": str(expires)}}


def expiry(at: datetime, remembered_for: timedelta = REMEMBERED_FOR) -> int:
    return int((at + remembered_for).timestamp())
