"""Endpoints: created, described, updated, listed, deleted. The changes themselves happen in `deployments.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.monitoring.kinds import SCHEDULES
from contender.local.resources import tags
from contender.local.serving import endpoint_configs
from contender.local.serving.deployments import KIND, change_status, publish
from contender.local.store import AlreadyExists, Document, Missing

DESCRIBED = (
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "EndpointStatus",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
    "LastDeploymentConfig",
)


def create_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointName"]
    arn = context.arn(f"endpoint/{name}")
    now = context.clock()
    with context.store.transaction():
        config = endpoint_configs.find(context, request["EndpointConfigName"])
        deployment = request.get("DeploymentConfig")
        _check_deployment(deployment, None, config)
        endpoint = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": request["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
            "pending": _pending(config, _initial(config), now),
        }
        if deployment:
            endpoint["LastDeploymentConfig"] = deployment
        try:
            context.store.insert(KIND, name, endpoint, now=now, status="Creating")
        except AlreadyExists:
            raise ValidationException(f'Cannot create already existing endpoint "{arn}".') from None
        tags.put(context, arn, request.get("Tags"))
    publish(context, endpoint)
    context.serving.deployments.start(name)
    return {"EndpointArn": arn}


def describe_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    endpoint = _find(context, request["EndpointName"])
    answer = pick(endpoint, *DESCRIBED)
    pending = endpoint.get("pending")
    if deployed := endpoint.get("deployed"):
        capacity = pending["variants"] if pending and pending["only_capacity"] else []
        wanted = {each["VariantName"]: each for each in capacity}
        answer["ProductionVariants"] = [_summary(plan, wanted.get(plan["name"], {}), endpoint) for plan in deployed]
    if capture := endpoint.get("capture"):
        on = capture.get("EnableCapture", True)
        answer["DataCaptureConfig"] = {
            "EnableCapture": on,
            "CaptureStatus": "Started" if on else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    if endpoint["EndpointStatus"] == "Updating" and pending and not pending["only_capacity"]:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending["EndpointConfigName"],
            "StartTime": pending["StartTime"],
            "ProductionVariants": [_pending_summary(variant, pending) for variant in pending["variants"]],
        }
    return answer


def list_endpoints(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    def summarise(endpoint: Document) -> Document:
        return pick(endpoint, "EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")

    return page(context.store, KIND, request, summarise, key="Endpoints")


def update_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointName"]
    with context.store.transaction():
        endpoint = _changeable(context, name)
        config = endpoint_configs.find(context, request["EndpointConfigName"])
        deployment = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig"):
            deployment = deployment or endpoint.get("LastDeploymentConfig")
        _check_deployment(deployment, endpoint, config)
        excluded = [each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", ())]
        if excluded and not request.get("RetainAllVariantProperties"):
            raise ValidationException("ExcludeRetainedVariantProperties needs RetainAllVariantProperties to be true")
        variants = _initial(config)
        if request.get("RetainAllVariantProperties"):
            variants = _retain(variants, endpoint, excluded)
        _check_weights(name, variants)
        now = context.clock()
        endpoint = change_status(
            context,
            name,
            "Updating",
            FailureReason=None,
            LastDeploymentConfig=deployment,
            pending=_pending(config, variants, now),
        )
    context.serving.deployments.start(name)
    return {"EndpointArn": endpoint["EndpointArn"]}


def update_endpoint_weights_and_capacities(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointName"]
    wanted = {each["VariantName"]: each for each in request["DesiredWeightsAndCapacities"]}
    with context.store.transaction():
        endpoint = _changeable(context, name)
        known = [plan["name"] for plan in endpoint["deployed"]]
        if unknown := [variant for variant in wanted if variant not in known]:
            raise ValidationException(
                f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint configuration'
                f' "{endpoint["EndpointConfigName"]}".'
            )
        if any("ServerlessUpdateConfig" in each for each in wanted.values()):
            raise ValidationException(f"Endpoint {name!r} has no serverless variants")
        variants = [_with_capacity(plan, wanted.get(plan["name"], {})) for plan in endpoint["deployed"]]
        _check_weights(name, variants)
        pending = {
            "EndpointConfigName": endpoint["EndpointConfigName"],
            "StartTime": context.clock(),
            "variants": variants,
            "only_capacity": True,
        }
        change_status(context, name, "Updating", FailureReason=None, pending=pending)
    context.serving.deployments.start(name)
    return {"EndpointArn": endpoint["EndpointArn"]}


def delete_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["EndpointName"]
    with context.store.transaction():
        endpoint = _find(context, name)
        if endpoint["EndpointStatus"] not in ("InService", "Failed"):
            raise _in_progress(endpoint)
        if schedules := _watching(context, name):
            raise ValidationException(
                f'Cannot delete endpoint "{endpoint["EndpointArn"]}": the monitoring schedules {", ".join(schedules)} '
                "watch it; delete them first."
            )
        change_status(context, name, "Deleting")
    context.serving.deployments.start(name)
    return {}


def _find(context: Context, name: str) -> Document:
    try:
        return context.store.get(KIND, name)
    except Missing:
        arn = context.arn(f"endpoint/{name}")
        raise ValidationException(f'Could not find endpoint "{arn}".') from None


def _watching(context: Context, endpoint: str) -> list[str]:
    return [
        schedule["MonitoringScheduleName"]
        for schedule in context.store.page(SCHEDULES)
        if schedule.get("EndpointName") == endpoint
    ]


def _changeable(context: Context, name: str) -> Document:
    endpoint = _find(context, name)
    if endpoint["EndpointStatus"] == "Failed":
        raise ValidationException(f'Cannot update failed endpoint "{endpoint["EndpointArn"]}"; it can only be deleted.')
    if endpoint["EndpointStatus"] != "InService":
        raise _in_progress(endpoint)
    return endpoint


def _in_progress(endpoint: Document) -> ValidationException:
    return ValidationException(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _initial(config: Document) -> list[Document]:
    """The config's variants with the weights and counts it starts them with."""
    return [
        {
            **variant,
            "DesiredWeight": variant["InitialVariantWeight"],
            "DesiredInstanceCount": variant["InitialInstanceCount"],
        }
        for variant in config["ProductionVariants"]
    ]


