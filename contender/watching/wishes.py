"""What the settings want watched in the last stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contender.naming import Names

Kind = Literal["data", "quality"]
KINDS: tuple[Kind, ...] = ("data", "quality")


@dataclass(frozen=True, slots=True)
class Scaling:
    """Bounds of a variant's instances, and the invocations a minute that each is to have."""

    min_instances: int
    max_instances: int
    invocations: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """Where things are and what is asked.

    image: the analyser's, "" while no pipeline tells it. script: digest of the code that names captured columns. Both
    are found out at each look, the rest are settings.
    kinds: what schedules compare, on `schedule`. quality_margin: how much worse than the baseline answers may be.
    scaling: None where nothing is scaled.
    """

    names: Names
    bucket: str
    role_arn: str
    topic_arn: str
    kinds: tuple[Kind, ...]
    schedule: str
    truth_hours: int
    quality_margin: float
    instance_type: str
    error_rate: float
    latency_ms: int
    scaling: Scaling | None = None
    image: str = ""
    script: str = ""
