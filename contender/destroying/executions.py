"""What runs, and the pipelines it runs in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from contender.destroying.remover import Project, Remover
from contender.endpoints import found
from contender.errors import NotFoundError
from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import executions


def _running(project: Project) -> Iterator[str]:
    sagemaker = project.connect("sagemaker")
    for pipeline in _pipelines(project):
        try:
            for each in executions(sagemaker, pipeline):
                if each["PipelineExecutionStatus"] in RUNNING:
                    yield str(each["PipelineExecutionArn"])
        except NotFoundError:
            continue  # it went meanwhile


def _stop(project: Project, arn: str) -> None:
    sagemaker = project.connect("sagemaker")
    if _status(sagemaker, arn) == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)


def _wait(project: Project, arns: Sequence[str]) -> None:
    sagemaker = project.connect("sagemaker")
    for arn in arns:
        project.wait(f"execution {arn.rpartition('/')[2]}", partial(_ended, sagemaker, arn))


def _ended(sagemaker: Any, arn: str) -> bool:
    return _status(sagemaker, arn) not in RUNNING


def _status(sagemaker: Any, arn: str) -> str:
    answer = found(lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))
    return str(answer["PipelineExecutionStatus"]) if answer else ""


def _pipelines(project: Project) -> Iterator[str]:
    sagemaker = project.connect("sagemaker")
    for name in project.names.pipelines:
        if found(partial(sagemaker.describe_pipeline, PipelineName=name)):
            yield name


def _delete(project: Project, name: str) -> None:
    project.connect("sagemaker").delete_pipeline(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)


EXECUTIONS = Remover("running execution", _running, _stop, _wait)
PIPELINES = Remover("pipeline", _pipelines, _delete)
