"""An endpoint whose events are counted: by our code into fake DynamoDB, and by a plain reference in a few lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contender.measurements.counts import BucketCounts, bucket_start
from contender.measurements.events import Conversion, Event, Invocation, checked_reward, parse
from contender.measurements.recorder import Counted, Recorder
from contender.measurements.store import Store
from tests.measurements.dynamodb import FakeDynamoDB

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EXPERIMENTS, EVENTS = "contender-experiments", "contender-events"
ENDPOINT = "contender-SM-1"
EXPERIMENT = f"{ENDPOINT}-e1"
SHARES = {"v1": 0.9, "v2": 0.1}
BUCKET_S = 60


def fake_tables() -> FakeDynamoDB:
    return FakeDynamoDB(**{EXPERIMENTS: ("pk", "sk"), EVENTS: ("pk",)})


@dataclass
class World:
    """One endpoint with an open experiment."""

    dynamodb: Any = field(default_factory=fake_tables)
    endpoint: str = ENDPOINT
    now: datetime = NOW
    experiments: str = EXPERIMENTS
    events: str = EVENTS

    def __post_init__(self) -> None:
        self.store = Store(self.dynamodb, self.experiments)
        self.pauses: list[int] = []
        self.publish()

    @property
    def experiment(self) -> str:
        return f"{self.endpoint}-e1"

    def publish(self, number: int = 1, shares: Mapping[str, float] = SHARES, revision: int = 1) -> bool:
        experiment = f"{self.endpoint}-e{number}"
        return self.store.publish_shares(
            self.endpoint, experiment, shares, "Weighted", revision, self.now, bucket_s=BUCKET_S
        )

    def recorder(self) -> Recorder:
        return Recorder(self.dynamodb, self.experiments, self.events, lambda: self.now, self.pauses.append)

    def count(self, *events: Event) -> dict[str, int]:
        """Count events as they arrive, by their lines; what became of them."""
        counted = Counted()
        self.recorder().record([parse(event.line()) for event in events], counted)
        return dict(counted.outcomes)

    def buckets(self, experiment: str = "") -> dict[tuple[str, datetime], BucketCounts]:
        return self.store.buckets(experiment or self.experiment)

    def total(self, variant: str, experiment: str = "") -> BucketCounts:
        found = [counts for (name, _), counts in self.buckets(experiment).items() if name == variant]
        return sum(found, BucketCounts())

    def request(self, inference_id: str, variant: str = "v1", **changes: Any) -> Invocation:
        fields: dict[str, Any] = {
            "event_id": f"event-of-{inference_id}",
            "at": self.now - timedelta(minutes=5),
            "endpoint_name": self.endpoint,
            "user_id": f"user-of-{inference_id}",
            "inference_id": inference_id,
            "strategy": "Weighted",
            "experiment": self.experiment,
            "target_variant": variant,
            "endpoint_variant": variant,
            "propensity": SHARES.get(variant),
            "shares": SHARES,
            "latency_ms": 10.0,
        }
        return Invocation(**{**fields, **changes})

    def reward(self, inference_id: str, reward: float = 1.0, event_id: str = "", **changes: Any) -> Conversion:
        fields: dict[str, Any] = {
            "event_id": event_id or f"reward-of-{inference_id}",
            "at": self.now - timedelta(minutes=1),
            "endpoint_name": self.endpoint,
            "user_id": f"user-of-{inference_id}",
            "inference_id": inference_id,
            "reward": checked_reward(reward),
        }
        return Conversion(**{**fields, **changes})


@dataclass
class Plain:
    """What one bucket of one variant should hold, in exact fractions."""

    n: int = 0
    errors: int = 0
    expected_n: Fraction = Fraction(0)
    totals: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    conversions: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def plainly(events: Iterable[Event]) -> dict[tuple[str, str, datetime, bool], Plain]:
    """The truth: every event once, in one pass over all of them, by variant, bucket and whether it is judged."""
    once = {event.event_id: event for event in events}.values()
    requests = {event.inference_id: event for event in once if isinstance(event, Invocation)}
    places: dict[tuple[str, str, datetime, bool], Plain] = defaultdict(Plain)

    def place(event: Invocation, variant: str | None = None) -> Plain:
        start = bucket_start(event.at, BUCKET_S)
        return places[event.experiment or "", variant or event.variant or "", start, event.judged]

    for request in requests.values():
        place(request).n += 1
        place(request).errors += request.failed
        for variant, share in (request.shares or {}).items() if request.judged else ():
            place(request, variant).expected_n += Fraction(Decimal(str(share)))
    for event in once:
        if isinstance(event, Conversion) and event.inference_id in requests:
            plain, key = place(requests[event.inference_id]), (event.inference_id, event.name)
            plain.totals[key] = plain.totals.get(key, Fraction(0)) + Fraction(event.reward)
            plain.conversions[event.name] += 1
    return {key: plain for key, plain in places.items() if plain.n or plain.expected_n}
