"""Lets the rollout controller look: at one dimension after something happened to it, or on schedule at all of them.

Woken by three kinds of event, each only a hint to look (they come late, repeated and out of order):

    SageMaker Endpoint State Change         the stage and dimension of detail.EndpointName, and the stages after it
    SageMaker Model Package State Change    the dimension of detail.ModelPackageGroupName: a late approval enters.
                                            Our own marks raise this event too; it needs no look then
    Scheduled Event                         every dimension in every stage: picks up what was interrupted or whose
                                            event was lost, and deletes candidates that no execution needs any more

and by a person, through the CLI:

    {"Dimension": "SM-1", "Stage": "", "Command": {"verb": "promote", "by": "ada", "version": 3, "why": "…"},
     "DryRun": false}
      →  {"Dimension": "SM-1", "Stage": "", "EndpointName": "contender-SM-1", "Revision": 12, "Decided": ["…"],
          "Done": ["…"], "Reason": "", "Refused": "", "Error": ""}

without a Command it only looks. Decided and Done are sentences; Refused says why a command was not followed. With
DryRun they are what would be decided and done first. The other events are answered with a list of such answers, of
the dimensions about which something was decided, done, or failed. Endpoints and groups of others are left alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contender import candidates
from contender.errors import DeploymentError
from contender.lambdas.controllers import Clients, controllers, from_environment, of_stage
from contender.lambdas.log_line import log_line
from contender.lambdas.settings import RolloutSettings
from contender.naming import Names
from contender.registry import Status
from contender.rollout.actions import DeleteModel
from contender.rollout.documents import from_json
from contender.rollout.execute import Executor
from contender.rollout.observation import Command
from contender.rollout.state import State
from contender.rollout.sweep import sweep
from contender.rollout.tick import Controller, Report

SWEEP = "Scheduled Event"


def places_of(names: Names, made: Sequence[Controller], event: Mapping[str, Any]) -> list[tuple[Controller, str]]:
    """The stages and dimensions that a state change asks to look at."""
    detail = event.get("detail", {})
    if "EndpointName" in detail:
        place = names.place_of(detail["EndpointName"])
        stages = [controller.spec.stage for controller in made]
        if place is None or place.stage not in stages:
            return []
        return [(controller, place.dimension) for controller in made[stages.index(place.stage) :]]
    dimension = names.dimension_of_group(detail.get("ModelPackageGroupName", ""))
    status = detail.get("ModelLifeCycle", {}).get("StageStatus", Status.PENDING)
    if dimension is None or status != Status.PENDING:
        return []
    return [(controller, dimension) for controller in made]


def command(made: Sequence[Controller], event: Mapping[str, Any]) -> Report:
    """Look at one dimension, and follow what a person asks."""
    controller, dimension = of_stage(made, event.get("Stage", "")), event["Dimension"]
    wanted = from_json(Command, event["Command"]) if event.get("Command") else None
    if event.get("DryRun"):
        return controller.rehearse(dimension, wanted)
    return controller.tick(dimension, wanted)


def look(names: Names, made: Sequence[Controller], event: Mapping[str, Any]) -> tuple[Report, ...]:
    """Look at whatever an event asks for; a dimension that fails stops no other."""
    if event.get("detail-type") == SWEEP:
        return sweep(made)
    return tuple(_looked(controller, dimension) for controller, dimension in places_of(names, made, event))


def forget_candidates(sagemaker: Any, executor: Executor, names: Names, now: datetime) -> tuple[str, ...]:
    """Delete the candidates that nobody needs, and name them."""
    found = candidates.leftovers(sagemaker, names, now)
    for name in found:
        executor.run(DeleteModel(name))
    return found


def answer(
    settings: RolloutSettings, clients: Clients, event: Mapping[str, Any], line: dict[str, Any]
) -> dict[str, Any] | list[dict[str, Any]]:
    """All that an event asks for, told to `line`; candidates are forgotten even if a dimension cannot be looked at."""
    made = controllers(settings, clients)
    if "Dimension" in event:
        report = command(made, event)
        line |= {"event": "command", "command": event.get("Command"), **report.document()}
        raise_for([report])
        return report.document()
    reports = look(settings.names, made, event)
    told = [report for report in reports if report.events or report.done or report.error]
    line |= {"event": event.get("detail-type"), "looked": len(reports), "told": len(told)}
    for report in told:
        print(json.dumps({"function": "tick", **report.document()}), flush=True)
    if event.get("detail-type") == SWEEP:
        now = clients.clock()
        line["forgotten"] = forget_candidates(clients.sagemaker, made[0].executor, settings.names, now)
    raise_for(told)
    return [report.document() for report in told]


def raise_for(reports: Sequence[Report]) -> None:
    """Fail at the end if a dimension did: the others must not wait for it."""
    failures = [report for report in reports if report.error is not None]
    if len(failures) == 1 and failures[0].error is not None:
        raise failures[0].error
    if failures:
        which = "; ".join(f"{report.state.endpoint}: {report.error}" for report in failures)
        raise DeploymentError(f"{len(failures)} dimensions could not be looked at: {which}")


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any] | list[dict[str, Any]]:
    began = time.monotonic()
    with log_line("tick") as line:
        try:
            settings, clients = from_environment()
            return answer(settings, clients, event, line)
        finally:
            line["seconds"] = round(time.monotonic() - began, 3)


def _looked(controller: Controller, dimension: str) -> Report:
    try:
        return controller.tick(dimension)
    except Exception as error:
        return Report(controller.spec.stage, State(controller.names.endpoint(dimension), dimension), error=error)
