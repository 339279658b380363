"""The stacks a project consists of, in the order they are deployed.

    key           what the others encrypt with; where stacks.encryption is project
    core          buckets, the queue of uploads, Lambdas, roles, rules
    experiments   the API, its events and their counts; unless experiment.enabled is false
    inference     files to predictions: bucket, queues, Lambdas, table; unless inference.enabled is false
    monitoring    watchers, alarms, dashboard, drift; unless monitoring.enabled is false
    delivery      a push builds and deploys the project; only where it is named, and on AWS only
    studio        a domain of SageMaker Studio; only where it is named, and on AWS only
    catalog       new projects from Studio; only where it is named, after studio, and on AWS only

Each has a template of its name in `infra/`, and is named `<project>-<kind>`. Whichever of these parameters a template
declares it is told: Project, CodeBucket, CodeKey, KmsKeyArn ("" for AWS's own keys), LogRetentionDays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contender.catalog import catalog_assets
from contender.config import Settings
from contender.config.nearest import nearest
from contender.deployment import Asset, Cloud, Deployment, deploy
from contender.errors import NotFoundError, SettingsError
from contender.naming import Names
from contender.stack import stack_outputs
from contender.templates import read

KEY = "key"


def no_assets(folder: Path, root: Path, bucket: str) -> tuple[Asset, ...]:
    """Most templates need nothing in the code bucket but the Lambda code."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One stack of a project.

    `parameters` are what the settings say of its template's. `wanted`: whether it is deployed where none is named.
    `assets` are files that the template needs in the code bucket, of the folder of templates, the project's root and
    the bucket's name.
    """

    name: str
    parameters: Callable[[Settings], Mapping[str, str]]
    wanted: Callable[[Settings], bool]
    assets: Callable[[Path, Path, str], tuple[Asset, ...]] = field(default=no_assets)

    @property
    def template(self) -> str:
        return f"{self.name}.yaml"


def core_parameters(settings: Settings) -> dict[str, str]:
    return {
        "DataPrefix": settings.data.prefix,
        "Experiments": "on" if settings.experiment.enabled else "off",
        "Autoscaling": "on" if scales(settings) else "off",
    }


def experiment_parameters(settings: Settings) -> dict[str, str]:
    experiment = settings.experiment
    return {
        "Access": experiment.access,
        "CacheSeconds": str(experiment.cache_s),
        "BucketSeconds": str(experiment.bucket_s),
        "Sticky": experiment.sticky,
        "AccessLog": "on" if experiment.access_log else "off",
    }


def inference_parameters(settings: Settings) -> dict[str, str]:
    inference = settings.inference
    return {
        "MaxFileMb": str(inference.max_file_mb),
        "RowsPerMessage": str(inference.rows_per_message),
        "KeepDays": str(inference.keep_days),
    }


def delivery_parameters(settings: Settings) -> dict[str, str]:
    delivery = settings.delivery
    return {
        "Repository": delivery.repository,
        "Branch": delivery.branch,
        "Provider": delivery.provider,
        "ConnectionArn": delivery.connection_arn,
    }


def monitoring_parameters(settings: Settings) -> dict[str, str]:
    monitoring = settings.monitoring
    alarms, scaling = monitoring.alarms, monitoring.autoscaling
    return {
        "DataPrefix": settings.data.prefix,
        "Schedule": monitoring.schedule,
        "DataQuality": "on" if monitoring.data_quality else "off",
        "ModelQuality": "on" if monitoring.model_quality else "off",
        "TruthHours": str(monitoring.truth_hours),
        "QualityMargin": str(monitoring.quality_margin),
        "InstanceType": monitoring.instance_type,
        "Retrain": monitoring.retrain,
        "ErrorRate": str(alarms.error_rate),
        "LatencyMs": str(alarms.latency_ms),
        "StalledSeconds": str(alarms.stalled_s),
        "AlertEmail": alarms.email,
        "Autoscaling": "on" if scales(settings) else "off",
        "MinInstances": str(scaling.min_instances),
        "MaxInstances": str(scaling.max_instances),
        "InvocationsPerInstance": str(scaling.invocations_per_instance),
    }


def scales(settings: Settings) -> bool:
    return settings.monitoring.enabled and settings.monitoring.autoscaling.enabled


KINDS = (
    Kind(KEY, lambda settings: {}, wanted=lambda settings: settings.stacks.encryption == "project"),
    Kind("core", core_parameters, wanted=lambda settings: True),
    Kind("experiments", experiment_parameters, wanted=lambda settings: settings.experiment.enabled),
    Kind("inference", inference_parameters, wanted=lambda settings: settings.inference.enabled),
    Kind("monitoring", monitoring_parameters, wanted=lambda settings: settings.monitoring.enabled),
    Kind("delivery", delivery_parameters, wanted=lambda settings: False),
    Kind("studio", lambda settings: {}, wanted=lambda settings: False),
    Kind("catalog", lambda settings: {}, wanted=lambda settings: False, assets=catalog_assets),
)


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
    declared = {kind.name: read(folder / kind.template).parameters for kind in KINDS}
    known = sorted(set().union(*declared.values()))
    if unknown := sorted(set(overrides) - set(known)):
        raise SettingsError(f"stack parameter {unknown[0]!r} is in no template of {folder}; known: {', '.join(known)}")

    def told(kind: Kind) -> dict[str, str]:
        common: dict[str, Callable[[], str]] = {
            "LogRetentionDays": lambda: str(settings.stacks.log_days),
            "KmsKeyArn": lambda: key_arn(cloud, settings, names, dry_run=dry_run),
            "AlarmTopicArn": lambda: topic_arn(cloud, names) if settings.monitoring.enabled else "",
        }
        given = {name: value() for name, value in common.items() if name in declared[kind.name]}
        ours = {name: value for name, value in overrides.items() if name in declared[kind.name]}
        return {**given, **kind.parameters(settings), **ours}

    return tuple(
        deploy(
            cloud,
            names,
            folder / kind.template,
            told(kind),
            root=root,
            stack=names.stack(kind.name),
            tags=settings.tags,
            assets=kind.assets(folder, root, names.bucket("code", cloud.account, cloud.region)),
            dry_run=dry_run,
            say=say,
        )
        for kind in kinds
    )


def topic_arn(cloud: Cloud, names: Names) -> str:
    """Of the topic that the stack of monitoring makes; alarms may name it before it is there."""
    return f"arn:{cloud.s3.meta.partition}:sns:{cloud.region}:{cloud.account}:{names.project}-alerts"


def key_arn(cloud: Cloud, settings: Settings, names: Names, *, dry_run: bool) -> str:
    """The key that stacks encrypt with, "" for AWS's own. A dry run may be ahead of the key, and names its alias.

    Without its key nobody could read what was encrypted with it, so a project that has one does not go back.
    """
    try:
        arn = stack_outputs(cloud.cloudformation, names.stack(KEY))["EncryptionKeyArn"]
    except NotFoundError:
        if settings.stacks.encryption == "aws":
            return ""
        if dry_run:
            partition = cloud.s3.meta.partition
            return f"arn:{partition}:kms:{cloud.region}:{cloud.account}:alias/{names.project}"
        raise
    if settings.stacks.encryption == "aws":
        raise SettingsError(
            f"stacks.encryption is aws, but project {names.project!r} has a key, which its data cannot be read "
            "without: set it to project"
        )
    return arn
