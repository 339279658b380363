"""What the stack tells each Lambda function through its environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from contender.errors import SettingsError
from contender.naming import Names
from contender.watching.wishes import Kind, Scaling, Wishes

T = TypeVar("T", int, float)

MAX_DELAY_S = 900


@dataclass(frozen=True, slots=True)
class StarterSettings:
    """Where uploads arrive, wait and end up."""

    names: Names
    data_prefix: str
    queue_url: str
    dead_letter_queue_url: str
    lock_table: str
    retry_delay_s: int

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            names=names_from_environ(environ),
            data_prefix=read(environ, "DATA_PREFIX"),
            queue_url=read(environ, "QUEUE_URL"),
            dead_letter_queue_url=read(environ, "DEAD_LETTER_QUEUE_URL"),
            lock_table=read(environ, "LOCK_TABLE"),
            retry_delay_s=_between(environ, "RETRY_DELAY_SECONDS", int, 0, MAX_DELAY_S),
        )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The role that models run with."""

    names: Names
    model_role_arn: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(names_from_environ(environ), read(environ, "MODEL_ROLE_ARN"))


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """What a tick needs beside each stage's spec: the role that models run with, and where things are kept.

    `experiments`: whether there is a table of experiments. `artifact_bucket` takes what endpoints capture.
    """

    names: Names
    model_role_arn: str
    artifact_bucket: str
    experiments: bool

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            names=names_from_environ(environ),
            model_role_arn=read(environ, "MODEL_ROLE_ARN"),
            artifact_bucket=read(environ, "ARTIFACT_BUCKET"),
            experiments=read(environ, "EXPERIMENTS") == "on",
        )


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What the watcher is to make sure of; `kinds` are what schedules compare."""

    names: Names
    bucket: str
    role_arn: str
    topic_arn: str
    kinds: tuple[Kind, ...]
    schedule: str
    truth_hours: int
    instance_type: str
    error_rate: float
    latency_ms: int
    stalled_s: int
    scaling: Scaling | None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        compared: dict[Kind, str] = {"data": "DATA_QUALITY", "quality": "MODEL_QUALITY"}
        scaling = Scaling(
            _between(environ, "MIN_INSTANCES", int, 1, 100),
            _between(environ, "MAX_INSTANCES", int, 1, 100),
            _between(environ, "INVOCATIONS_PER_INSTANCE", int, 1, 1_000_000),
        )
        return cls(
            names=names_from_environ(environ),
            bucket=read(environ, "ARTIFACT_BUCKET"),
            role_arn=read(environ, "MONITOR_ROLE_ARN"),
            topic_arn=read(environ, "TOPIC_ARN"),
            kinds=tuple(kind for kind, variable in compared.items() if read(environ, variable) == "on"),
            schedule=read(environ, "SCHEDULE"),
            truth_hours=_between(environ, "TRUTH_HOURS", int, 1, 720),
            instance_type=read(environ, "INSTANCE_TYPE"),
            error_rate=_between(environ, "ERROR_RATE", float, 0.0, 1.0),
            latency_ms=_between(environ, "LATENCY_MS", int, 1, 60_000),
            stalled_s=_between(environ, "STALLED_SECONDS", int, 60, 30 * 86_400),
            scaling=scaling if read(environ, "AUTOSCALING") == "on" else None,
        )

    def wishes(self, image: str, script: str) -> Wishes:
        return Wishes(
            names=self.names,
            bucket=self.bucket,
            role_arn=self.role_arn,
            topic_arn=self.topic_arn,
            image=image,
            script=script,
            kinds=self.kinds,
            schedule=self.schedule,
            truth_hours=self.truth_hours,
            instance_type=self.instance_type,
            error_rate=self.error_rate,
            latency_ms=self.latency_ms,
            scaling=self.scaling,
        )


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """Who is told of drift, where that is remembered, and what follows: `retrain` is off or newest."""

    names: Names
    topic_arn: str
    table: str
    retrain: str
    data_bucket: str
    data_prefix: str
    queue_url: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            names=names_from_environ(environ),
            topic_arn=read(environ, "TOPIC_ARN"),
            table=read(environ, "DRIFT_TABLE"),
            retrain=read(environ, "RETRAIN"),
            data_bucket=read(environ, "DATA_BUCKET"),
            data_prefix=read(environ, "DATA_PREFIX"),
            queue_url=read(environ, "QUEUE_URL"),
        )


def names_from_environ(environ: Mapping[str, str]) -> Names:
    return Names(read(environ, "PROJECT"))


def read(environ: Mapping[str, str], name: str) -> str:
    """A variable of the environment; SettingsError where it is missing or empty."""
    if text := environ.get(name):
        return text
    raise SettingsError(f"environment variable {name} is not set: deploy the stack again")


def _between(environ: Mapping[str, str], name: str, kind: Callable[[str], T], low: T, high: T) -> T:
    text = read(environ, name)
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(f"environment variable {name} is {text!r}: it must be a number") from error
    if not low <= value <= high:
        raise SettingsError(f"environment variable {name} is {value}: it must be between {low} and {high}")
    return value
