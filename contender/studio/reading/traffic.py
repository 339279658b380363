"""What each variant was asked, how quickly it answered and how often it failed, from CloudWatch in one call.

Latencies are what the model took, in milliseconds; CloudWatch has them in microseconds. A percentile of a whole window
cannot be had from those of its periods, so where one figure is told it is that of the newest period with requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contender.studio.desk import Desk
from contender.studio.reading import metrics
from contender.studio.reading.metrics import Metric, Window

PERCENTILES = ("p50", "p95", "p99")
ERRORS = {"4XX": "Invocation4XXErrors", "5XX": "Invocation5XXErrors"}
KEPT_S = 10.0

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """One variant over a window, a value for each period; latencies by percentile, None where nobody asked."""

    variant: str
    invocations: tuple[float, ...]
    errors: Mapping[str, tuple[float, ...]]
    latency_ms: Mapping[str, Values]

    @property
    def requests(self) -> float:
        return sum(self.invocations)

    def failed(self, kind: str) -> float:
        return sum(self.errors[kind])

    def latest_ms(self, percentile: str) -> float | None:
        return next((value for value in reversed(self.latency_ms[percentile]) if value is not None), None)


@dataclass(frozen=True, slots=True)
class Flow:
    """What came to an endpoint's variants; `times` are the starts of the periods. `known`: CloudWatch has told."""

    window: Window
    times: tuple[datetime, ...]
    variants: Mapping[str, Traffic]
    known: bool = True

    @property
    def requests(self) -> float:
        return sum(each.requests for each in self.variants.values())

    def share(self, variant: str) -> float | None:
        """Of all requests, how many came to this variant; None where none came."""
        return self.variants[variant].requests / self.requests if self.requests else None


def flow(desk: Desk, endpoint: str, variants: Sequence[str], window: Window) -> Flow:
    """Of these variants, in this order."""
    now = desk.clock()
    wanted = [metric for variant in variants for metric in _metrics(endpoint, variant)]
    found = desk.kept.get(
        ("flow", tuple(wanted), window.name, window.times(now)[-1]),
        KEPT_S,
        lambda: metrics.read(desk.client("cloudwatch"), wanted, window, now) if wanted else {},
    )

    def counts(variant: str, name: str) -> tuple[float, ...]:
        return tuple(value or 0.0 for value in found[Metric(endpoint, variant, name)])

    def milliseconds(variant: str, percentile: str) -> Values:
        values = found[Metric(endpoint, variant, "ModelLatency", percentile)]
        return tuple(None if value is None else value / 1000 for value in values)

    return Flow(
        window,
        window.times(now),
        {
            variant: Traffic(
                variant,
                counts(variant, "Invocations"),
                {kind: counts(variant, name) for kind, name in ERRORS.items()},
                {percentile: milliseconds(variant, percentile) for percentile in PERCENTILES},
            )
            for variant in variants
        },
    )


def unknown(desk: Desk, variants: Sequence[str], window: Window) -> Flow:
    """Of these variants, where nobody tells."""
    nothing = {
        variant: Traffic(variant, (), dict.fromkeys(ERRORS, ()), dict.fromkeys(PERCENTILES, ())) for variant in variants
    }
    return Flow(window, window.times(desk.clock()), nothing, known=False)


def _metrics(endpoint: str, variant: str) -> list[Metric]:
    return [
        *(Metric(endpoint, variant, name) for name in ("Invocations", *ERRORS.values())),
        *(Metric(endpoint, variant, "ModelLatency", percentile) for percentile in PERCENTILES),
    ]