def _retain(variants: Sequence[Document], endpoint: Document, excluded: Sequence[str]) -> list[Document]:
    """Variants that serve already keep the weight and count they have now."""
    current = {plan["name"]: plan for plan in endpoint["deployed"]}
    retained: list[Document] = []
    for variant in variants:
        kept: Document = {}
        if plan := current.get(variant["VariantName"]):
            if "DesiredWeight" not in excluded:
                kept["DesiredWeight"] = plan["weight"]
            if "DesiredInstanceCount" not in excluded:
                kept["DesiredInstanceCount"] = plan["instances"]
        retained.append({**variant, **kept})
    return retained


def _with_capacity(plan: Document, wanted: Mapping[str, Any]) -> Document:
    return {
        "VariantName": plan["name"],
        "DesiredWeight": wanted.get("DesiredWeight", plan["weight"]),
        "DesiredInstanceCount": wanted.get("DesiredInstanceCount", plan["instances"]),
    }


def _pending(config: Document, variants: Sequence[Document], now: Any) -> Document:
    return {
        "EndpointConfigName": config["EndpointConfigName"],
        "StartTime": now,
        "variants": list(variants),
        "capture": config.get("DataCaptureConfig"),
        "only_capacity": False,
    }


def _check_weights(name: str, variants: Sequence[Document]) -> None:
    if not any(variant["DesiredWeight"] > 0 for variant in variants):
        raise ValidationException(f"Endpoint {name!r}: at least one variant's weight must be over 0")


def _check_deployment(deployment: Mapping[str, Any] | None, endpoint: Document | None, config: Document) -> None:
    """AWS's limits of deployment guardrails. Here every change is made at once, after all new variants are healthy."""
    if not deployment:
        return
    names = {variant["VariantName"] for variant in config["ProductionVariants"]}
    if "RollingUpdatePolicy" in deployment:
        if "BlueGreenUpdatePolicy" in deployment:
            raise ValidationException(
                "DeploymentConfig: BlueGreenUpdatePolicy and RollingUpdatePolicy exclude each other"
            )
        if len(names) > 1:
            raise ValidationException("RollingUpdatePolicy is not supported for endpoints with several variants")
    if "BlueGreenUpdatePolicy" in deployment and endpoint is not None:
        current = {plan["name"] for plan in endpoint["deployed"]}
        if names != current:
            raise ValidationException(
                "BlueGreenUpdatePolicy needs the same variant names before and after; the endpoint has"
                f" {', '.join(sorted(current))}, the endpoint configuration {', '.join(sorted(names))}"
            )


def _summary(plan: Document, wanted: Mapping[str, Any], endpoint: Document) -> Document:
    return {
        "VariantName": plan["name"],
        "DeployedImages": [
            {
                "SpecifiedImage": plan["image"],
                "ResolvedImage": plan["image"],
                "ResolutionTime": endpoint["LastModifiedTime"],
            }
        ],
        "CurrentWeight": plan["weight"],
        "DesiredWeight": wanted.get("DesiredWeight", plan["weight"]),
        "CurrentInstanceCount": plan["instances"],
        "DesiredInstanceCount": wanted.get("DesiredInstanceCount", plan["instances"]),
    }


def _pending_summary(variant: Document, pending: Document) -> Document:
    return {
        **pick(variant, "VariantName", "DesiredWeight", "DesiredInstanceCount", "InstanceType", "AcceleratorType"),
        "VariantStatus": [{"Status": "Creating", "StartTime": pending["StartTime"]}],
    }


OPERATIONS: dict[str, Handler] = {
    "CreateEndpoint": create_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_endpoint_weights_and_capacities,
    "DeleteEndpoint": delete_endpoint,
}
