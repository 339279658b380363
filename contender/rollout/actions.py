"""The changes that can be made to a dimension, as data.

`execute.Apply` makes one, `execute.Record` only remembers it. Every one may be made again: what is there already, with
the same content, is success; what is gone already counts as deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contender.endpoints import SHARE_DIGITS
from contender.registry import Role, Status


@dataclass(frozen=True, slots=True)
class Variant:
    """A slot as a config asks for it."""

    name: str
    model: str
    share: float
    instance_type: str
    instance_count: int

    @property
    def content(self) -> str:
        """What tells two variants apart; part of the config's digest."""
        share = f"{self.share:.{SHARE_DIGITS}f}"
        return " ".join((self.name, self.model, share, self.instance_type, str(self.instance_count)))

    @property
    def request(self) -> dict[str, Any]:
        return {
            "VariantName": self.name,
            "ModelName": self.model,
            "InitialVariantWeight": round(self.share, SHARE_DIGITS),
            "InstanceType": self.instance_type,
            "InitialInstanceCount": self.instance_count,
        }


@dataclass(frozen=True, slots=True)
class CreateModel:
    name: str
    package_arn: str


@dataclass(frozen=True, slots=True)
class CreateConfig:
    name: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    name: str
    config: str


@dataclass(frozen=True, slots=True)
class UpdateEndpoint:
    name: str
    config: str


@dataclass(frozen=True, slots=True)
class DeleteEndpoint:
    name: str


@dataclass(frozen=True, slots=True)
class DeleteConfig:
    name: str


@dataclass(frozen=True, slots=True)
class DeleteModel:
    name: str


@dataclass(frozen=True, slots=True)
class MarkVersion:
    version: int
    arn: str
    role: Role
    status: Status
    reason: str


Action = (
    CreateModel
    | CreateConfig
    | CreateEndpoint
    | UpdateEndpoint
    | DeleteEndpoint
    | DeleteConfig
    | DeleteModel
    | MarkVersion
)


def describe(action: Action) -> str:
    """An action in words, for logs and dry runs."""
    match action:
        case CreateModel():
            return f"create model {action.name}"
        case CreateConfig():
            shares = ", ".join(f"{variant.name} {variant.share:.1%}" for variant in action.variants)
            return f"create endpoint config {action.name} ({shares})"
        case CreateEndpoint():
            return f"create endpoint {action.name} with {action.config}"
        case UpdateEndpoint():
            return f"update endpoint {action.name} to {action.config}"
        case DeleteEndpoint():
            return f"delete failed endpoint {action.name}"
        case DeleteConfig():
            return f"delete endpoint config {action.name}"
        case DeleteModel():
            return f"delete model {action.name}"
        case MarkVersion():
            return f"mark version {action.version} {action.role}/{action.status}: {action.reason}"
