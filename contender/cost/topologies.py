"""Other ways to run the same models, each by a setting or an option that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contender.config import Settings
from contender.config.sections import Design
from contender.cost.assumptions import Assumptions

MONITORED = {"monitored every hour": 1, "monitored once a day": 24}
"""Hours between runs that compare data and answers of every endpoint."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A configuration to compare, and what it is called."""

    name: str
    settings: Settings
    assumed: Assumptions


def topologies(settings: Settings, assumed: Assumptions, instead: Sequence[str]) -> Iterator[Topology]:
    """The configuration itself, the first; then those that differ from it, in one thing each."""
    yield Topology("as contender.yaml says", settings, assumed)
    for instance_type in instead:
        if any(stage.instance_type != instance_type for _, stage in settings.stages_in_order):
            yield Topology(f"endpoints on {instance_type}", on_instances(settings, instance_type), assumed)
    if settings.experiment.enabled:
        yield Topology("without experiments", without_experiments(settings), assumed)
    captured = settings.stages_in_order[-1][1].data_capture_percent > 0  # only the last stage is monitored
    watched = assumed.monitor_every_hours if captured and assumed.quality_monitors else None
    for name, hours in MONITORED.items():
        if watched != hours:
            wanted = replace(assumed, monitor_every_hours=hours, quality_monitors=1)
            yield Topology(name, settings if captured else captured_wholly(settings), wanted)
    if assumed.monitor_every_hours:
        yield Topology("without monitoring", settings, replace(assumed, monitor_every_hours=0))


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
