"""A push while the project goes: none gets to its build any more, and a build that runs comes to its end.

The stack itself goes after the stacks that it deploys: CloudFormation deletes a stack as the role that deployed it
last, and that is one of the delivery's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from botocore.exceptions import ClientError

from contender.destroying.remover import Project, Remover
from contender.destroying.stacks import DELIVERY, THE_DELIVERY
from contender.endpoints import error_code

_BUILDING = "Build"
_UNDER_WAY = frozenset({"InProgress", "Stopping"})
_REASON = "contender destroy takes the project away"


def hold(project: Project) -> bool:
    """Let no push get to its build. Whether there is a delivery that could."""
    if not any(THE_DELIVERY.find(project)):
        return False
    try:
        project.connect("codepipeline").disable_stage_transition(
            pipelineName=_name(project), stageName=_BUILDING, transitionType="Inbound", reason=_REASON
        )
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return False  # a stack that was never made whole, or is half gone
    return True


def _name(project: Project) -> str:
    return project.names.stack(DELIVERY)


def _under_way(project: Project) -> Iterator[str]:
    if not any(THE_DELIVERY.find(project)):
        return
    try:
        answer = project.connect("codepipeline").list_pipeline_executions(pipelineName=_name(project))
    except ClientError as error:
        if error_code(error) != "PipelineNotFoundException":
            raise
        return
    for each in answer["pipelineExecutionSummaries"]:
        if each["status"] in _UNDER_WAY:
            yield str(each["pipelineExecutionId"])


def _stop(project: Project, execution: str) -> None:
    if _status(project, execution) == "InProgress":
        project.connect("codepipeline").stop_pipeline_execution(
            pipelineName=_name(project), pipelineExecutionId=execution, abandon=False, reason=_REASON
        )


def _wait(project: Project, executions: Sequence[str]) -> None:
    for execution in executions:
        project.wait(f"delivery {execution}", partial(_ended, project, execution))


def _ended(project: Project, execution: str) -> bool:
    return _status(project, execution) not in _UNDER_WAY


def _status(project: Project, execution: str) -> str:
    answer = project.connect("codepipeline").get_pipeline_execution(
        pipelineName=_name(project), pipelineExecutionId=execution
    )
    return str(answer["pipelineExecution"]["status"])


DELIVERIES = Remover("running delivery", _under_way, _stop, _wait)
