"""The stacks a project consists of, in the order they are deployed: its core, and its experiments where they are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contender.config import Settings
from contender.deployment import Cloud, Deployment, declared_parameters, deploy
from contender.errors import SettingsError
from contender.naming import Names

TEMPLATES = ("core.yaml", "experiments.yaml")


@dataclass(frozen=True, slots=True)
class Stack:
    """`parameters` are what the settings say of its template's."""

    name: str
    template: str
    parameters: Mapping[str, str]


def stacks(settings: Settings) -> tuple[Stack, ...]:
    names = Names(settings.project)
    core = Stack(names.stack, "core.yaml", core_parameters(settings))
    if not settings.experiment.enabled:
        return (core,)
    return core, Stack(names.experiments_stack, "experiments.yaml", experiment_parameters(settings))


def core_parameters(settings: Settings) -> dict[str, str]:
    return {
        "DataPrefix": settings.data.prefix,
        "Experiments": "on" if settings.experiment.enabled else "off",
    }


def experiment_parameters(settings: Settings) -> dict[str, str]:
    experiment = settings.experiment
    return {
        "Access": experiment.access,
        "CacheSeconds": str(experiment.cache_s),
        "BucketSeconds": str(experiment.bucket_s),
        "Sticky": experiment.sticky,
    }


def deploy_stacks(
    cloud: Cloud,
    settings: Settings,
    overrides: Mapping[str, str],
    *,
    folder: Path,
    root: Path,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Deployment, ...]:
    """Bring every stack up to date from the templates in `folder`.

    An override goes to the stack whose template has a parameter of that name; SettingsError when none has.
    """
    declared = {name: declared_parameters(cloud, folder / name) for name in TEMPLATES}
    known = sorted(set().union(*declared.values()))
    if unknown := sorted(set(overrides) - set(known)):
        raise SettingsError(f"stack parameter {unknown[0]!r} is in no template of {folder}; known: {', '.join(known)}")
    return tuple(
        deploy(
            cloud,
            Names(settings.project),
            folder / stack.template,
            {**stack.parameters, **{name: overrides[name] for name in overrides if name in declared[stack.template]}},
            root=root,
            stack=stack.name,
            dry_run=dry_run,
            say=say,
        )
        for stack in stacks(settings)
    )
