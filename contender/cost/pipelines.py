"""The training pipeline: its jobs, step by step, and the Lambda functions between them.

Every step is taken to run and every challenger to pass the gate; a step whose result is reused costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contender.config import Settings
from contender.cost.assumptions import HOURS_PER_MONTH
from contender.cost.case import Case, Line

PART = "training"
VOLUME_GB = 30
"""Of a job's instance, as the definition asks."""
LAMBDA_STEPS = 4
"""Starter, champion, model, deploy."""
LAMBDA_MS = 1_500
LAMBDA_MB = 256


@dataclass(frozen=True, slots=True)
class Job:
    """A step's job: so many instances of this type for the time of one. `endpoint`: Clarify asks one of its own."""

    step: str
    instance_type: str
    count: int = 1
    endpoint: str | None = None
    setting: str = "processing.instance_type"


def jobs(settings: Settings) -> Iterator[Job]:
    """The jobs of one execution, in the order of the pipeline."""
    training, checks = settings.training, settings.checks
    processing, model = settings.processing.instance_type, checks.model_instance_type

    def check(step: str, endpoint: str | None = None) -> Job:
        return Job(step, checks.instance_type, endpoint=endpoint, setting="checks.instance_type")

    yield Job("Preprocess", processing)
    yield check("DataQuality")
    if checks.bias.facet:
        yield check("DataBias")
    if training.tuning_trials:
        yield Job("Tune", training.instance_type, training.tuning_trials, setting="training.instance_type")
    else:
        yield Job("Train", training.instance_type, setting="training.instance_type")
    yield Job("Package", processing)
    yield Job("Evaluate", processing)
    yield Job("Transform", model, setting="checks.model_instance_type")
    yield check("ModelQuality")
    if checks.bias.facet:
        yield check("ModelBias", model)
    yield check("Explainability", model)


def lines(case: Case) -> Iterator[Line]:
    hours_each = case.assumed.minutes_per_job / 60
    hours = 0.0
    for job in jobs(case.settings):
        used = case.executions * job.count * hours_each
        yield case.hours(PART, job.step, used, job.instance_type, lower=_lower(case, job))
        if job.endpoint:
            yield case.hours(PART, f"{job.step}, its endpoint", used, job.endpoint)
        hours += used
    yield case.line(PART, "volumes", hours / HOURS_PER_MONTH * VOLUME_GB, "ml_volume")
    yield from case.computing(PART, "steps", case.executions * LAMBDA_STEPS, LAMBDA_MS, LAMBDA_MB)


def _lower(case: Case, job: Job) -> str:
    if job.step == "Tune":
        return "fewer training.tuning_trials"
    if smaller := case.prices.smaller(job.instance_type):
        return f"{job.setting} {smaller}, if the rows fit, or fewer retrainings"
    return "fewer retrainings"
