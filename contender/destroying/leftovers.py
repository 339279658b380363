"""What no stack owns: the code that was deployed, and the logs that services began by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contender.code_bucket import CodeBucket
from contender.destroying.objects import empty
from contender.destroying.remover import Project, Remover

_ENDPOINT_LOGS = "/aws/sagemaker/Endpoints/"


def _code(project: Project) -> Iterator[str]:
    name = project.names.bucket("code", project.account, project.region)
    if CodeBucket(project.connect("s3"), name, project.account, project.region).exists():
        yield name


def _log_groups(project: Project) -> Iterator[str]:
    """Of the functions in the templates, should one have written after its stack was gone, and of our endpoints."""
    functions = {
        f"/aws/lambda/{name}" for template in project.templates for name in template.functions(project.names.project)
    }
    for prefix in (f"/aws/lambda/{project.names.project}-", f"{_ENDPOINT_LOGS}{project.names.project}-"):
        for group in _groups(project.connect("logs"), prefix):
            if group in functions or project.names.place_of(group.removeprefix(_ENDPOINT_LOGS)):
                yield group


def _groups(logs: Any, prefix: str) -> Iterator[str]:
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return (group["logGroupName"] for page in pages for group in page["logGroups"])


CODE = Remover("bucket", _code, empty)
LOG_GROUPS = Remover(
    "log group", _log_groups, lambda project, name: project.connect("logs").delete_log_group(logGroupName=name)
)
