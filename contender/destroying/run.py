"""All steps of taking a project away, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from contender.destroying.data import DATA
from contender.destroying.delivery import DELIVERIES, hold
from contender.destroying.endpoints import (
    ALARMS,
    CONFIGS,
    ENDPOINTS,
    JOB_DEFINITIONS,
    MODELS,
    SCALED_VARIANTS,
    SCHEDULES,
)
from contender.destroying.executions import EXECUTIONS, PIPELINES
from contender.destroying.leftovers import CODE, LOG_GROUPS
from contender.destroying.remover import Project, Remover, Thing
from contender.destroying.stacks import AROUND_THE_CORE, CORE, DELIVERY, THE_CORE, THE_DELIVERY, pause

REMOVERS: tuple[Remover, ...] = (
    DELIVERIES,  # a build would deploy what goes
    AROUND_THE_CORE,  # the watcher would make schedules anew
    EXECUTIONS,
    SCHEDULES,
    *JOB_DEFINITIONS,
    SCALED_VARIANTS,
    ALARMS,
    ENDPOINTS,  # before the core: SageMaker takes an endpoint away with its model's role
    CONFIGS,
    MODELS,
    PIPELINES,
    THE_CORE,
    THE_DELIVERY,  # CloudFormation deletes the stacks before as a role of its
    LOG_GROUPS,
    CODE,
)


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was taken away, or would be, and what is left."""

    removed: tuple[Thing, ...]
    kept: tuple[Thing, ...]


def destroy(
    project: Project,
    *,
    data: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Destroyed:
    """Remove what the project made; its data only with `data`. A dry run lists what that would be."""
    if not dry_run and hold(project):
        say(f"stack {project.names.stack(DELIVERY)}: a push is not built any more")
    if not dry_run and pause(project):
        say(f"stack {project.names.stack(CORE)}: uploads wait and rollouts stand still")
    removed: list[Thing] = []
    for remover in (*REMOVERS, *(DATA if data else ())):
        removed += planned(project, remover) if dry_run else remove(project, remover, say)
    kept = () if data else tuple(thing for remover in DATA for thing in planned(project, remover))
    return Destroyed(tuple(removed), kept)


def planned(project: Project, remover: Remover) -> list[Thing]:
    return [Thing(remover.kind, name, remover.describe(project, name)) for name in remover.find(project)]


def remove(project: Project, remover: Remover, say: Callable[[str], None]) -> list[Thing]:
    """Everything that the remover finds; looked for again until there is nothing new, as things may come late."""
    done: dict[str, Thing] = {}
    while fresh := [name for name in dict.fromkeys(remover.find(project)) if name not in done]:
        for name in fresh:
            say(f"remove {remover.kind} {name}")
            remover.remove(project, name)
            done[name] = Thing(remover.kind, name)
        remover.settle(project, fresh)
    return list(done.values())
