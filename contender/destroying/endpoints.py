"""Endpoints, and what belongs to one: schedules, alarms and scaling before it, configs and models after it.

A name decides, taken apart whole; an endpoint must also serve a config named after it, as all of ours do, and carry
no other project's tag. One that only sounds like ours is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from contender.destroying.remover import Project, Remover
from contender.endpoints import PAGE, found, list_endpoints, read
from contender.scaling import SCALED, is_absent
from contender.watching.alarms import endpoint_of

_JOB_DEFINITIONS = ("data_quality", "model_quality")


def _endpoints(project: Project) -> Iterator[str]:
    sagemaker = project.connect("sagemaker")
    for name in sorted(list_endpoints(sagemaker, project.names)):
        described = found(partial(sagemaker.describe_endpoint, EndpointName=name))
        if described and _ours(project, sagemaker, described):
            yield name


def _ours(project: Project, sagemaker: Any, described: Mapping[str, Any]) -> bool:
    config = described.get("EndpointConfigName")  # one that could not be created has none
    if config and project.names.endpoint_of_config(config) != described["EndpointName"]:
        return False
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"]}
    return bool(tags.get("project", project.names.project) == project.names.project)


def _delete_endpoint(project: Project, name: str) -> None:
    """One that changes cannot be deleted before it has come to rest."""
    sagemaker = project.connect("sagemaker")

    def rests() -> bool:
        serving = read(sagemaker, name)
        return serving is None or not serving.busy or serving.status == "Deleting"

    project.wait(f"endpoint {name}", rests)
    serving = read(sagemaker, name)
    if serving is not None and serving.status != "Deleting":
        sagemaker.delete_endpoint(EndpointName=name)


def _endpoints_gone(project: Project, names: Sequence[str]) -> None:
    sagemaker = project.connect("sagemaker")
    for name in names:
        project.wait(f"endpoint {name}", partial(_gone, partial(sagemaker.describe_endpoint, EndpointName=name)))


def _listed(operation: str, field: str, key: str, ours: Callable[[Project, str], object]) -> Callable[..., Any]:
    """A finder of what SageMaker lists under `field`, by its name in `key`."""

    def find(project: Project) -> Iterator[str]:
        part = f"{project.names.project}-"
        pages = project.connect("sagemaker").get_paginator(operation).paginate(NameContains=part, MaxResults=PAGE)
        return (each[key] for page in pages for each in page[field] if ours(project, each[key]))

    return find


def _delete(operation: str, key: str) -> Callable[[Project, str], None]:
    def remove(project: Project, name: str) -> None:
        getattr(project.connect("sagemaker"), operation)(**{key: name})

    return remove


def _schedules_gone(project: Project, names: Sequence[str]) -> None:
    """A schedule goes when its running job has ended."""
    sagemaker = project.connect("sagemaker")
    for name in names:
        describe = partial(sagemaker.describe_monitoring_schedule, MonitoringScheduleName=name)
        project.wait(f"monitoring schedule {name}", partial(_gone, describe))


def _gone(describe: Callable[[], Mapping[str, Any]]) -> bool:
    return found(describe) is None


def _alarms(project: Project) -> Iterator[str]:
    pages = (
        project.connect("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{project.names.project}-", AlarmTypes=["MetricAlarm"])
    )
    return (alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if endpoint_of(project.names, alarm))


def _scaled(project: Project) -> Iterator[str]:
    """Variants that are scaled, as `endpoint/<name>/variant/<name>`; none on a laptop, which has no such service."""
    scaling = project.connect("application-autoscaling")
    try:
        pages = list(scaling.get_paginator("describe_scalable_targets").paginate(**SCALED))
    except ClientError as error:
        if not is_absent(error):
            raise
        return
    for each in (target["ResourceId"] for page in pages for target in page["ScalableTargets"]):
        if project.names.place_of(each.split("/")[1]):
            yield each


SCALED_VARIANTS = Remover(
    "scaled variant",
    _scaled,
    lambda project, name: project.connect("application-autoscaling").deregister_scalable_target(
        **SCALED, ResourceId=name
    ),
)
ALARMS = Remover("alarm", _alarms, lambda project, name: project.connect("cloudwatch").delete_alarms(AlarmNames=[name]))
SCHEDULES = Remover(
    "monitoring schedule",
    _listed(
        "list_monitoring_schedules",
        "MonitoringScheduleSummaries",
        "MonitoringScheduleName",
        lambda project, name: project.names.schedule_of(name),
    ),
    _delete("delete_monitoring_schedule", "MonitoringScheduleName"),
    _schedules_gone,
)
JOB_DEFINITIONS = tuple(
    Remover(
        f"{kind.replace('_', ' ')} job definition",
        _listed(
            f"list_{kind}_job_definitions",
            "JobDefinitionSummaries",
            "MonitoringJobDefinitionName",
            lambda project, name: project.names.endpoint_of_job_definition(name),
        ),
        _delete(f"delete_{kind}_job_definition", "JobDefinitionName"),
    )
    for kind in _JOB_DEFINITIONS
)
ENDPOINTS = Remover("endpoint", _endpoints, _delete_endpoint, _endpoints_gone)
CONFIGS = Remover(
    "endpoint config",
    _listed(
        "list_endpoint_configs",
        "EndpointConfigs",
        "EndpointConfigName",
        lambda project, name: project.names.endpoint_of_config(name),
    ),
    _delete("delete_endpoint_config", "EndpointConfigName"),
)
MODELS = Remover(
    "model",
    _listed(
        "list_models",
        "Models",
        "ModelName",
        lambda project, name: project.names.endpoint_of_model(name) or project.names.dimension_of_candidate(name),
    ),
    _delete("delete_model", "ModelName"),
)
