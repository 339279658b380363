"""What an endpoint was configured to serve: its newest configs, and the decision that stood before each was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from contender import endpoints
from contender.naming import Names
from contender.rollout.decision import Entry
from contender.studio.desk import Desk

SHOWN = 5
LOOKED_THROUGH = 200
"""Configs whose names contain the endpoint's: those of `SM-10` too where those of `SM-1` are looked for."""
LIST_S, FOR_EVER_S = 2.0, 3600.0


@dataclass(frozen=True, slots=True)
class Configured:
    """A variant as a config has it."""

    variant: str
    share: float
    instance_type: str
    instance_count: int


@dataclass(frozen=True, slots=True)
class Config:
    """`decided`: what was decided last before it was made, in sentences."""

    name: str
    made: datetime
    variants: tuple[Configured, ...]
    capture_percent: int
    decided: tuple[str, ...] = ()


def newest(desk: Desk, endpoint: str) -> tuple[str, ...]:
    """Names of the endpoint's configs, the newest first."""

    def read() -> tuple[str, ...]:
        pages = desk.client("sagemaker").get_paginator("list_endpoint_configs")
        found = (
            config["EndpointConfigName"]
            for page in pages.paginate(
                NameContains=f"{endpoint}-", SortBy="CreationTime", SortOrder="Descending", MaxResults=100
            )
            for config in page["EndpointConfigs"]
        )
        of_this = (name for name in islice(found, LOOKED_THROUGH) if _is_of(desk.names, name, endpoint))
        return tuple(islice(of_this, SHOWN))

    return desk.kept.get(("configs", endpoint), LIST_S, read)


def described(desk: Desk, name: str) -> Mapping[str, Any] | None:
    """A config as SageMaker describes it, which never changes; None if it has been deleted meanwhile."""

    def read() -> Mapping[str, Any] | None:
        return endpoints.found(lambda: desk.client("sagemaker").describe_endpoint_config(EndpointConfigName=name))

    return desk.kept.get(("config", name), FOR_EVER_S, read)


def config(description: Mapping[str, Any], entries: Sequence[Entry]) -> Config:
    """A described config with what led to it, of an endpoint's decisions, the newest first."""
    variants = description["ProductionVariants"]
    total = sum(variant.get("InitialVariantWeight", 0.0) for variant in variants) or 1.0
    made = description["CreationTime"]
    before = next((entry for entry in entries if entry.at <= made), None)
    return Config(
        description["EndpointConfigName"],
        made,
        tuple(
            Configured(
                variant["VariantName"],
                variant.get("InitialVariantWeight", 0.0) / total,
                variant.get("InstanceType", ""),
                variant.get("InitialInstanceCount", 0),
            )
            for variant in variants
        ),
        description.get("DataCaptureConfig", {}).get("InitialSamplingPercentage", 0),
        tuple(event.sentence for event in before.decision.events) if before else (),
    )


def _is_of(names: Names, config_name: str, endpoint: str) -> bool:
    return names.endpoint_of_config(config_name) == endpoint
