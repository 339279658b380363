"""The lines that report requests and rewards: written by the API, read by the count.

One event is one line of JSON, on AWS in files of up to 128 MB. Reading trusts nothing: a line that is not exactly an
event raises BadEvent with a code and the reason, and no value is too long or too large to be stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from contender.errors import DataError

MANUAL = "Manual"
FALLBACK = "Fallback"
NEVER_JUDGED = frozenset({MANUAL, FALLBACK})
"""The strategies of requests that nobody assigned: a person chose the variant, or the endpoint's weights did."""

MAX_REWARD = 1_000_000_000
REWARD_DIGITS = 6
"""Rewards are kept to the millionth and up to a billion, so that their squares add up exactly in DynamoDB's 38 digits.
"""
MAX_ID = 128
MAX_INFERENCE_ID = 64
"""What SageMaker allows."""
MAX_USER = 256
MAX_ERROR = 300
MAX_LATENCY_MS = 86_400_000.0
MAXVARIANTS = 10

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
VARIANT = re.compile(r"[A-Za-z0-9](?:-*[A-Za-z0-9]){0,62}")
_MILLIONTH = Decimal(1).scaleb(-REWARD_DIGITS)


class BadEvent(DataError):
    """A line that reports nothing that can be counted; `code` says why in one word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Invocation:
    """A request that was answered, or failed.

    `experiment` is None when the settings could not be read, `target_variant` when the endpoint's weights chose,
    `endpoint_variant` (who served) when nobody did. `shares` and `propensity` are those of the assignment.
    """

    event_id: str
    at: datetime
    endpoint_name: str
    user_id: str
    inference_id: str
    strategy: str
    experiment: str | None = None
    target_variant: str | None = None
    endpoint_variant: str | None = None
    propensity: float | None = None
    shares: Mapping[str, float] | None = None
    status: int = 200
    latency_ms: float | None = None
    error: str | None = None

    @property
    def judged(self) -> bool:
        """Whether an experiment may draw conclusions from it."""
        return self.strategy not in NEVER_JUDGED

    @property
    def failed(self) -> bool:
        return self.status >= 400

    @property
    def variant(self) -> str | None:
        """Who is credited: who served, or for a failure who was to serve."""
        return self.endpoint_variant or self.target_variant

    def line(self) -> bytes:
        """The event as it goes to Firehose, its newline included."""
        return _line(
            {
                "type": "invocation",
                "event_id": self.event_id,
                "at": self.at.isoformat(timespec="milliseconds"),
                "endpoint_name": self.endpoint_name,
                "experiment": self.experiment,
                "user_id": self.user_id,
                "inference_id": self.inference_id,
                "strategy": self.strategy,
                "target_variant": self.target_variant,
                "endpoint_variant": self.endpoint_variant,
                "propensity": self.propensity,
                "shares": self.shares and dict(self.shares),
                "status": self.status,
                "latency_ms": self.latency_ms and round(self.latency_ms, 3),
                "error": self.error and self.error[:MAX_ERROR],
            }
        )


@dataclass(frozen=True, slots=True)
class Conversion:
    """A reward for a request; a request may have several, under several names."""

    event_id: str
    at: datetime
    endpoint_name: str
    user_id: str
    inference_id: str
    reward: Decimal
    name: str = "reward"

    def line(self) -> bytes:
        """The event as it goes to Firehose, its newline included."""
        return _line(
            {
                "type": "conversion",
                "event_id": self.event_id,
                "at": self.at.isoformat(timespec="milliseconds"),
                "endpoint_name": self.endpoint_name,
                "user_id": self.user_id,
                "inference_id": self.inference_id,
                "reward": float(self.reward),
                "name": self.name,
            }
        )


Event = Invocation | Conversion


def parse(line: bytes) -> Event:
    """Read one line; BadEvent says what is wrong with it."""
    try:
        fields = json.loads(line, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise BadEvent("malformed", "the line is not JSON") from error
    if not isinstance(fields, dict):
        raise BadEvent("foreign", "the line is not a JSON object")
    match fields.get("type"):
        case "invocation":
            return _invocation(fields)
        case "conversion":
            return _conversion(fields)
        case other:
            raise BadEvent("foreign", f"type {str(other)[:40]!r} is neither invocation nor conversion")


def checked_reward(value: object) -> Decimal:
    """A reward as it is counted; BadEvent for what is no number or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadEvent("malformed", f"reward {str(value)[:40]!r} is not a number")
    try:
        reward = Decimal(str(value))
        if not abs(reward) <= MAX_REWARD:
            raise BadEvent("malformed", f"reward {str(value)[:40]} is too large: at most {MAX_REWARD:,}")
        return reward.quantize(_MILLIONTH)
    except InvalidOperation as error:
        raise BadEvent("malformed", f"reward {str(value)[:40]} is not a finite number") from error


