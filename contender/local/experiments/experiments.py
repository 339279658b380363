"""Experiments: a name under which trials are compared."""

from __future__ import annotations

from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.experiments.entities import EXPERIMENT, TRIAL, change, create, delete, find, summary
from contender.local.store import Document, Filter


def create_experiment(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return pick(create(context, EXPERIMENT, request), "ExperimentArn")


def describe_experiment(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return find(context, EXPERIMENT, request["ExperimentName"])


def update_experiment(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    changes = pick(request, "DisplayName", "Description")
    return pick(change(context, EXPERIMENT, request["ExperimentName"], changes), "ExperimentArn")


def list_experiments(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return page(context.store, EXPERIMENT.kind, request, _summary, key="ExperimentSummaries")


def delete_experiment(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ExperimentName"]
    with context.store.transaction():
        find(context, EXPERIMENT, name)
        if count := context.store.count(TRIAL.kind, Filter(parent=name)):
            raise ValidationException(f"Experiment {name} cannot be deleted: {count} trials belong to it, delete them")
        return delete(context, EXPERIMENT, name)


def _summary(experiment: Document) -> Document:
    names = ("ExperimentArn", "ExperimentName", "DisplayName", "CreationTime", "LastModifiedTime")
    return summary(EXPERIMENT, experiment, *names)


OPERATIONS: dict[str, Handler] = {
    "CreateExperiment": create_experiment,
    "DescribeExperiment": describe_experiment,
    "UpdateExperiment": update_experiment,
    "ListExperiments": list_experiments,
    "DeleteExperiment": delete_experiment,
}
