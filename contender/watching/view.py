"""What there is of one endpoint: what serves, whose baseline counts, and what watches it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contender.endpoints import Serving
from contender.watching.wishes import Kind, Scaling


@dataclass(frozen=True, slots=True)
class Baseline:
    """Addresses of what a champion registered; "" where it has none."""

    statistics: str = ""
    constraints: str = ""

    @property
    def complete(self) -> bool:
        return bool(self.statistics and self.constraints)


@dataclass(frozen=True, slots=True)
class Champion:
    """Who serves by default, and what its traffic is compared with."""

    version: int
    artifact: str
    baselines: Mapping[Kind, Baseline]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A monitoring schedule as it is listed; `once` runs one time, when a person asks."""

    name: str
    kind: Kind
    definition: str
    created_at: datetime
    once: bool = False


@dataclass(frozen=True, slots=True)
class Alarmed:
    """An alarm as it is there. Its description says all that it was made from."""

    description: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One endpoint. definitions: names of what its schedules run, by kind. targets: what is scaled, by variant; a
    target without its policy has invocations 0."""

    endpoint: str
    dimension: str
    serving: Serving | None = None
    champion: Champion | None = None
    schedules: Mapping[str, Scheduled] = field(default_factory=dict)
    definitions: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    alarms: Mapping[str, Alarmed] = field(default_factory=dict)
    targets: Mapping[str, Scaling] = field(default_factory=dict)

    @property
    def captures(self) -> bool:
        return self.serving is not None and self.serving.capture_percent > 0
