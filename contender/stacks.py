"""The stacks a project consists of, in the order they are deployed.

    core          buckets, the queue of uploads, Lambdas, roles, rules
    experiments   the API, its events and their counts; unless experiment.enabled is false
    delivery      a push builds and deploys the project; only where it is named, and on AWS only

Each has a template of its name in `infra/`, and is named `<project>-<kind>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contender.config import Settings
from contender.config.nearest import nearest
from contender.deployment import Cloud, Deployment, declared_parameters, deploy
from contender.errors import SettingsError
from contender.naming import Names


@dataclass(frozen=True, slots=True)
class Kind:
    """One stack of a project.

    `parameters` are what the settings say of its template's. `wanted`: whether it is deployed where none is named.
    """

    name: str
    parameters: Callable[[Settings], Mapping[str, str]]
    wanted: Callable[[Settings], bool]

    @property
    def template(self) -> str:
        return f"{self.name}.yaml"


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


def delivery_parameters(settings: Settings) -> dict[str, str]:
    delivery = settings.delivery
    return {
        "Repository": delivery.repository,
        "Branch": delivery.branch,
        "Provider": delivery.provider,
        "ConnectionArn": delivery.connection_arn,
    }


KINDS = (
    Kind("core", core_parameters, wanted=lambda settings: True),
    Kind("experiments", experiment_parameters, wanted=lambda settings: settings.experiment.enabled),
    Kind("delivery", delivery_parameters, wanted=lambda settings: False),
)

ONLY_ON_AWS = ("delivery",)
"""Stacks of types that a laptop's CloudFormation does not even read."""


def chosen(settings: Settings, names: Sequence[str] = ()) -> tuple[Kind, ...]:
    """The stacks of these names, or without any those that the settings want; in the order of deployment."""
    known = [kind.name for kind in KINDS]
    if unknown := [name for name in names if name not in known]:
        raise SettingsError(f"a project has no stack {unknown[0]!r}{nearest(unknown[0], known)}")
    return tuple(kind for kind in KINDS if (kind.name in names if names else kind.wanted(settings)))


def deploy_stacks(
    cloud: Cloud,
    settings: Settings,
    overrides: Mapping[str, str],
    *,
    folder: Path,
    root: Path,
    only: Sequence[str] = (),
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Deployment, ...]:
    """Bring the stacks up to date from the templates in `folder`: those named in `only`, or all that are wanted.

    An override goes to the stack whose template has a parameter of that name; SettingsError when none has.
    """
    kinds, names = chosen(settings, only), Names(settings.project)
    known_here = [kind for kind in KINDS if kind in kinds or kind.name not in ONLY_ON_AWS]
    declared = {kind: declared_parameters(cloud, folder / kind.template) for kind in known_here}
    known = sorted(set().union(*declared.values()))
    if unknown := sorted(set(overrides) - set(known)):
        raise SettingsError(f"stack parameter {unknown[0]!r} is in no template of {folder}; known: {', '.join(known)}")
    return tuple(
        deploy(
            cloud,
            names,
            folder / kind.template,
            {**kind.parameters(settings), **{name: overrides[name] for name in overrides if name in declared[kind]}},
            root=root,
            stack=names.stack(kind.name),
            dry_run=dry_run,
            say=say,
        )
        for kind in kinds
    )
