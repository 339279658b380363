"""The trial component that SageMaker keeps of every training, processing and transform job: what it was made of, and
what came of it.

Its name is the job's and `-aws-training-job`, so writing it again changes nothing. With an ExperimentConfig it belongs
to a trial; a pipeline gives its jobs one. Of a tuning job there is none, only of its training jobs.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ExperimentConfig.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.context import Context
from contender.local.experiments import entities, links
from contender.local.experiments.entities import COMPONENT, EXPERIMENT, TRIAL
from contender.local.jobs.kinds import TUNING, JobKind
from contender.local.store import Document

METRICS = "_Metrics"
"""Where a training job's document keeps what its metrics came to."""
NUMBER = re.compile(r"[+-]?(\d{1,17}\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
LONGEST = 2500
"""Of a parameter's text."""
LONGEST_MESSAGE = 1024


def begin(context: Context, kind: JobKind, job: Mapping[str, Any]) -> None:
    """The component of a new job, in its trial. Raises ResourceNotFound where experiment or trial is not there."""
    if kind is TUNING:
        return
    name, config = component_name(kind.kind, job[kind.name_field]), job.get("ExperimentConfig", {})
    entities.create(
        context,
        COMPONENT,
        {
            "TrialComponentName": name,
            "DisplayName": config.get("TrialComponentDisplayName", name),
            "Source": {"SourceArn": job[kind.arn_field], "SourceType": f"SageMaker{kind.prefix}"},
            "Status": _status(kind, job),
            "StartTime": job["CreationTime"],
            "Parameters": dict(_parameters(job)),
            "InputArtifacts": dict(_inputs(job)),
            "OutputArtifacts": dict(_outputs(job)),
            "Metrics": [],
        },
        parent=job[kind.arn_field],
    )
    if trial := _trial(context, job[kind.name_field], config):
        links.associate(context, trial, name)


def note(context: Context, kind: JobKind, job: Mapping[str, Any]) -> None:
    """How far the job has come, for one that had a component when it began."""
    name = component_name(kind.kind, job[kind.name_field])
    if kind is TUNING or context.store.find(COMPONENT.kind, name) is None:
        return
    changes: Document = {"Status": _status(kind, job)}
    if kind.end_field in job:
        changes["EndTime"] = job[kind.end_field]
    if metrics := job.get(METRICS):
        changes["Metrics"] = [{**metric, "SourceArn": job[kind.arn_field]} for metric in metrics]
    entities.change(context, COMPONENT, name, changes)


def component_name(kind: str, job: str) -> str:
    """Of the job with this name; `kind` is the ARN's."""
    return f"{job}-aws-{kind}"


def _trial(context: Context, job: str, config: Mapping[str, str]) -> str | None:
    """The trial's name; where only an experiment is named, a trial of the job's own."""
    experiment, trial = config.get("ExperimentName"), config.get("TrialName")
    if trial is not None:
        found = entities.find(context, TRIAL, trial)
        if experiment not in (None, found["ExperimentName"]):
            raise ValidationException(
                f"Trial {trial} belongs to experiment {found['ExperimentName']}, not {experiment}"
            )
        return trial
    if experiment is None:
        return None
    entities.find(context, EXPERIMENT, experiment)
    name = f"{job}-aws-trial"
    entities.create(context, TRIAL, {"TrialName": name, "ExperimentName": experiment}, parent=experiment)
    return name


def _status(kind: JobKind, job: Mapping[str, Any]) -> dict[str, str]:
    status = job[kind.status_field]
    message = job.get("FailureReason", "")[:LONGEST_MESSAGE]
    return {"PrimaryStatus": status, "Message": message or f"Status: {status}"}


def _parameters(job: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Hyperparameters and environment under their own names, and the instances'."""
    resources = (
        job.get("ResourceConfig")
        or job.get("ProcessingResources", {}).get("ClusterConfig")
        or job.get("TransformResources", {})
    )
    for name in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if name in resources:
            yield f"SageMaker.{name}", _value(resources[name])
    if "ModelName" in job:
        yield "SageMaker.ModelName", _value(job["ModelName"])
    for name, text in {**job.get("Environment", {}), **job.get("HyperParameters", {})}.items():
        yield name, _number_or_text(text)


def _inputs(job: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    image = job.get("AlgorithmSpecification", {}).get("TrainingImage") or job.get("AppSpecification", {}).get(
        "ImageUri"
    )
    if image:
        yield "SageMaker.ImageUri", {"Value": image}
    for channel in job.get("InputDataConfig", ()):
        if uri := channel["DataSource"].get("S3DataSource", {}).get("S3Uri"):
            media = {"MediaType": channel["ContentType"]} if "ContentType" in channel else {}
            yield channel["ChannelName"], {"Value": uri, **media}
    for given in job.get("ProcessingInputs", ()):
        if uri := given.get("S3Input", {}).get("S3Uri"):
            yield given["InputName"], {"Value": uri}
    if uri := job.get("TransformInput", {}).get("DataSource", {}).get("S3DataSource", {}).get("S3Uri"):
        yield "SageMaker.TransformInput", {"Value": uri}


def _outputs(job: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if uri := job.get("ModelArtifacts", {}).get("S3ModelArtifacts"):
        yield "SageMaker.ModelArtifact", {"Value": uri}
    for output in job.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if uri := output.get("S3Output", {}).get("S3Uri"):
            yield output["OutputName"], {"Value": uri}
    if uri := job.get("TransformOutput", {}).get("S3OutputPath"):
        yield "SageMaker.TransformOutput", {"Value": uri}


def _number_or_text(text: str) -> dict[str, Any]:
    """SageMaker keeps what reads as a number as one."""
    return {"NumberValue": float(text)} if NUMBER.fullmatch(text) else _value(text)


def _value(value: str | int) -> dict[str, Any]:
    return {"NumberValue": float(value)} if isinstance(value, int) else {"StringValue": value[:LONGEST]}
