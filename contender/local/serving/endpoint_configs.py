"""Endpoint configs: which models serve an endpoint as which variants, with which share of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.resources import models, tags
from contender.local.store import AlreadyExists, Document, Missing

KIND = "endpoint-config"
MAX_VARIANTS = 10
DEFAULT_WEIGHT = 1.0

UNSUPPORTED = {
    "AsyncInferenceConfig": "asynchronous inference",
    "ExplainerConfig": "online explanations",
    "ShadowProductionVariants": "shadow variants",
}


def create_endpoint_config(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointConfigName"]
    variants = request["ProductionVariants"]
    _check(name, request)
    for variant in variants:
        if context.store.find(models.KIND, variant["ModelName"]) is None:
            model = context.arn(f"model/{variant['ModelName']}")
            raise ValidationException(f'Could not find model "{model}".')
    arn = context.arn(f"endpoint-config/{name}")
    now = context.clock()
    body = {
        "EnableNetworkIsolation": False,
        **{key: value for key, value in request.items() if key != "Tags"},
        "ProductionVariants": [{"InitialVariantWeight": DEFAULT_WEIGHT, **variant} for variant in variants],
        "EndpointConfigArn": arn,
        "CreationTime": now,
    }
    with context.store.transaction():
        try:
            context.store.insert(KIND, name, body, now=now)
        except AlreadyExists:
            raise ValidationException(f'Cannot create already existing endpoint configuration "{arn}".') from None
        tags.put(context, arn, request.get("Tags"))
    return {"EndpointConfigArn": arn}


def describe_endpoint_config(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return find(context, request["EndpointConfigName"])


def list_endpoint_configs(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    def summarise(config: Document) -> Document:
        return pick(config, "EndpointConfigName", "EndpointConfigArn", "CreationTime")

    return page(context.store, KIND, request, summarise, key="EndpointConfigs")


def delete_endpoint_config(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Also one that an endpoint uses: as on AWS, the endpoint goes on serving and cannot be updated to it any more."""
    with context.store.transaction():
        config = find(context, request["EndpointConfigName"])
        context.store.delete(KIND, request["EndpointConfigName"])
        tags.forget(context, config["EndpointConfigArn"])
    return {}


def find(context: Context, name: str) -> Document:
    """The config's document. Raises ValidationException."""
    try:
        return context.store.get(KIND, name)
    except Missing:
        arn = context.arn(f"endpoint-config/{name}")
        raise ValidationException(f'Could not find endpoint configuration "{arn}".') from None


def _check(name: str, request: Mapping[str, Any]) -> None:
    variants = request["ProductionVariants"]
    for field, feature in UNSUPPORTED.items():
        if request.get(field):
            raise ValidationException(f"Endpoint config {name!r}: local SageMaker does not support {feature} ({field})")
    destination = request.get("DataCaptureConfig", {}).get("DestinationS3Uri", "s3://")
    if not destination.startswith("s3://"):
        raise ValidationException(f"Endpoint config {name!r}: DestinationS3Uri {destination!r} is no s3:// URI")
    if not 1 <= len(variants) <= MAX_VARIANTS:
        raise ValidationException(
            f"Endpoint config {name!r} has {len(variants)} production variants; 1 to {MAX_VARIANTS} are allowed"
        )
    names = [variant["VariantName"] for variant in variants]
    if twice := {each for each in names if names.count(each) > 1}:
        raise ValidationException(f"Duplicate variant names in endpoint config {name!r}: {', '.join(sorted(twice))}")
    for variant in variants:
        _check_variant(name, variant)
    if not any(variant.get("InitialVariantWeight", DEFAULT_WEIGHT) > 0 for variant in variants):
        raise ValidationException(f"Endpoint config {name!r}: at least one InitialVariantWeight must be over 0")


def _check_variant(config: str, variant: Mapping[str, Any]) -> None:
    where = f"Endpoint config {config!r}, variant {variant['VariantName']!r}"
    if "ServerlessConfig" in variant:
        raise ValidationException(f"{where}: local SageMaker does not support serverless inference")
    if "ModelName" not in variant:
        raise ValidationException(f"{where} has no ModelName; local SageMaker does not support inference components")
    for field in ("InstanceType", "InitialInstanceCount"):
        if field not in variant:
            raise ValidationException(f"{where} has no {field}")


OPERATIONS: dict[str, Handler] = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
    "DeleteEndpointConfig": delete_endpoint_config,
}
