"""A job's document from its first status to its last: what Describe* answers, and the events on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from contender.local.api.errors import ResourceInUse, ResourceNotFound, ValidationException
from contender.local.api.listing import page, pick
from contender.local.context import Context
from contender.local.jobs import components, secondary
from contender.local.jobs.kinds import TERMINAL, TUNING, JobKind
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Document

REASON_LIMIT = 1024
"""The longest FailureReason and ExitMessage that AWS's shapes allow."""


def create(
    context: Context, kind: JobKind, request: Mapping[str, Any], extra: Mapping[str, Any], *, parent: str = ""
) -> str:
    """Store the new job as InProgress, with its tags, and publish that; the answer is its ARN.

    Raises:
        ResourceInUse: the name is taken.
        ResourceNotFound: its ExperimentConfig names what is not there.
    """
    name = request[kind.name_field]
    arn = context.arn(f"{kind.kind}/{name}")
    now = context.clock()
    body = {
        **{key: value for key, value in request.items() if key != "Tags"},
        **extra,
        kind.arn_field: arn,
        kind.status_field: "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    with context.store.transaction():
        try:
            context.store.insert(kind.kind, name, body, now=now, parent=parent, status="InProgress")
        except AlreadyExists:
            raise ResourceInUse(
                f"{kind.title} job names must be unique within an AWS account and region, "
                f"and a job with this name already exists ({arn})"
            ) from None
        tags.put(context, arn, request.get("Tags"))
        components.begin(context, kind, body)
    _publish(context, kind, body)
    return arn


def find(context: Context, kind: JobKind, name: str) -> Document:
    """Raises ValidationException; of a tuning job ResourceNotFound.

    AWS's model declares ResourceNotFound for all four, but the service answers so for tuning jobs only: botocore's own
    waiters count on ValidationException.
    """
    found = context.store.find(kind.kind, name)
    if found is None and kind is TUNING:
        raise ResourceNotFound(f"Requested resource not found: {context.arn(f'{kind.kind}/{name}')}")
    if found is None:
        raise ValidationException(f"Could not find requested job with name: {name}")
    return found


def describe(context: Context, kind: JobKind, name: str) -> Document:
    """The document without what is ours alone (fields that begin with an underscore)."""
    found = find(context, kind, name)
    return {key: value for key, value in found.items() if not key.startswith("_")}


def change(context: Context, kind: JobKind, name: str, changes: Mapping[str, Any]) -> Document:
    """Merge `changes`; a new status is published once it is stored."""
    now = context.clock()
    status = changes.get(kind.status_field)
    body = context.store.update(kind.kind, name, {**changes, "LastModifiedTime": now}, now=now, status=status)
    if status is not None:
        components.note(context, kind, body)
        _publish(context, kind, body)
        context.jobs.notify()
    return body


def finish(
    context: Context,
    kind: JobKind,
    name: str,
    status: str,
    reason: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """The job's last status, which stays: a second call changes nothing."""
    with context.store.transaction():
        if is_over(kind, context.store.get(kind.kind, name)):
            return
        change(
            context,
            kind,
            name,
            {
                **(changes or {}),
                kind.status_field: status,
                "FailureReason": shorten(reason) if reason else None,
                kind.end_field: context.clock(),
            },
        )


def is_over(kind: JobKind, body: Mapping[str, Any]) -> bool:
    return body[kind.status_field] in TERMINAL


def stop(context: Context, kind: JobKind, name: str) -> None:
    """What the Stop* operations do. Raises as `find` does, and ValidationException for a job that is over."""
    body = find(context, kind, name)
    if is_over(kind, body):
        raise ValidationException(
            f"The request was rejected because the {kind.title.lower()} job is in status {body[kind.status_field]}."
        )
    context.jobs.stop(kind.kind, name)


def mark_stopping(context: Context, kind: JobKind, name: str) -> None:
    """From InProgress to Stopping; from any other status nowhere."""
    with context.store.transaction():
        body = context.store.get(kind.kind, name)
        if body[kind.status_field] == "InProgress":
            moved = secondary.move(body, "Stopping", context.clock()) if "SecondaryStatus" in body else {}
            change(context, kind, name, {**moved, kind.status_field: "Stopping"})


def list_jobs(
    context: Context, kind: JobKind, request: Mapping[str, Any], key: str, summarise: Callable[[Document], Document]
) -> Document:
    return page(context.store, kind.kind, request, summarise, key=key)


def summary(kind: JobKind, *more: str) -> Callable[[Document], Document]:
    """A summariser of the fields every job's summary has, and `more`."""
    names = (kind.name_field, kind.arn_field, kind.status_field, "CreationTime", "LastModifiedTime", kind.end_field)

    def summarise(body: Document) -> Document:
        return pick(body, *names, *more)

    return summarise


def shorten(text: str) -> str:
    """Long texts lose their middle: the beginning says what failed and the end says why."""
    if len(text) <= REASON_LIMIT:
        return text
    half = (REASON_LIMIT - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def _publish(context: Context, kind: JobKind, body: Mapping[str, Any]) -> None:
    arn = body[kind.arn_field]
    detail = {key: _in_event(value) for key, value in body.items() if not key.startswith("_")}
    context.publish(kind.detail_type, [arn], {**detail, "Tags": tags.of(context, arn)})


def _in_event(value: Any) -> Any:
    """An event says a time in milliseconds."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _in_event(each) for key, each in value.items()}
    return [_in_event(each) for each in value] if isinstance(value, list) else value
