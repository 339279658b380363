"""The changes that can be made to a dimension, as data.

`execute.Apply` makes one, `execute.Record` only remembers it. Every one may be made again: what is there already, with
the same content, is success; what is gone already counts as deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.endpoints import SHARE_DIGITS
from contender.measurements.settings import Owner, Settings
from contender.registry import Role, Status
from contender.rollout.spec import StrategySpec


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
class Capture:
    """That SageMaker keeps so many of a hundred requests and answers, under this S3 URI."""

    percent: int
    uri: str


@dataclass(frozen=True, slots=True)
class CreateConfig:
    name: str
    variants: tuple[Variant, ...]
    capture: Capture | None = None


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    """`experiments`: it is tagged, so that it registers itself for them."""

    name: str
    config: str
    experiments: bool = False


@dataclass(frozen=True, slots=True)
class UpdateEndpoint:
    """`counts`: the config's numbers of instances are taken over too, instead of those that run.

    `released`: variants that leave, or get instances of another type. AWS refuses that while they are scaled.
    """

    name: str
    config: str
    counts: bool = False
    released: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class ShiftShares:
    """Set what each variant that serves gets of the requests that name none."""

    name: str
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PublishShares:
    """Set what the API assigns users by; `revision` is that of the state that wants it.

    `following`: nothing is rolled out, the endpoint's own weights are followed from now on.
    """

    endpoint: str
    experiment: str
    shares: Mapping[str, float]
    revision: int
    strategy: StrategySpec
    sticky: str
    bucket_s: int
    following: bool

    def agrees_with(self, known: Settings) -> bool:
        """Whether the API is told this already."""
        told = StrategySpec(known.strategy, known.epsilon, known.floor, known.warm_up, self.strategy.discount)
        return (
            (known.experiment, dict(known.shares)) == (self.experiment, dict(self.shares))
            and (told, known.sticky, known.bucket_s) == (self.strategy, self.sticky, self.bucket_s)
            and known.owner is (Owner.WEIGHTS if self.following else Owner.ROLLOUT)
        )


Action = (
    ShiftShares
    | PublishShares
    | CreateModel
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
        case ShiftShares():
            return f"shift shares of {action.name} to {_words(action.shares)}"
        case PublishShares():
            return f"publish shares of {action.experiment}: {_words(action.shares)}"
        case CreateModel():
            return f"create model {action.name}"
        case CreateConfig():
            shares = {variant.name: variant.share for variant in action.variants}
            return f"create endpoint config {action.name} ({_words(shares)})"
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


def _words(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{variant} {share:.1%}" for variant, share in shares.items())
