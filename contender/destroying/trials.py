"""The records of executions in SageMaker Experiments: our trials, their components, and experiments left empty.

An experiment is named after a pipeline, which somebody else's may be, too. So a trial is ours only if it says so: it is
of an execution of our pipeline, or holds the component that we name after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from contender.destroying.remover import Project, Remover
from contender.endpoints import PAGE, found
from contender.executions.listing import pipeline_of


def _experiments(project: Project) -> Iterator[str]:
    sagemaker = project.connect("sagemaker")
    for name in project.names.training_pipelines:
        described = found(partial(sagemaker.describe_experiment, ExperimentName=name))
        if described and (_is_of(described, name) or any(_ours(project, sagemaker, name))):
            yield name


def _ours(project: Project, sagemaker: Any, experiment: str) -> Iterator[str]:
    for trial in list(_listed(sagemaker, "list_trials", "TrialSummaries", ExperimentName=experiment)):
        name = trial["TrialName"]
        described = {"Source": trial.get("TrialSource", {})}
        if _is_of(described, experiment) or project.names.component(name) in _components(sagemaker, name):
            yield str(name)


def _is_of(described: Any, pipeline: str) -> bool:
    """Whether a thing's source is the pipeline, or an execution of it."""
    return pipeline_of(described.get("Source", {}).get("SourceArn", "")) == pipeline


def _delete(project: Project, name: str) -> None:
    """Our trials, and the experiment unless somebody else has one in it."""
    sagemaker = project.connect("sagemaker")
    for trial in _ours(project, sagemaker, name):
        for component in _components(sagemaker, trial):
            sagemaker.disassociate_trial_component(TrialName=trial, TrialComponentName=component)
            if not any(_listed(sagemaker, "list_trials", "TrialSummaries", TrialComponentName=component)):
                sagemaker.delete_trial_component(TrialComponentName=component)
        sagemaker.delete_trial(TrialName=trial)
    if not any(_listed(sagemaker, "list_trials", "TrialSummaries", ExperimentName=name)):
        sagemaker.delete_experiment(ExperimentName=name)


def _components(sagemaker: Any, trial: str) -> list[str]:
    listed = _listed(sagemaker, "list_trial_components", "TrialComponentSummaries", TrialName=trial)
    return [each["TrialComponentName"] for each in listed]


def _trials_in_words(project: Project, name: str) -> str:
    return f"{sum(1 for _ in _ours(project, project.connect('sagemaker'), name))} executions"


def _listed(sagemaker: Any, operation: str, field: str, **asked: str) -> Iterator[Any]:
    pages = sagemaker.get_paginator(operation).paginate(**asked, MaxResults=PAGE)
    return (each for page in pages for each in page[field])


EXPERIMENTS = Remover("experiment", _experiments, _delete, describe=_trials_in_words)
