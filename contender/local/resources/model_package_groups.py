"""Model package groups: one a model that is trained again and again."""

from __future__ import annotations

from typing import Any

from contender.local.api.errors import ConflictException, ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Filter, Missing

KIND = "model-package-group"


def create_group(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ModelPackageGroupName"]
    arn = context.arn(f"model-package-group/{name}")
    now = context.clock()
    body = {
        **pick(request, "ModelPackageGroupName", "ModelPackageGroupDescription"),
        "ModelPackageGroupArn": arn,
        "ModelPackageGroupStatus": "Completed",
        "CreationTime": now,
        "CreatedBy": {},
    }
    with context.store.transaction():
        try:
            context.store.insert(KIND, name, body, now=now, status="Completed")
        except AlreadyExists:
            raise ValidationException(f"Model Package Group already exists: {arn}") from None
        tags.put(context, arn, request.get("Tags"))
    return {"ModelPackageGroupArn": arn}


def describe_group(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return find(context, request["ModelPackageGroupName"])


def delete_group(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        group = find(context, request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if count := context.store.count("model-package", Filter(parent=name)):
            raise ConflictException(f"Model Package Group {name} cannot be deleted: it holds {count} model packages")
        context.store.delete(KIND, name)
        tags.forget(context, group["ModelPackageGroupArn"])
    return {}


def list_groups(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    def summarise(group: dict[str, Any]) -> dict[str, Any]:
        return pick(
            group,
            "ModelPackageGroupName",
            "ModelPackageGroupArn",
            "ModelPackageGroupDescription",
            "ModelPackageGroupStatus",
            "CreationTime",
        )

    return page(context.store, KIND, request, summarise, key="ModelPackageGroupSummaryList")


def find(context: Context, name_or_arn: str) -> dict[str, Any]:
    """The group by name or ARN; ValidationException as AWS words it when there is none."""
    name = name_or_arn.rpartition("/")[2]
    try:
        return context.store.get(KIND, name)
    except Missing:
        arn = context.arn(f"model-package-group/{name}")
        raise ValidationException(f"ModelPackageGroup {arn} does not exist.") from None


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "DeleteModelPackageGroup": delete_group,
    "ListModelPackageGroups": list_groups,
}
