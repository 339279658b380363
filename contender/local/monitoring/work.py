"""What a schedule runs: one shape for a job definition of its own and for one that stands in the schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.monitoring.kinds import DATA_QUALITY, MODEL_QUALITY, MonitoringKind, kind_of
from contender.local.store import Document, Store


@dataclass(frozen=True, slots=True)
class Work:
    """A job definition; `definition` is its name, if it has one. The rest are AWS's own structures."""

    kind: MonitoringKind
    definition: str | None
    application: Document
    baseline: Document
    source: Document
    output: Document
    resources: Document
    role: str
    environment: Mapping[str, str]
    network: Document | None
    ground_truth: str | None
    runtime_s: int | None

    @property
    def endpoint(self) -> str | None:
        """The endpoint whose captured data is looked at; None for that of batch transform jobs."""
        return self.source.get("EndpointName")


def of_definition(kind: MonitoringKind, body: Mapping[str, Any]) -> Work:
    """Of a request or a document of CreateDataQualityJobDefinition and its like."""
    application, inputs = body[f"{kind.type}AppSpecification"], body[f"{kind.type}JobInput"]
    return Work(
        kind=kind,
        definition=body["JobDefinitionName"],
        application=application,
        baseline=body.get(f"{kind.type}BaselineConfig", {}),
        source=_source(inputs),
        output=body[f"{kind.type}JobOutputConfig"],
        resources=body["JobResources"],
        role=body["RoleArn"],
        environment=application.get("Environment", {}),
        network=body.get("NetworkConfig"),
        ground_truth=inputs.get("GroundTruthS3Input", {}).get("S3Uri"),
        runtime_s=body.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
    )


def of_schedule(store: Store, config: Mapping[str, Any]) -> Work:
    """Of a MonitoringScheduleConfig.

    Raises:
        ValidationException: it names no job definition, both kinds of one, or one that is not there.
    """
    name, inline = config.get("MonitoringJobDefinitionName"), config.get("MonitoringJobDefinition")
    if (name is None) == (inline is None):
        raise ValidationException(
            "MonitoringScheduleConfig needs either a MonitoringJobDefinition or a MonitoringJobDefinitionName"
        )
    if inline is not None:
        return _of_inline(config, inline)
    if "MonitoringType" not in config:
        raise ValidationException("MonitoringType is required with MonitoringJobDefinitionName")
    kind = kind_of(config["MonitoringType"])
    found = store.find(kind.kind, str(name))
    if found is None:
        raise ValidationException(f"Could not find the {kind.type} job definition {name!r}; create it first")
    return of_definition(kind, found)


def _of_inline(config: Mapping[str, Any], body: Mapping[str, Any]) -> Work:
    kind = kind_of(config.get("MonitoringType", DATA_QUALITY.type))
    if kind is MODEL_QUALITY:
        raise ValidationException(
            f"A {kind.type} schedule needs labels, and so a job definition: CreateModelQualityJobDefinition"
        )
    return Work(
        kind=kind,
        definition=None,
        application=body["MonitoringAppSpecification"],
        baseline=body.get("BaselineConfig", {}),
        source=_source(body["MonitoringInputs"][0]),
        output=body["MonitoringOutputConfig"],
        resources=body["MonitoringResources"],
        role=body["RoleArn"],
        environment=body.get("Environment", {}),
        network=body.get("NetworkConfig"),
        ground_truth=None,
        runtime_s=body.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
    )


def _source(inputs: Mapping[str, Any]) -> Document:
    if "EndpointInput" in inputs and "BatchTransformInput" not in inputs:
        endpoint: Document = inputs["EndpointInput"]
        return endpoint
    if "BatchTransformInput" in inputs and "EndpointInput" not in inputs:
        batch: Document = inputs["BatchTransformInput"]
        return batch
    raise ValidationException("The job input needs either an EndpointInput or a BatchTransformInput")
