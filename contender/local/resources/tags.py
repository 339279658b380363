"""Tags of any resource, by ARN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.local.api.errors import ValidationException
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.store import AlreadyExists

MAX_TAGS = 50


def put(context: Context, arn: str, tags: Sequence[Mapping[str, str]] | None) -> None:
    """Add `tags` ({Key, Value} each) to the resource, replacing values of keys it has; nothing to add is fine."""
    if not tags:
        return
    with context.store.transaction():
        merged = {**of(context, arn), **{tag["Key"]: tag["Value"] for tag in tags}}
        if len(merged) > MAX_TAGS:
            raise ValidationException(f"{arn} would have {len(merged)} tags; at most {MAX_TAGS} are allowed")
        _write(context, arn, merged)


def of(context: Context, arn: str) -> dict[str, str]:
    """The resource's tags as {key: value}."""
    found = context.store.find("tags", arn)
    return dict(found["Tags"]) if found else {}


def forget(context: Context, arn: str) -> None:
    """Drop the tags of a resource that is being deleted."""
    if context.store.find("tags", arn) is not None:
        context.store.delete("tags", arn)


def add_tags(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    with context.store.transaction():
        _require(context, arn)
        put(context, arn, request["Tags"])
        return {"Tags": listed(of(context, arn))}


def list_tags(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": listed(of(context, request["ResourceArn"]))}


def delete_tags(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    arn, gone = request["ResourceArn"], set(request["TagKeys"])
    with context.store.transaction():
        _write(context, arn, {key: value for key, value in of(context, arn).items() if key not in gone})
    return {}


def _require(context: Context, arn: str) -> None:
    """Raises ValidationException: tags on nothing would fall to whatever takes the name next."""
    resource = arn.split(":", 5)[5]
    kind, _, name = resource.partition("/")
    if arn != context.arn(resource) or context.store.find(kind, name) is None:
        raise ValidationException(f'Could not find resource "{arn}".')


def _write(context: Context, arn: str, tags: dict[str, str]) -> None:
    now = context.clock()
    try:
        context.store.insert("tags", arn, {"Tags": tags}, now=now)
    except AlreadyExists:
        context.store.update("tags", arn, {"Tags": tags}, now=now)


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS: dict[str, Handler] = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}
