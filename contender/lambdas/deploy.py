"""Starts the deployment of a registered version: the pipeline's Deploy step.

    {"Dimension": "SM-1", "ModelPackageArn": "arn:…:model-package/contender-SM-1/3"}
      →  {"Action": "updating", "EndpointName": "contender-SM-1", "EndpointConfigName": "…", "Variant": "v3",
          "Reason": ""}

Action is created or updating (this version's change has begun), waiting (it comes later, Reason says what for) or
unchanged (it serves already, or has served and left). It does not wait for the endpoint: the endpoint's state-change
event wakes the tick function, which goes on. A version that failed raises, with the reason. Where a project has stages,
it is about the first one. `"DryRun": true` changes nothing and answers with the steps in `Plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from contender.errors import DeploymentError
from contender.lambdas.controllers import controllers, from_environment
from contender.lambdas.log_line import log_line
from contender.naming import variant_name
from contender.registry import Status, Version
from contender.rollout.actions import CreateEndpoint, UpdateEndpoint, describe
from contender.rollout.state import Phase
from contender.rollout.tick import Controller, Report
from contender.rollout.view import View


class Outcome(StrEnum):
    CREATED = "created"
    UPDATING = "updating"
    WAITING = "waiting"
    UNCHANGED = "unchanged"


def answer(report: Report, number: int) -> dict[str, str]:
    """What a tick means for the version that was asked for; DeploymentError when it cannot be deployed."""
    view = report.view
    version = view.version(number) if view is not None else None
    if view is None or version is None:
        what = f"dimension {report.state.dimension!r} has no completed version {number}"
        raise DeploymentError(f"{what}: register it first")
    outcome, reason, config = _state(report, view, version)
    return {
        "Action": outcome.value,
        "EndpointName": view.endpoint,
        "EndpointConfigName": config,
        "Variant": variant_name(number),
        "Reason": reason,
    }


def look(controller: Controller, dimension: str) -> Report:
    """One tick. Hooks that are due are left to the tick function, which has the time and the permission to ask them."""
    return controller.hurry(dimension)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    with log_line("deploy") as line:
        line["dimension"], line["package"] = event.get("Dimension"), event.get("ModelPackageArn")
        settings, clients = from_environment()
        number = settings.names.version_of_package(event["Dimension"], event["ModelPackageArn"])
        controller = controllers(settings, clients)[0]
        dry_run = bool(event.get("DryRun"))
        report = controller.rehearse(event["Dimension"]) if dry_run else look(controller, event["Dimension"])
        line |= report.document()
        reply = line["answer"] = answer(report, number)
        return {**reply, "Plan": [describe(action) for action in report.done]} if dry_run else reply


def _state(report: Report, view: View, version: Version) -> tuple[Outcome, str, str]:
    """Action, reason and endpoint config; another version may have gone first."""
    state, plan, serving = report.state, report.plan, view.serving
    if plan.subject is not None and plan.subject.number == version.number:
        for change in report.done:
            if isinstance(change, CreateEndpoint):
                return Outcome.CREATED, "", change.config
            if isinstance(change, UpdateEndpoint):
                return Outcome.UPDATING, "", change.config
    what, track = f"version {version.number} of {view.endpoint!r}", state.track(version.number)
    gone = track is not None and track.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    if version.status is Status.FAILED or (version.number in state.barred and version.status is Status.PENDING):
        reason = track.reason if track is not None and gone else version.reason or "it could not serve"
        raise DeploymentError(f"{what} could not be deployed: {reason}")
    if version.status in (Status.IN_SERVICE, Status.REMOVED):
        return Outcome.UNCHANGED, version.reason, serving.config if serving else ""
    if version.rejected:
        raise DeploymentError(f"{what} is rejected: approve it to deploy it")
    if version.approval != "Approved":
        return Outcome.WAITING, "waits for approval: set its ModelApprovalStatus to Approved", ""
    if version.status is Status.DEPLOYING and serving is not None and serving.busy:
        under_way = Outcome.CREATED if serving.status == "Creating" else Outcome.UPDATING
        return under_way, report.reason, serving.target
    ahead = f"{variant_name(plan.subject.number)} goes first" if plan.subject else report.reason
    if not ahead:
        ahead = next((event.sentence for event in report.events if event.version == version.number), "")
    return Outcome.WAITING, ahead or "its dimension's rollout is not that far", serving.config if serving else ""
