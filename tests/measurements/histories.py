"""Random histories of events, and random ways to deliver them: shuffled, cut into files, some files more than once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from contender.measurements.events import Event
from tests.measurements.world import World

SHARES = ({"v1": 1.0, "v2": 0.0}, {"v1": 0.9, "v2": 0.1}, {"v1": 0.3, "v2": 0.3, "v3": 0.4})
REWARDS = (0, 1, 1, 2.5, -1, 0.1, 0.000001, 123_456.789012, -99_999_999.5)


def history(world: World, draw: random.Random, size: int, prefix: str = "") -> list[Event]:
    """Requests in several buckets with changing shares, rewards of them and of requests that never were."""
    events: list[Event] = []
    for number in range(size):
        name, at = f"{prefix}r{number}", world.now - timedelta(seconds=draw.randrange(300))
        shares = draw.choice(SHARES)
        variant = draw.choices(list(shares), list(shares.values()))[0]
        strategy = draw.choices(("Weighted", "Thompson", "Manual", "Fallback"), (6, 2, 1, 1))[0]
        if draw.random() < 0.95:
            events.append(
                world.request(
                    name,
                    variant,
                    at=at,
                    shares=shares,
                    strategy=strategy,
                    user_id=f"u{draw.randrange(size // 2)}",
                    status=draw.choices((200, 424, 500), (18, 1, 1))[0],
                    latency_ms=draw.lognormvariate(3, 1),
                )
            )
        for index in range(draw.choices((0, 1, 2, 3), (5, 4, 1, 1))[0]):
            kind = draw.choices(("reward", "clicks"), (3, 1))[0]
            after = at + timedelta(seconds=draw.randrange(100))
            events.append(world.reward(name, draw.choice(REWARDS), f"{name}-{index}", name=kind, at=after))
    return events


def deliveries(events: list[Event], draw: random.Random) -> Iterator[list[Event]]:
    """Files that hold every event at least once, and some events and files twice."""
    shuffled = draw.sample(events, len(events)) + draw.choices(events, k=len(events) // 5)
    files = []
    while shuffled:
        size = draw.randrange(1, 70)
        files.append(shuffled[:size])
        shuffled = shuffled[size:]
    files += draw.choices(files, k=len(files) // 3)
    draw.shuffle(files)
    yield from files
