"""What is watched of the endpoints that serve, who is told, and what follows."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from contender.config.sections.rollout import DAY_S
from contender.config.sections.section import InstanceType, Section, shaped

HOURLY, DAILY = "cron(0 * ? * * *)", "cron(0 6 ? * * *)"

Cron = Annotated[
    str,
    shaped(
        r"cron\(0 (\*|([01]?\d|2[0-3])(/([1-9]|1\d|2[0-4]))?) \? \* \* \*\)",
        f"{HOURLY}, or with an hour (6) or every so many hours from one on (0/6) in the asterisk's first place",
    ),
]
Email = Annotated[str, shaped(r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an address like team@example.com")]


def _off(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


class Alarms(Section):
    """When people are told."""

    email: Email = ""
    """Who gets every message of the topic, once they have confirmed; empty: nobody, subscribe what you like."""
    error_rate: float = Field(default=0.05, gt=0, lt=1)
    """Share of a variant's requests that fail, over ten minutes."""
    latency_ms: int = Field(default=1000, ge=1, le=60_000)
    """Milliseconds that a variant's model takes at most for 95 of 100 requests, over fifteen minutes."""
    stalled_s: int = Field(default=6 * 3600, ge=60, le=30 * DAY_S)
    """Seconds that a rollout may be late: beyond its step's time, its maximum duration, or waiting for a person."""


class Autoscaling(Section):
    """Instances of each variant that has traffic, by its invocations."""

    enabled: bool = False
    """Whether instances are added and taken away; AWS only."""
    min_instances: int = Field(default=1, ge=1, le=100)
    """Instances that each variant has at least."""
    max_instances: int = Field(default=4, ge=1, le=100)
    """Instances that each variant has at most."""
    invocations_per_instance: int = Field(default=1000, ge=1, le=1_000_000)
    """Invocations a minute that one instance is to have."""

    @model_validator(mode="after")
    def _least_is_not_above_most(self) -> Autoscaling:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances is {self.min_instances} and max_instances {self.max_instances}: give at least as many"
            )
        return self


class Monitoring(Section):
    """What is looked at after a model serves, in the last stage. Data are compared where endpoints capture them."""

    enabled: bool = True
    """Whether the stack with watchers, alarms and dashboard is deployed."""
    schedule: Cron = HOURLY
    """How often captured requests are compared, in UTC, as SageMaker's monitoring schedules take it."""
    data_quality: bool = True
    """Whether captured requests are compared with the rows that the champion was trained on; needs
    endpoint.data_capture_percent above 0."""
    model_quality: bool = False
    """Whether answers are compared with the truth that comes later (`contender monitoring truth`); needs
    endpoint.data_capture_percent above 0."""
    truth_hours: int = Field(default=24, ge=1, le=720)
    """Hours back from an execution that answers are looked for to the truth that has come."""
    quality_margin: float = Field(default=0.05, ge=0, lt=1)
    """How much worse than on held-out rows a share such as accuracy, recall or AUC may be before people are told."""
    instance_type: InstanceType = "ml.m5.xlarge"
    """Of the comparing jobs."""
    retrain: Annotated[Literal["off", "newest"], BeforeValidator(_off)] = "off"
    """What drift of the data does: nothing, or a training with the dimension's newest upload, once for each."""
    alarms: Alarms = Alarms()
    autoscaling: Autoscaling = Autoscaling()

    @property
    def runs_per_day(self) -> int:
        """By the hours of `schedule`; every so many from one on, SageMaker goes around midnight: 17/12 is 17 and 5."""
        first, _, every = self.schedule.split()[1].partition("/")
        return 24 if first == "*" else ceil(24 / int(every or 24))
