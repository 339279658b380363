"""An execution as a trial of its pipeline's experiment, as the definition's PipelineExperimentConfig names both.

Its jobs put their components into the trial themselves (`contender/local/jobs/components.py`); a step that the cache
answers brings the component of the job that did its work.
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.context import Context
from contender.local.experiments import entities, links
from contender.local.experiments.entities import COMPONENT, EXPERIMENT, TRIAL
from contender.local.jobs.components import component_name
from contender.local.store import Document


def open_trial(context: Context, execution: Document) -> None:
    """Make experiment and trial where they are not there yet. Raises ValidationException.

    A definition without the config has neither, and its jobs' components belong to no trial.
    """
    config = execution.get("PipelineExperimentConfig")
    if not config:
        return
    experiment, trial = config["ExperimentName"], config["TrialName"]
    model = context.dispatcher.model
    model.validate_request(model.operation("CreateTrial"), {"TrialName": trial, "ExperimentName": experiment})
    with context.store.transaction():
        if context.store.find(EXPERIMENT.kind, experiment) is None:
            source = {"SourceArn": execution["PipelineArn"]}
            entities.create(context, EXPERIMENT, {"ExperimentName": experiment, "Source": source})
        found = context.store.find(TRIAL.kind, trial)
        if found is None:
            body = {
                "TrialName": trial,
                "ExperimentName": experiment,
                "Source": {"SourceArn": execution["PipelineExecutionArn"]},
            }
            entities.create(context, TRIAL, body, parent=experiment)
        elif found["ExperimentName"] != experiment:
            raise ValidationException(
                f"PipelineExperimentConfig: trial {trial} belongs to experiment {found['ExperimentName']}, "
                f"not to {experiment}"
            )


def reuse(context: Context, config: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
    """Put the component of the job that a step's metadata names into the trial, if both are still there."""
    trial = config.get("TrialName", "")
    for made in metadata.values():
        arn = made.get("Arn") or made.get("CheckJobArn") or ""
        kind, _, job = arn.rpartition(":")[2].partition("/")
        component = component_name(kind, job)
        with context.store.transaction():
            if context.store.find(COMPONENT.kind, component) and context.store.find(TRIAL.kind, trial):
                links.associate(context, trial, component)
