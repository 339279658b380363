"""Models: an image, the artifact it loads, and its environment."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from contender.local.api.errors import ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.jobs.files import FilesError, split
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Missing

KIND = "model"


def create_model(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ModelName"]
    containers = _containers(request)
    if not containers:
        raise ValidationException(f"Model {name!r} needs a PrimaryContainer or Containers")
    for container in containers:
        _check_container(context, name, container)
    arn = context.arn(f"model/{name}")
    now = context.clock()
    body = {"EnableNetworkIsolation": False} | {key: value for key, value in request.items() if key != "Tags"}
    with context.store.transaction():
        try:
            context.store.insert(KIND, name, {**body, "ModelArn": arn, "CreationTime": now}, now=now)
        except AlreadyExists:
            raise ValidationException(f'Cannot create already existing model "{arn}".') from None
        tags.put(context, arn, request.get("Tags"))
    return {"ModelArn": arn}


def describe_model(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _find(context, request["ModelName"])


def delete_model(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        model = _find(context, request["ModelName"])
        context.store.delete(KIND, request["ModelName"])
        tags.forget(context, model["ModelArn"])
    return {}


def list_models(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    def summarise(model: dict[str, Any]) -> dict[str, Any]:
        return pick(model, "ModelName", "ModelArn", "CreationTime")

    return page(context.store, KIND, request, summarise, key="Models")


def _containers(request: dict[str, Any]) -> list[dict[str, Any]]:
    primary = request.get("PrimaryContainer")
    return [primary] if primary else list(request.get("Containers", ()))


def _check_container(context: Context, name: str, container: dict[str, Any]) -> None:
    if package := container.get("ModelPackageName"):
        context.call("DescribeModelPackage", {"ModelPackageName": package})
    elif not container.get("Image"):
        raise ValidationException(f"Model {name!r}: a container needs an Image or a ModelPackageName")
    if url := container.get("ModelDataUrl"):
        _check_data(context, url)


def _check_data(context: Context, url: str) -> None:
    try:
        bucket, key = split(url)
        context.aws.client("s3").head_object(Bucket=bucket, Key=key)
    except (ClientError, FilesError) as error:
        raise ValidationException(f"Could not find model data at {url}.") from error


def _find(context: Context, name: str) -> dict[str, Any]:
    try:
        return context.store.get(KIND, name)
    except Missing:
        arn = context.arn(f"model/{name}")
        raise ValidationException(f'Could not find model "{arn}".') from None


OPERATIONS: dict[str, Handler] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": list_models,
}
