"""Answers POST /stats: what an endpoint's experiment has counted, and what that says.

    {"endpoint_name": "contender-SM-1"}
      →  {"endpoint_name": "contender-SM-1", "experiment": "contender-SM-1-e2", "status": "open",
          "strategy": "Thompson", "epsilon": 0.0, "warmup": 100, "name": "reward", "names": ["reward"],
          "waiting_rewards": 0,
          "variants": [{"endpoint_variant": "v4", "share": 0.1, "invocations": 812, "errors": 0, "conversions": 90,
                        "reward_sum": 90.0, "reward_rate": 0.11, "interval": [0.06, 0.16], "chance_to_beat": 0.93,
                        "other_invocations": 3}, …]}

`name` asks for another reward than "reward"; `names` lists those that came. `interval` holds the reward rate at 95 %
however often one asks, and is null while nothing can be said. `chance_to_beat` is the probability that no other variant
earns more. `other_invocations` were chosen by hand or by the endpoint's weights, and count for nothing else.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.api.call import (
    SMALL_BYTES,
    Body,
    Line,
    Refusal,
    answer_call,
    endpoint_of,
    malformed,
    only,
    unknown_endpoint,
)
from contender.api.environment import ApiSettings, counts_client
from contender.experiments.arms import Arm, Kind
from contender.experiments.posterior import chances
from contender.experiments.rates import rate_interval
from contender.measurements.counts import BucketCounts, Counts, summed
from contender.measurements.events import BadEvent, checked_reward_name
from contender.measurements.settings import Settings
from contender.measurements.store import Store
from contender.naming import Names

ALPHA = 0.05
_FIELDS = ("endpoint_name", "name")


def answer(names: Names, store: Store, fields: Body, line: Line) -> Body:
    only(fields, _FIELDS)
    endpoint = line["endpoint"] = endpoint_of(fields, names)
    try:
        name = checked_reward_name(fields.get("name", "reward"))
    except BadEvent as error:
        raise malformed(f"field {error}") from error
    try:
        settings = store.settings(endpoint)
        if settings is None:
            raise unknown_endpoint(endpoint, "it has no experiment")
        counts, waiting = summed(store.buckets(settings.experiment)), store.waiting_rewards(endpoint)
    except (BotoCoreError, ClientError) as error:
        raise Refusal(503, "unavailable", "the counts cannot be read now: try again") from error
    return {
        "endpoint_name": endpoint,
        "experiment": settings.experiment,
        "status": str(settings.status),
        "strategy": settings.strategy,
        "epsilon": settings.epsilon,
        "warmup": settings.warm_up,
        "name": name,
        "names": sorted({reward for each in counts.values() for reward in each.judged.rewards}),
        "waiting_rewards": waiting,
        "variants": variants(settings, counts, name),
    }


def variants(settings: Settings, counts: Mapping[str, BucketCounts], name: str) -> list[dict[str, Any]]:
    """One object for each variant that has a share or was ever counted."""
    found = {
        variant: counts.get(variant, BucketCounts()) for variant in sorted({*settings.shares, *counts}, key=_order)
    }
    arms = {variant: _arm(each.judged, name) for variant, each in found.items()}
    kind = kind_of(arms)
    chance = chances(arms, kind)
    return [
        {
            "endpoint_variant": variant,
            "share": settings.shares.get(variant, 0.0),
            "invocations": each.judged.n,
            "errors": each.judged.errors,
            "conversions": each.judged.reward(name).conversions,
            "reward_sum": each.judged.reward(name).total,
            "reward_rate": arms[variant].mean,
            "interval": rate_interval(arms[variant], kind, ALPHA),
            "chance_to_beat": chance[variant],
            "other_invocations": each.other.n,
        }
        for variant, each in found.items()
    ]


def kind_of(arms: Mapping[str, Arm]) -> Kind:
    """Binary as long as every request has earned 0 or 1."""
    binary = all(arm.total == arm.squares == arm.successes for arm in arms.values())
    return "binary" if binary else "real"


def handler(event: Mapping[str, Any], context: object) -> Body:
    return answer_call("stats", event, SMALL_BYTES, lambda fields, line: answer(*_place(), fields, line))


def _arm(counts: Counts, name: str) -> Arm:
    earned = counts.reward(name)
    return Arm(counts.n, earned.positive, earned.total, earned.squares, counts.errors)


def _order(variant: str) -> tuple[int, str]:
    """v2 before v10."""
    return len(variant), variant


@functools.cache
def _place() -> tuple[Names, Store]:
    settings = ApiSettings.from_environ(os.environ)
    return settings.names, Store(counts_client(), settings.experiments_table)
