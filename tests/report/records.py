"""A made-up rollout: the challenger is better, shares move from 20 % to 50 % on the way, rewards come late."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contender.measurements.events import Conversion, Event, Invocation
from contender.report.records import Outcome, Reader, Record

ENDPOINT = "contender-a"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
RATES = {"v1": 0.6, "v2": 0.9}
LATER_S = 2.0


def events(count: int, seed: int = 1) -> tuple[list[Event], dict[str, Outcome]]:
    """Requests ten a second, their rewards, and what is known of their answers."""
    chance = random.Random(seed)
    found: list[Event] = []
    outcomes = {}
    for number in range(count):
        at = BEGAN + timedelta(seconds=number / 10)
        shares = {"v1": 0.8, "v2": 0.2} if number < count / 2 else {"v1": 0.5, "v2": 0.5}
        variant = chance.choices(list(shares), list(shares.values()))[0]
        inference_id = f"i{number}"
        found.append(
            Invocation(
                event_id=f"e{number}",
                at=at,
                endpoint_name=ENDPOINT,
                user_id=f"u{number}",
                inference_id=inference_id,
                strategy="Weighted",
                experiment=f"{ENDPOINT}-e1",
                target_variant=variant,
                endpoint_variant=variant,
                propensity=shares[variant],
                shares=shares,
                latency_ms=chance.uniform(1, 5),
            )
        )
        right, positive = chance.random() < RATES[variant], chance.random() < 0.5
        outcomes[inference_id] = Outcome(
            chance.uniform(0.5, 1) if right == positive else chance.uniform(0, 0.4), positive
        )
        if right:
            found.append(reward(inference_id, at + timedelta(seconds=LATER_S)))
    return found, outcomes


def reward(inference_id: str, at: datetime, name: str = "reward", value: float = 1.0) -> Conversion:
    return Conversion(f"r-{inference_id}-{name}", at, ENDPOINT, "somebody", inference_id, Decimal(str(value)), name)


def record(count: int = 600) -> Record:
    found, outcomes = events(count)
    reader = Reader()
    reader.add(found)
    return Record("a", "v2 was promoted", "v1", "v2", reader.requests(ENDPOINT, outcomes))
