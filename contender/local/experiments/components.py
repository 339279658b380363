"""Trial components: parameters, artifacts, metrics, status and times of one job, or of what somebody writes down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.experiments import links
from contender.local.experiments.entities import COMPONENT, EXPERIMENT, TRIAL, change, create, delete, find, summary
from contender.local.store import Document, Filter

MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")
SUMMARY = (
    "TrialComponentName",
    "TrialComponentArn",
    "DisplayName",
    "Status",
    "StartTime",
    "EndTime",
    "CreationTime",
    "CreatedBy",
    "LastModifiedTime",
    "LastModifiedBy",
)


def create_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    # The SDK's table of an experiment counts on fields that are there even where they are empty.
    empty: Document = {"Metrics": [], **{field: {} for field in MAPS}}
    return pick(create(context, COMPONENT, {**empty, **request}), "TrialComponentArn")


def describe_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    component = find(context, COMPONENT, request["TrialComponentName"])
    return {**component, **({"Sources": [component["Source"]]} if "Source" in component else {})}


def update_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Entries of the three maps are added and replaced; only the …ToRemove lists take some away."""
    name = request["TrialComponentName"]
    with context.store.transaction():
        component = find(context, COMPONENT, name)
        changes = pick(request, "DisplayName", "Status", "StartTime", "EndTime")
        for field in MAPS:
            if field in request or f"{field}ToRemove" in request:
                changes[field] = _merged(component, request, field)
        return pick(change(context, COMPONENT, name, changes), "TrialComponentArn")


def list_trial_components(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All components, or those of an experiment, of a trial, or of a source."""
    given = [name for name in ("ExperimentName", "TrialName", "SourceArn") if name in request]
    if len(given) > 1:
        raise ValidationException(f"ListTrialComponents: {' and '.join(given)} exclude each other")
    key = "TrialComponentSummaries"
    if trial := request.get("TrialName"):
        find(context, TRIAL, trial)
        return page(
            context.store,
            links.COMPONENT_OF_TRIAL,
            request,
            lambda link: _summary(find(context, COMPONENT, link["TrialComponentName"])),
            key=key,
            parent=trial,
        )
    if experiment := request.get("ExperimentName"):
        names = _of_experiment(context, experiment)

        def keep(component: Document) -> bool:
            return component["TrialComponentName"] in names

        return page(context.store, COMPONENT.kind, request, _summary, key=key, keep=keep)
    return page(context.store, COMPONENT.kind, request, _summary, key=key, parent=request.get("SourceArn"))


def delete_trial_component(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["TrialComponentName"]
    with context.store.transaction():
        find(context, COMPONENT, name)
        if trials := [trial["TrialName"] for trial in links.trials_of(context, name)]:
            raise ValidationException(
                f"Trial component {name} cannot be deleted: it is associated with {', '.join(trials)}, disassociate it"
            )
        return delete(context, COMPONENT, name)


def _merged(component: Mapping[str, Any], request: Mapping[str, Any], field: str) -> dict[str, Any]:
    merged = {**component.get(field, {}), **request.get(field, {})}
    return {key: value for key, value in merged.items() if key not in request.get(f"{field}ToRemove", ())}


def _of_experiment(context: Context, experiment: str) -> set[str]:
    find(context, EXPERIMENT, experiment)
    trials = context.store.page(TRIAL.kind, Filter(parent=experiment))
    return {name for trial in trials for name in links.components_of(context, trial["TrialName"])}


def _summary(component: Document) -> Document:
    return summary(COMPONENT, component, *SUMMARY)


OPERATIONS: dict[str, Handler] = {
    "CreateTrialComponent": create_trial_component,
    "DescribeTrialComponent": describe_trial_component,
    "UpdateTrialComponent": update_trial_component,
    "ListTrialComponents": list_trial_components,
    "DeleteTrialComponent": delete_trial_component,
}
