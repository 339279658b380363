"""Starts the deployment of a registered version: the pipeline's Deploy step.

    {"Dimension": "SM-1", "ModelPackageArn": "arn:…:model-package/contender-SM-1/3"}
      →  {"Action": "updating", "EndpointName": "contender-SM-1", "EndpointConfigName": "…", "Variant": "v3",
          "Reason": ""}

Action is created or updating (this version's change has begun), waiting (it comes later, Reason says what for) or
unchanged (it serves already, or has served and left). It does not wait for the endpoint: the endpoint's state-change
event wakes the finish function, which runs the same reconcile. A version that failed raises, with the reason.
`"DryRun": true` changes nothing and answers with the steps in `Plan`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

import boto3

from contender.errors import DeploymentError
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import RolloutSettings
from contender.naming import variant_name
from contender.registry import Status, Version
from contender.rollout.actions import describe
from contender.rollout.execute import Apply, Record
from contender.rollout.plan import Outcome
from contender.rollout.tick import Result, reconcile


def answer(result: Result, number: int) -> dict[str, str]:
    """What a reconcile means for the version that was asked for; DeploymentError when it cannot be deployed."""
    view = result.view
    version = next((version for version in view.versions if version.number == number), None)
    if version is None:
        raise DeploymentError(f"group {view.endpoint!r} has no completed version {number}: register it first")
    action, reason, config = _state(result, version)
    return {
        "Action": action.value,
        "EndpointName": view.endpoint,
        "EndpointConfigName": config,
        "Variant": variant_name(number),
        "Reason": reason,
    }


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("deploy") as line:
        line["dimension"], line["package"] = event.get("Dimension"), event.get("ModelPackageArn")
        settings = RolloutSettings.from_environ(os.environ)
        number = settings.names.version_of_package(event["Dimension"], event["ModelPackageArn"])
        executor = Record() if event.get("DryRun") else Apply(_sagemaker(), settings.model_role_arn)
        result = reconcile(_sagemaker(), executor, settings.names, event["Dimension"], settings.policy)
        steps = line["done"] = [describe(action) for action in result.done]
        reply = line["answer"] = answer(result, number)
        return {**reply, "Plan": steps} if event.get("DryRun") else reply


def _state(result: Result, version: Version) -> tuple[Outcome, str, str]:
    """Action, reason and endpoint config; another version may have gone first."""
    plan, serving = result.plan, result.view.serving
    if plan.subject is not None and plan.subject.number == version.number:
        return plan.outcome, plan.reason, plan.config
    what = f"version {version.number} of {result.view.endpoint!r}"
    if version.status is Status.FAILED:
        raise DeploymentError(f"{what} could not be deployed: {version.reason}")
    if version.status in (Status.IN_SERVICE, Status.REMOVED):
        return Outcome.UNCHANGED, version.reason, serving.config if serving else ""
    if version.approval == "Rejected":
        raise DeploymentError(f"{what} is rejected: approve it to deploy it")
    if version.approval != "Approved":
        return Outcome.WAITING, "waits for approval: set its ModelApprovalStatus to Approved", ""
    if version.status is Status.DEPLOYING and serving is not None and serving.busy:
        under_way = Outcome.CREATED if serving.status == "Creating" else Outcome.UPDATING
        return under_way, plan.reason, serving.target
    ahead = f"{variant_name(plan.subject.number)} goes first" if plan.subject else plan.reason
    return Outcome.WAITING, ahead, plan.config


@functools.cache
def _sagemaker() -> Any:
    return boto3.client("sagemaker")
