"""Trials of an experiment, say the executions of a pipeline, and the components they hold."""

from __future__ import annotations

from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.experiments import links
from contender.local.experiments.entities import COMPONENT, EXPERIMENT, TRIAL, change, create, delete, find, summary
from contender.local.store import Document, Filter


def create_trial(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        experiment = find(context, EXPERIMENT, request["ExperimentName"])["ExperimentName"]
        return pick(create(context, TRIAL, request, parent=experiment), "TrialArn")


def describe_trial(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return find(context, TRIAL, request["TrialName"])


def update_trial(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return pick(change(context, TRIAL, request["TrialName"], pick(request, "DisplayName")), "TrialArn")


def list_trials(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All trials, or those of an experiment, or those that hold a component."""
    experiment, component = request.get("ExperimentName"), request.get("TrialComponentName")
    if experiment is not None:
        find(context, EXPERIMENT, experiment)
    if component is None:
        return page(context.store, TRIAL.kind, request, _summary, key="TrialSummaries", parent=experiment)
    find(context, COMPONENT, component)
    return page(
        context.store,
        links.TRIAL_OF_COMPONENT,
        request,
        lambda link: _summary(find(context, TRIAL, link["TrialName"])),
        key="TrialSummaries",
        parent=component,
        keep=lambda link: experiment in (None, find(context, TRIAL, link["TrialName"])["ExperimentName"]),
    )


def delete_trial(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["TrialName"]
    with context.store.transaction():
        find(context, TRIAL, name)
        if count := context.store.count(links.COMPONENT_OF_TRIAL, Filter(parent=name)):
            raise ValidationException(
                f"Trial {name} cannot be deleted: {count} trial components are associated with it, disassociate them"
            )
        return delete(context, TRIAL, name)


def associate_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return links.associate(context, request["TrialName"], request["TrialComponentName"])


def disassociate_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return links.disassociate(context, request["TrialName"], request["TrialComponentName"])


def _summary(trial: Document) -> Document:
    return summary(TRIAL, trial, "TrialArn", "TrialName", "DisplayName", "CreationTime", "LastModifiedTime")


OPERATIONS: dict[str, Handler] = {
    "CreateTrial": create_trial,
    "DescribeTrial": describe_trial,
    "UpdateTrial": update_trial,
    "ListTrials": list_trials,
    "DeleteTrial": delete_trial,
    "AssociateTrialComponent": associate_trial_component,
    "DisassociateTrialComponent": disassociate_trial_component,
}
