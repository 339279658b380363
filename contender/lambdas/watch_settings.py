"""What the stack of monitoring tells its functions through their environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from contender.lambdas.settings import between, names_from_environ, read
from contender.naming import Names
from contender.watching.wishes import Kind, Scaling, Wishes


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What the watcher is to make sure of, and how late a rollout may be."""

    wishes: Wishes
    stalled_s: int

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        compared: dict[Kind, str] = {"data": "DATA_QUALITY", "quality": "MODEL_QUALITY"}
        scaling = Scaling(
            between(environ, "MIN_INSTANCES", int, 1, 100),
            between(environ, "MAX_INSTANCES", int, 1, 100),
            between(environ, "INVOCATIONS_PER_INSTANCE", int, 1, 1_000_000),
        )
        wishes = Wishes(
            names=names_from_environ(environ),
            bucket=read(environ, "ARTIFACT_BUCKET"),
            role_arn=read(environ, "MONITOR_ROLE_ARN"),
            topic_arn=read(environ, "TOPIC_ARN"),
            kinds=tuple(kind for kind, variable in compared.items() if read(environ, variable) == "on"),
            schedule=read(environ, "SCHEDULE"),
            truth_hours=between(environ, "TRUTH_HOURS", int, 1, 720),
            quality_margin=between(environ, "QUALITY_MARGIN", float, 0.0, 1.0),
            instance_type=read(environ, "INSTANCE_TYPE"),
            error_rate=between(environ, "ERROR_RATE", float, 0.0, 1.0),
            latency_ms=between(environ, "LATENCY_MS", int, 1, 60_000),
            scaling=scaling if read(environ, "AUTOSCALING") == "on" else None,
        )
        return cls(wishes, stalled_s=between(environ, "STALLED_SECONDS", int, 60, 30 * 86_400))


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
