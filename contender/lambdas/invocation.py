"""Answers POST /invocation: gives a user a variant, asks it, and reports what came of it.

    {"endpoint_name": "contender-SM-1", "user_id": "u7", "content_type": "text/csv", "data": "1.5,0,no"}
      →  {"endpoint_name": "contender-SM-1", "user_id": "u7", "strategy": "Thompson", "target_variant": "v4",
          "endpoint_variant": "v4", "inference_id": "…", "predictions": "0.27"}

`user_id` and `inference_id` are made up where they are absent. `endpoint_variant` asks for one variant, which makes the
strategy Manual. Where nobody can say which variant is a user's turn, the endpoint's weights decide: strategy Fallback,
target_variant null. That is so when the tables cannot be reached, when the endpoint has no open experiment, and when
its variant left a moment ago. Neither the tables nor Firehose can make a request fail.
"""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from contender.api import inference
from contender.api.call import (
    Body,
    Line,
    Refusal,
    answer_call,
    endpoint_of,
    inference_id_of,
    malformed,
    only,
    text,
    unknown_endpoint,
)
from contender.api.environment import ApiSettings, EventSettings, events_client, runtime_client, tables_client
from contender.api.event_stream import EventStream
from contender.api.inference import NotThere, Served
from contender.api.kept_users import Assigned, KeptUsers, drawn
from contender.api.settings_cache import UNREADABLE, Found, SettingsCache
from contender.measurements.events import FALLBACK, MANUAL, MAX_USER, VARIANT, Invocation
from contender.measurements.settings import Settings
from contender.measurements.store import Store
from contender.naming import Names

MAX_CALL_BYTES = 6 * 1024 * 1024
_FIELDS = ("endpoint_name", "user_id", "content_type", "data", "endpoint_variant", "inference_id")


@dataclass(frozen=True, slots=True)
class Question:
    """What a call asks for."""

    endpoint: str
    user: str
    inference_id: str
    variant: str | None
    content_type: str
    body: bytes

    @classmethod
    def from_fields(cls, fields: Body, names: Names, new_id: Callable[[], str]) -> Self:
        only(fields, _FIELDS)
        endpoint = endpoint_of(fields, names)
        content_type = inference.checked_content_type(text(fields, "content_type", 1024))
        return cls(
            endpoint=endpoint,
            user=new_id() if fields.get("user_id") is None else text(fields, "user_id", MAX_USER),
            inference_id=inference_id_of(fields) if fields.get("inference_id") is not None else new_id(),
            variant=_variant(fields),
            content_type=content_type,
            body=inference.body_of(fields.get("data"), content_type),
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is to serve, by which strategy; `assigned` where an experiment says so."""

    strategy: str
    target: str | None = None
    assigned: Assigned | None = None


class Invoker:
    """Answers one call after the other."""

    def __init__(
        self,
        names: Names,
        cache: SettingsCache,
        users: KeptUsers,
        runtime: Any,
        events: EventStream,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._names = names
        self._cache = cache
        self._users = users
        self._runtime = runtime
        self._events = events
        self._now = now
        self._new_id = new_id

    def answer(self, fields: Body, line: Line) -> Body:
        question = Question.from_fields(fields, self._names, self._new_id)
        line["endpoint"], line["inference_id"] = question.endpoint, question.inference_id
        found = self._cache.get(question.endpoint)
        if not found.reached:
            line["settings"] = found.reason
        choice = self._choose(question, found)
        began = time.perf_counter()
        choice, outcome = self._ask(question, choice)
        line["latency_ms"] = latency_ms = (time.perf_counter() - began) * 1000
        self._tell(question, choice, found, outcome, latency_ms, line)
        if isinstance(outcome, Refusal):
            raise outcome
        return {
            "endpoint_name": question.endpoint,
            "user_id": question.user,
            "strategy": choice.strategy,
            "target_variant": choice.target,
            "endpoint_variant": outcome.variant,
            "inference_id": question.inference_id,
            "predictions": outcome.predictions,
        }

    def _choose(self, question: Question, found: Found) -> Choice:
        if question.variant is not None:
            return Choice(MANUAL, question.variant)
        settings = found.settings
        if settings is None or not settings.open or not any(share > 0 for share in settings.shares.values()):
            return Choice(FALLBACK)
        assigned = self._assign(settings, question.user)
        return Choice(settings.strategy, assigned.variant, assigned)

    def _assign(self, settings: Settings, user: str) -> Assigned:
        if settings.sticky != "stored":
            return drawn(settings, user)
        try:
            return self._users.assign(settings, user, self._now())
        except UNREADABLE:
            return drawn(settings, user)  # nearly always the same variant: the hash moves few users

    def _ask(self, question: Question, choice: Choice) -> tuple[Choice, Served | Refusal]:
        """A prediction or why there is none, and whose choice it was in the end."""

        def ask(variant: str | None) -> Served:
            return inference.ask(
                self._runtime, question.endpoint, variant, question.inference_id, question.content_type, question.body
            )

        try:
            return choice, ask(choice.target)
        except Refusal as refusal:
            return choice, refusal
        except NotThere as error:
            if choice.strategy == MANUAL:
                raise Refusal(404, "unknown_variant", f"variant {choice.target!r} cannot be asked: {error}") from error
            if choice.target is None:
                raise unknown_endpoint(question.endpoint, str(error)) from error
        choice = Choice(FALLBACK)
        try:
            return choice, ask(None)
        except Refusal as refusal:
            return choice, refusal
        except NotThere as error:
            raise unknown_endpoint(question.endpoint, str(error)) from error

    def _tell(
        self,
        question: Question,
        choice: Choice,
        found: Found,
        outcome: Served | Refusal,
        latency_ms: float,
        line: Line,
    ) -> None:
        refusal = outcome if isinstance(outcome, Refusal) else None
        served = outcome.variant if isinstance(outcome, Served) else None
        line["strategy"], line["variant"] = choice.strategy, served or choice.target
        if line["variant"] is None:
            return  # nobody was asked by name and nobody answered: it is no variant's failure
        event = Invocation(
            event_id=self._new_id(),
            at=self._now(),
            endpoint_name=question.endpoint,
            user_id=question.user,
            inference_id=question.inference_id,
            strategy=choice.strategy,
            experiment=found.settings.experiment if found.settings else None,
            target_variant=choice.target,
            endpoint_variant=served,
            propensity=choice.assigned.propensity if choice.assigned else None,
            shares=choice.assigned.shares if choice.assigned else None,
            status=refusal.status if refusal else 200,
            latency_ms=latency_ms,
            error=f"{refusal.code}: {refusal.message}" if refusal else None,
        )
        self._events.tell(event.line(), line)


def handler(event: Mapping[str, Any], context: object) -> Body:
    return answer_call("invocation", event, MAX_CALL_BYTES, lambda fields, line: _invoker().answer(fields, line))


def _variant(fields: Body) -> str | None:
    if fields.get("endpoint_variant") is None:
        return None
    value = text(fields, "endpoint_variant", 63)
    if not VARIANT.fullmatch(value):
        raise malformed(f"field 'endpoint_variant' {value!r} is no variant: use letters, digits and inner hyphens")
    return value


@functools.cache
def _invoker() -> Invoker:
    settings, events = ApiSettings.from_environ(os.environ), EventSettings.from_environ(os.environ)
    dynamodb = tables_client()
    return Invoker(
        settings.names,
        SettingsCache(Store(dynamodb, settings.experiments_table).settings, events.cache_s),
        KeptUsers(dynamodb, settings.experiments_table),
        runtime_client(),
        EventStream(events_client(), events.delivery_stream),
    )