def checked_reward_name(value: object) -> str:
    """The name of a reward; BadEvent for what cannot be one."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise BadEvent("malformed", f"name {str(value)[:40]!r} is no name: 1 to 40 letters, digits and . _ -")


def _invocation(fields: Mapping[str, Any]) -> Invocation:
    event = Invocation(
        event_id=_text(fields, "event_id", MAX_ID),
        at=_time(fields, "at"),
        endpoint_name=_text(fields, "endpoint_name", 63),
        user_id=_text(fields, "user_id", MAX_USER),
        inference_id=_text(fields, "inference_id", MAX_INFERENCE_ID),
        strategy=_text(fields, "strategy", 40),
        experiment=_optional_text(fields, "experiment", 80),
        target_variant=_variant(fields, "target_variant"),
        endpoint_variant=_variant(fields, "endpoint_variant"),
        propensity=_number(fields, "propensity", 1.0),
        shares=_shares(fields),
        status=_status(fields),
        latency_ms=_number(fields, "latency_ms", MAX_LATENCY_MS),
        error=_optional_text(fields, "error", None),
    )
    if event.variant is None:
        raise BadEvent("no_variant", "no variant served the request, and none was to")
    if event.judged and not (event.shares and event.variant in event.shares and event.experiment):
        raise BadEvent("malformed", f"an assigned request needs its experiment, and shares that hold {event.variant!r}")
    return event


def _conversion(fields: Mapping[str, Any]) -> Conversion:
    return Conversion(
        event_id=_text(fields, "event_id", MAX_ID),
        at=_time(fields, "at"),
        endpoint_name=_text(fields, "endpoint_name", 63),
        user_id=_text(fields, "user_id", MAX_USER),
        inference_id=_text(fields, "inference_id", MAX_INFERENCE_ID),
        reward=checked_reward(fields.get("reward")),
        name=checked_reward_name(fields.get("name", "reward")),
    )


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadEvent("malformed", f"{name} is missing or no text")
    if len(value) > longest:
        raise BadEvent("malformed", f"{name} has {len(value)} characters: at most {longest}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadEvent("malformed", f"{name} holds half a character") from error
    return value


def _optional_text(fields: Mapping[str, Any], name: str, longest: int | None) -> str | None:
    if fields.get(name) is None:
        return None
    if longest is None:
        return str(fields[name])[:MAX_ERROR]
    return _text(fields, name, longest)


def _variant(fields: Mapping[str, Any], name: str) -> str | None:
    value = _optional_text(fields, name, 63)
    if value is not None and not VARIANT.fullmatch(value):
        raise BadEvent("malformed", f"{name} {value[:40]!r} is no variant")
    return value


def _time(fields: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(fields, name, 40))
        if at.tzinfo is None:
            raise BadEvent("malformed", f"{name} names no time zone")
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadEvent("malformed", f"{name} is no ISO time") from error


def _number(fields: Mapping[str, Any], name: str, most: float) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadEvent("malformed", f"{name} is not a number")
    if not 0 <= value <= most:
        raise BadEvent("malformed", f"{name} {str(value)[:40]} is out of range")
    return float(value)


def _status(fields: Mapping[str, Any]) -> int:
    value = fields.get("status")
    if isinstance(value, int) and 100 <= value <= 599:
        return value
    raise BadEvent("malformed", f"status {str(value)[:40]!r} is no HTTP status")


def _shares(fields: Mapping[str, Any]) -> dict[str, float] | None:
    value = fields.get("shares")
    if value is None:
        return None
    if not isinstance(value, dict) or not 1 <= len(value) <= MAXVARIANTS:
        raise BadEvent("malformed", f"shares must be an object of 1 to {MAXVARIANTS} variants")
    if not all(VARIANT.fullmatch(name) for name in value):
        raise BadEvent("malformed", "shares name what is no variant")
    shares = {name: _number(value, name, 1.0) for name in value}
    known = {name: share for name, share in shares.items() if share is not None}
    if len(known) != len(shares) or abs(sum(known.values()) - 1.0) > 1e-3:
        raise BadEvent("malformed", "shares must be numbers that add up to 1")
    return known
