"""Answers POST /conversion: takes a reward for what a user was shown.

    {"endpoint_name": "contender-SM-1", "user_id": "u7", "inference_id": "…", "reward": 1.0, "name": "reward"}
      →  the same, with the defaults that were filled in

The reward goes to the variant that served the `inference_id`, whatever the user's variant is by now; it may come before
its request was counted. It is the one call that fails when Firehose does: the reward was its only purpose, and whoever
sends it can send it again.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from contender.api.call import (
    SMALL_BYTES,
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
from contender.api.environment import ApiSettings, EventSettings, events_client, tables_client
from contender.api.event_stream import EventStream
from contender.api.settings_cache import SettingsCache
from contender.measurements.events import MAX_USER, BadEvent, Conversion, checked_reward, checked_reward_name
from contender.measurements.store import Store
from contender.naming import Names

_FIELDS = ("endpoint_name", "user_id", "inference_id", "reward", "name")


class Converter:
    """Answers one call after the other."""

    def __init__(
        self,
        names: Names,
        cache: SettingsCache,
        events: EventStream,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._names = names
        self._cache = cache
        self._events = events
        self._now = now
        self._new_id = new_id

    def answer(self, fields: Body, line: Line) -> Body:
        only(fields, _FIELDS)
        endpoint = endpoint_of(fields, self._names)
        try:
            reward = checked_reward(fields.get("reward", 1.0))
            name = checked_reward_name(fields.get("name", "reward"))
        except BadEvent as error:
            raise malformed(f"field {error}") from error
        event = Conversion(
            event_id=self._new_id(),
            at=self._now(),
            endpoint_name=endpoint,
            user_id=text(fields, "user_id", MAX_USER),
            inference_id=inference_id_of(fields),
            reward=reward,
            name=name,
        )
        line["endpoint"], line["inference_id"] = endpoint, event.inference_id
        found = self._cache.get(endpoint)
        if found.reached and found.settings is None:
            raise unknown_endpoint(endpoint, "it has no experiment")
        if not self._events.tell(event.line(), line):
            raise Refusal(503, "unavailable", "the reward could not be taken down: send it again")
        return {
            "endpoint_name": endpoint,
            "user_id": event.user_id,
            "inference_id": event.inference_id,
            "reward": float(reward),
            "name": name,
        }


def handler(event: Mapping[str, Any], context: object) -> Body:
    return answer_call("conversion", event, SMALL_BYTES, lambda fields, line: _converter().answer(fields, line))


@functools.cache
def _converter() -> Converter:
    settings, events = ApiSettings.from_environ(os.environ), EventSettings.from_environ(os.environ)
    store = Store(tables_client(), settings.experiments_table)
    return Converter(
        settings.names,
        SettingsCache(store.settings, events.cache_s),
        EventStream(events_client(), events.delivery_stream),
    )
