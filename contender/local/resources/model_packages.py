"""Model packages, the registry: numbered versions of a group, their approval and life cycle, and what was measured.

A versioned package is named `<group>/<version>`, as in its ARN; one without a group has a name of its own.
"""

from __future__ import annotations

from typing import Any

from contender.local.api.errors import ApiError, ConflictException, ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.resources import model_package_groups, tags
from contender.local.store import AlreadyExists, Missing

KIND = "model-package"
TOKEN_KIND = "model-package-token"
MAX_CUSTOMER_PROPERTIES = 50

DESCRIBED = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)
SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)
IN_EVENTS = (
    "InferenceSpecification",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "MetadataProperties",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "ApprovalDescription",
    "LastModifiedTime",
)
"""What an event says of a package besides its summary: enough to deploy it."""

UPDATED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


def create_model_package(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        if (token := request.get("ClientToken")) and (known := context.store.find(TOKEN_KIND, token)):
            return {"ModelPackageArn": known["ModelPackageArn"]}
        name, identity = _identity(context, request)
        now = context.clock()
        body = {
            **pick(request, *DESCRIBED),
            **identity,
            "ModelPackageArn": context.arn(f"model-package/{name}"),
            "CreationTime": now,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        _check_properties(body)
        group = identity.get("ModelPackageGroupName", "")
        try:
            context.store.insert(KIND, name, body, now=now, parent=group, status="Completed")
        except AlreadyExists:
            raise ConflictException(f"Model package already exists: {body['ModelPackageArn']}") from None
        tags.put(context, body["ModelPackageArn"], request.get("Tags"))
        if token:
            context.store.insert(TOKEN_KIND, token, {"ModelPackageArn": body["ModelPackageArn"]}, now=now)
    _publish(context, body)
    return {"ModelPackageArn": body["ModelPackageArn"]}


def describe_model_package(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _find(context, request["ModelPackageName"])


def batch_describe_model_package(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for arn in request["ModelPackageArnList"]:
        try:
            package = _find(context, arn)
        except ApiError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            continue
        found[arn] = pick(package, *SUMMARY[1:], "InferenceSpecification", "ModelPackageRegistrationType")
        found[arn].pop("ModelLifeCycle", None)
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


def update_model_package(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        package = _find(context, request["ModelPackageArn"])
        changes: dict[str, Any] = pick(request, *UPDATED)
        properties = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for gone in request.get("CustomerMetadataPropertiesToRemove", ()):
            properties.pop(gone, None)
        if properties or "CustomerMetadataProperties" in package:
            changes["CustomerMetadataProperties"] = properties
        if added := request.get("AdditionalInferenceSpecificationsToAdd"):
            changes["AdditionalInferenceSpecifications"] = [
                *package.get("AdditionalInferenceSpecifications", ()),
                *added,
            ]
        _check_properties(changes)
        now = context.clock()
        changes |= {"LastModifiedTime": now, "LastModifiedBy": {}}
        package = context.store.update(KIND, _key(package), changes, now=now)
    _publish(context, package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


def delete_model_package(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        package = _find(context, request["ModelPackageName"])
        context.store.delete(KIND, _key(package))
        tags.forget(context, package["ModelPackageArn"])
    return {}


def list_model_packages(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = request.get("ModelPackageGroupName")
    parent = model_package_groups.find(context, group)["ModelPackageGroupName"] if group else None
    kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
    approval = request.get("ModelApprovalStatus")

    def keep(package: dict[str, Any]) -> bool:
        versioned = "ModelPackageVersion" in package
        right_kind = kind == "Both" or versioned == (kind == "Versioned")
        return right_kind and approval in (None, package.get("ModelApprovalStatus"))

    def summarise(package: dict[str, Any]) -> dict[str, Any]:
        return pick(package, *SUMMARY)

    return page(
        context.store,
        KIND,
        request,
        summarise,
        key="ModelPackageSummaryList",
        parent=parent,
        keep=keep,
    )


def _identity(context: Context, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The store's name of a new package, and the fields that identify it; takes the group's next version."""
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if (group is None) == (name is None):
        raise ValidationException("A model package needs either a ModelPackageGroupName or a ModelPackageName")
    if group is None:
        return str(name), {"ModelPackageName": name}
    group = model_package_groups.find(context, group)["ModelPackageGroupName"]
    version = context.store.next_number(f"model-package-group/{group}")
    return f"{group}/{version}", {
        "ModelPackageName": group,
        "ModelPackageGroupName": group,
        "ModelPackageVersion": version,
        "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
    }


def _key(package: dict[str, Any]) -> str:
    return str(package["ModelPackageArn"]).partition(":model-package/")[2]


def _find(context: Context, name_or_arn: str) -> dict[str, Any]:
    name = name_or_arn.rpartition(":model-package/")[2]
    try:
        return context.store.get(KIND, name)
    except Missing:
        raise ValidationException(f"ModelPackage {context.arn(f'model-package/{name}')} does not exist.") from None


def _check_properties(body: dict[str, Any]) -> None:
    count = len(body.get("CustomerMetadataProperties", ()))
    if count > MAX_CUSTOMER_PROPERTIES:
        raise ValidationException(
            f"CustomerMetadataProperties has {count} entries; at most {MAX_CUSTOMER_PROPERTIES} are allowed"
        )


def _publish(context: Context, package: dict[str, Any]) -> None:
    detail = pick(package, *SUMMARY, *IN_EVENTS)
    context.publish("SageMaker Model Package State Change", [package["ModelPackageArn"]], detail)


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackage": create_model_package,
    "DescribeModelPackage": describe_model_package,
    "BatchDescribeModelPackage": batch_describe_model_package,
    "UpdateModelPackage": update_model_package,
    "DeleteModelPackage": delete_model_package,
    "ListModelPackages": list_model_packages,
}
