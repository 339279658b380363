"""A dimension's endpoint as it serves now, and what is left of earlier roll-outs beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.naming import Names, parse_variant

SHARE_DIGITS = 6
"""SageMaker keeps weights as 32-bit floats: 0.9 comes back as 0.8999999761581421."""

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})

ANSWERING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
PAGE = 100
"""The most that a list operation gives at once."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A variant as it serves: its live share, and what its config gives it, which is "" and 0 when that is gone.

    How many instances run may differ from the config's: automatic scaling, or a person, has set it.
    """

    variant: str
    model: str
    share: float
    instance_type: str = ""
    instance_count: int = 0


@dataclass(frozen=True, slots=True)
class Serving:
    """An endpoint as DescribeEndpoint shows it; `target` is the config it has or is changing to.

    `capture_percent` and `capture_uri` are its config's: 0 and "" where nothing is captured.
    """

    name: str
    status: str
    config: str
    target: str
    slots: tuple[Slot, ...]
    failure: str
    modified_at: datetime
    config_created_at: datetime | None = None
    capture_percent: int = 0
    capture_uri: str = ""

    @property
    def busy(self) -> bool:
        return self.status in BUSY

    @property
    def in_service(self) -> bool:
        return self.status == "InService"

    @property
    def answers(self) -> bool:
        """Whether its slots are those of a config that serves; a change may be under way."""
        return self.status in ANSWERING

    def slot(self, variant: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.variant == variant), None)

    def live_shares(self) -> dict[int, float]:
        """Live share by version; variants that no version of ours is named for are left out."""
        shares = {parse_variant(slot.variant): slot.share for slot in self.slots}
        return {version: share for version, share in shares.items() if version is not None}


@dataclass(frozen=True, slots=True)
class Leftovers:
    """An endpoint's configs with the time of their creation, and its models: those in use, and those of the past."""

    configs: Mapping[str, datetime] = field(default_factory=dict)
    models: tuple[str, ...] = ()


def read(sagemaker: Any, endpoint: str) -> Serving | None:
    """What the endpoint serves now, or None when there is no such endpoint."""
    answer = found(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))
    if answer is None:
        return None
    config = answer.get("EndpointConfigName", "")
    described = found(lambda: sagemaker.describe_endpoint_config(EndpointConfigName=config)) if config else None
    return _serving(answer, described or {})


def list_endpoints(sagemaker: Any, names: Names) -> frozenset[str]:
    """Names of the project's endpoints, in every stage."""
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=f"{names.project}-", MaxResults=PAGE)
    found = (endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"])
    return frozenset(name for name in found if names.place_of(name) is not None)


def leftovers(sagemaker: Any, names: Names, part: str) -> dict[str, Leftovers]:
    """Endpoint configs and models of the project whose names contain `part`, by the endpoint they belong to.

    What belongs to an endpoint is decided on the whole name.
    """
    configs: dict[str, dict[str, datetime]] = {}
    models: dict[str, list[str]] = {}
    for page in sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=part, MaxResults=PAGE):
        for config in page["EndpointConfigs"]:
            if endpoint := names.endpoint_of_config(config["EndpointConfigName"]):
                configs.setdefault(endpoint, {})[config["EndpointConfigName"]] = config["CreationTime"]
    for page in sagemaker.get_paginator("list_models").paginate(NameContains=part, MaxResults=PAGE):
        for model in page["Models"]:
            if endpoint := names.endpoint_of_model(model["ModelName"]):
                models.setdefault(endpoint, []).append(model["ModelName"])
    return {
        endpoint: Leftovers(configs.get(endpoint, {}), tuple(models.get(endpoint, ())))
        for endpoint in {*configs, *models}
    }


def found(call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """A Describe call's answer, or None when the thing isn't there."""
    try:
        return call()
    except ClientError as error:
        if error_code(error) in ("ValidationException", "ResourceNotFound"):
            return None
        raise


def _serving(answer: Mapping[str, Any], config: Mapping[str, Any]) -> Serving:
    asked = {variant["VariantName"]: variant for variant in config.get("ProductionVariants", ())}
    capture = config.get("DataCaptureConfig", {})
    weights = {
        variant["VariantName"]: float(variant.get("CurrentWeight") or 0.0)
        for variant in answer.get("ProductionVariants", ())
    }
    total = sum(weights.values()) or 1.0
    current = answer.get("EndpointConfigName", "")
    return Serving(
        name=answer["EndpointName"],
        status=answer["EndpointStatus"],
        config=current,
        target=(answer.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", current),
        slots=tuple(
            Slot(
                variant,
                asked.get(variant, {}).get("ModelName", ""),
                round(weight / total, SHARE_DIGITS),
                asked.get(variant, {}).get("InstanceType", ""),
                asked.get(variant, {}).get("InitialInstanceCount", 0),
            )
            for variant, weight in weights.items()
        ),
        failure=answer.get("FailureReason", ""),
        modified_at=answer["LastModifiedTime"],
        config_created_at=config.get("CreationTime"),
        capture_percent=capture.get("InitialSamplingPercentage", 0),
        capture_uri=capture.get("DestinationS3Uri", ""),
    )


def error_code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
