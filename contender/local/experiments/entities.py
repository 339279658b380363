"""What experiments, trials and trial components have in common: a name that is unique, a document, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.errors import ResourceNotFound, ValidationException
from contender.local.api.listing import pick
from contender.local.context import Context
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Document


@dataclass(frozen=True, slots=True)
class Entity:
    """`kind` is the store's and the ARN's; `prefix` begins the fields Name and Arn; `noun` is its word in messages."""

    kind: str
    prefix: str
    noun: str

    @property
    def name_field(self) -> str:
        return f"{self.prefix}Name"

    @property
    def arn_field(self) -> str:
        return f"{self.prefix}Arn"


EXPERIMENT = Entity("experiment", "Experiment", "Experiment")
TRIAL = Entity("experiment-trial", "Trial", "Trial")
COMPONENT = Entity("experiment-trial-component", "TrialComponent", "Trial component")


def create(context: Context, entity: Entity, request: Mapping[str, Any], *, parent: str = "") -> Document:
    """Store the new one, with its tags. Raises ValidationException where the name is taken."""
    name, now = request[entity.name_field], context.clock()
    body = {
        "DisplayName": name,
        **{key: value for key, value in request.items() if key != "Tags"},
        entity.arn_field: context.arn(f"{entity.kind}/{name}"),
        "CreationTime": now,
        "CreatedBy": {},
        "LastModifiedTime": now,
        "LastModifiedBy": {},
    }
    with context.store.transaction():
        try:
            context.store.insert(entity.kind, name, body, now=now, parent=parent)
        except AlreadyExists:
            raise ValidationException(
                f"{entity.noun} names must be unique within an AWS account and region. "
                f"{entity.noun} with name ({name}) already exists."
            ) from None
        tags.put(context, body[entity.arn_field], request.get("Tags"))
    return body


def find(context: Context, entity: Entity, name_or_arn: str) -> Document:
    """Raises ResourceNotFound."""
    name = name_or_arn.rpartition("/")[2]
    found = context.store.find(entity.kind, name)
    if found is None:
        raise ResourceNotFound(f"{entity.noun} '{context.arn(f'{entity.kind}/{name}')}' does not exist.")
    return found


def change(context: Context, entity: Entity, name: str, changes: Mapping[str, Any]) -> Document:
    """Merge `changes` (None removes a field). Raises ResourceNotFound."""
    with context.store.transaction():
        find(context, entity, name)
        now = context.clock()
        return context.store.update(entity.kind, name, {**changes, "LastModifiedTime": now}, now=now)


def summary(entity: Entity, document: Document, *names: str) -> Document:
    """Some fields of a document; what summaries call its source has the entity's name before it."""
    source = {f"{entity.prefix}Source": document["Source"]} if "Source" in document else {}
    return {**pick(document, *names), **source}


def delete(context: Context, entity: Entity, name: str) -> Document:
    """Drop it with its tags; the answer of the Delete* operation."""
    with context.store.transaction():
        arn: str = find(context, entity, name)[entity.arn_field]
        context.store.delete(entity.kind, name)
        tags.forget(context, arn)
    return {entity.arn_field: arn}
