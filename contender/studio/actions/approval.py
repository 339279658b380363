"""Approve a version, reject it, or let it go on from a stage to the next one."""

from __future__ import annotations

from botocore.exceptions import ClientError
from starlette.datastructures import FormData
from starlette.requests import Request

from contender import registry
from contender.approval import to_approve, to_go_on, to_reject, wake
from contender.aws import caller
from contender.errors import ContenderError, DeploymentError
from contender.registry import Status
from contender.stage_settings import versions_of
from contender.studio.acting import Done
from contender.studio.desk import Desk


def decide(desk: Desk, request: Request, form: FormData) -> Done:
    """`decision`: approve or reject, `reason` if there is one; `stage`: from which an approved version goes on."""
    dimension, number = request.path_params["dimension"], request.path_params["version"]
    decision, reason, stage = (str(form.get(name, "")).strip() for name in ("decision", "reason", "stage"))
    if decision not in ("approve", "reject"):
        raise DeploymentError("choose whether to approve the version or to reject it")
    if decision == "approve" and stage:
        return _let_on(desk, dimension, number, stage)
    sagemaker = desk.client("sagemaker")
    versions = registry.list_versions(sagemaker, desk.names.group(dimension))
    if decision == "reject":
        chosen = to_reject(dimension, versions, number)
        registry.reject(sagemaker, chosen.arn, reason)
        return Done((f"v{number} of {dimension} is rejected: it is not rolled out.",))
    chosen = to_approve(dimension, versions, number)
    if chosen.status is not Status.PENDING:
        raise DeploymentError(
            f"version {number} of dimension {dimension!r} is rolled out already: {chosen.role}, {chosen.status}"
        )
    registry.approve(sagemaker, chosen.arn, reason)
    return Done((f"v{number} of {dimension} is approved: its rollout starts by itself.",))


def _let_on(desk: Desk, dimension: str, number: int, stage: str) -> Done:
    settings = desk.settings
    here = versions_of(settings, desk.client, settings.stage_key(stage), desk.clock)
    _, goes_to = to_go_on(settings, dimension, stage, here.of(dimension), number)
    here.approve(dimension, number, caller(desk.client("sts")))
    try:
        wake(desk.client("lambda"), settings, dimension, goes_to)
    except (ContenderError, ClientError):
        return Done((f"v{number} of {dimension} may go on: stage {goes_to} takes it with its next look.",))
    return Done((f"v{number} of {dimension} goes on to stage {goes_to}.",))
