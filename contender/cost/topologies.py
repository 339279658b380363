"""Other ways to run the same models, each by settings that exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contender.config import Settings
from contender.config.sections import Design
from contender.config.sections.monitoring import DAILY, HOURLY
from contender.cost.monitoring import kinds

MONITORED = {"hourly": HOURLY, "daily": DAILY}
"""Schedules to compare."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A configuration to compare, and what it is called."""

    name: str
    settings: Settings


def topologies(settings: Settings, instead: Sequence[str]) -> Iterator[Topology]:
    """The configuration itself, the first; then those that differ from it, in one thing each."""
    yield Topology("as contender.yaml says", settings)
    for instance_type in instead:
        if any(stage.instance_type != instance_type for _, stage in settings.stages_in_order):
            yield Topology(f"endpoints on {instance_type}", on_instances(settings, instance_type))
    if settings.experiment.enabled:
        yield Topology("without experiments", without_experiments(settings))
    mine = _runs_per_day(settings)
    for often, schedule in MONITORED.items():
        other = monitored(settings, schedule)
        if _runs_per_day(other) != mine:
            yield Topology(f"{often} {' and '.join(kinds(other.monitoring))} quality", other)
    if settings.monitoring.enabled:
        yield Topology("without monitoring", _monitoring(settings, {"enabled": False}))


def monitored(settings: Settings, schedule: str) -> Settings:
    """The same with what it compares, data if that is nothing, compared on this schedule in the last stage."""
    watched = _monitoring(settings, {"enabled": True, "schedule": schedule})
    if not kinds(watched.monitoring):
        watched = _monitoring(watched, {"data_quality": True})
    return watched if watched.data_captured else captured_wholly(watched)


def _runs_per_day(settings: Settings) -> int:
    """0 where nothing is compared."""
    monitoring = settings.monitoring
    return monitoring.runs_per_day if monitoring.enabled and settings.data_captured and kinds(monitoring) else 0


def on_instances(settings: Settings, instance_type: str) -> Settings:
    """The same with endpoints on this type, in every stage."""
    return _changed(settings, {"instance_type": instance_type})


def captured_wholly(settings: Settings) -> Settings:
    """The same with every request and answer kept, in every stage."""
    return _changed(settings, {"data_capture_percent": 100})


def without_experiments(settings: Settings) -> Settings:
    """The same without the API: as there, rollouts go by time and requests."""
    rollout = {"goal": None, "guardrails": ()}
    experiment = settings.experiment.model_copy(update={"enabled": False, "strategy": Design().strategy})
    changed = settings.model_copy(
        update={"experiment": experiment, "rollout": settings.rollout.model_copy(update=rollout)}
    )
    stages = {
        name: stage.model_copy(update={"rollout": stage.rollout.model_copy(update=rollout)})
        for name, stage in changed.stages.items()
    }
    return changed.model_copy(update={"stages": stages})


def _changed(settings: Settings, update: dict[str, Any]) -> Settings:
    stages = {name: stage.model_copy(update=update) for name, stage in settings.stages.items()}
    return settings.model_copy(update={"endpoint": settings.endpoint.model_copy(update=update), "stages": stages})


def _monitoring(settings: Settings, update: dict[str, Any]) -> Settings:
    return settings.model_copy(update={"monitoring": settings.monitoring.model_copy(update=update)})
