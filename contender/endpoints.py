"""A dimension's endpoint: what serves now, the changes that can be made to it, and making them.

A change is data (one of the actions below). `Apply` makes it, `Record` only remembers it: a dry run is another
executor. Every action may be run again: what is there already, with the same content, is success; what is gone
already counts as deleted.

SageMaker answers ValidationException to nearly everything. What it means is found by describing the thing again,
never by reading the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, Protocol

from botocore.exceptions import ClientError

from contender import registry
from contender.errors import DeploymentError
from contender.naming import Names, parse_variant
from contender.registry import Role, Status

SHARE_DIGITS = 6
"""SageMaker keeps weights as 32-bit floats: 0.9 comes back as 0.8999999761581421."""

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


class Refused(DeploymentError):
    """AWS will not make this change, whenever it is asked."""


class Overtaken(DeploymentError):
    """Somebody else changed the thing meanwhile: read again and decide anew."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A variant as it serves: its live share, and the model its config gives it ("" when that config is gone)."""

    variant: str
    model: str
    share: float


@dataclass(frozen=True, slots=True)
class Serving:
    """An endpoint as DescribeEndpoint shows it; `target` is the config it has or is changing to."""

    name: str
    status: str
    config: str
    target: str
    slots: tuple[Slot, ...]
    failure: str
    modified_at: datetime
    config_created_at: datetime | None = None

    @property
    def busy(self) -> bool:
        return self.status in BUSY

    @property
    def in_service(self) -> bool:
        return self.status == "InService"

    def slot(self, variant: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.variant == variant), None)

    def live_shares(self) -> dict[int, float]:
        """Live share by version; variants that no version of ours is named for are left out."""
        shares = {parse_variant(slot.variant): slot.share for slot in self.slots}
        return {version: share for version, share in shares.items() if version is not None}


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


def read(sagemaker: Any, endpoint: str) -> Serving | None:
    """What the endpoint serves now, or None when there is no such endpoint."""
    answer = found(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))
    if answer is None:
        return None
    config = answer.get("EndpointConfigName", "")
    described = found(lambda: sagemaker.describe_endpoint_config(EndpointConfigName=config)) if config else None
    return _serving(answer, described or {})


def leftovers(sagemaker: Any, names: Names, dimension: str) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """This dimension's endpoint configs with the time of their creation, and its models.

    NameContains only spares transfer; what belongs to the dimension is decided on the whole name.
    """
    part = names.endpoint(dimension)
    configs = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=part)
    models = sagemaker.get_paginator("list_models").paginate(NameContains=part)
    return (
        {
            config["EndpointConfigName"]: config["CreationTime"]
            for page in configs
            for config in page["EndpointConfigs"]
            if names.is_config_of(dimension, config["EndpointConfigName"])
        },
        tuple(
            model["ModelName"]
            for page in models
            for model in page["Models"]
            if names.version_of_model(dimension, model["ModelName"]) is not None
        ),
    )


class Executor(Protocol):
    def run(self, action: Action) -> None: ...


class Record:
    """Remembers what it is asked to do: a dry run."""

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def run(self, action: Action) -> None:
        self.actions.append(action)


class Apply:
    """Makes changes in AWS; raises Refused or Overtaken, and passes on errors that say nothing about the change."""

    def __init__(self, sagemaker: Any, model_role_arn: str) -> None:
        self._sagemaker = sagemaker
        self._role = model_role_arn

    def run(self, action: Action) -> None:
        match action:
            case CreateModel():
                self._create_model(action)
            case CreateConfig():
                self._create_config(action)
            case CreateEndpoint():
                self._create_endpoint(action)
            case UpdateEndpoint():
                self._update_endpoint(action)
            case DeleteEndpoint():
                _delete(self._sagemaker.delete_endpoint, EndpointName=action.name)
            case DeleteConfig():
                _delete(self._sagemaker.delete_endpoint_config, EndpointConfigName=action.name)
            case DeleteModel():
                _delete(self._sagemaker.delete_model, ModelName=action.name)
            case MarkVersion():
                self._mark(action)

    def _create_model(self, action: CreateModel) -> None:
        def content(model: Mapping[str, Any]) -> object:
            containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
            return [container.get("ModelPackageName") for container in containers]

        try:
            self._sagemaker.create_model(
                ModelName=action.name,
                ExecutionRoleArn=self._role,
                Containers=[{"ModelPackageName": action.package_arn}],
            )
        except ClientError as error:
            there = found(lambda: self._sagemaker.describe_model(ModelName=action.name))
            _accept(error, f"model {action.name}", there and content(there), [action.package_arn])

    def _create_config(self, action: CreateConfig) -> None:
        def content(variants: Iterable[Mapping[str, Any]]) -> object:
            return [
                (variant["VariantName"], variant["ModelName"], round(variant["InitialVariantWeight"], SHARE_DIGITS))
                for variant in variants
            ]

        wanted = [variant.request for variant in action.variants]
        try:
            self._sagemaker.create_endpoint_config(EndpointConfigName=action.name, ProductionVariants=wanted)
        except ClientError as error:
            there = found(lambda: self._sagemaker.describe_endpoint_config(EndpointConfigName=action.name))
            what = f"endpoint config {action.name}"
            _accept(error, what, there and content(there["ProductionVariants"]), content(wanted))

    def _create_endpoint(self, action: CreateEndpoint) -> None:
        try:
            self._sagemaker.create_endpoint(EndpointName=action.name, EndpointConfigName=action.config)
        except ClientError as error:
            there = read(self._sagemaker, action.name)
            if there is None:
                _refuse(error, f"endpoint {action.name}")
            if there.target != action.config:
                raise Overtaken(f"endpoint {action.name} was created by somebody else meanwhile") from error

    def _update_endpoint(self, action: UpdateEndpoint) -> None:
        """Weights come from the new config, instance counts from what runs.

        The config carries every share explicitly, computed from the live weights, so weights must not be retained:
        the newcomer would get its share on top of a champion that gave nothing. Instance counts must be, or an
        update would undo what automatic scaling set.
        """
        try:
            self._sagemaker.update_endpoint(
                EndpointName=action.name,
                EndpointConfigName=action.config,
                RetainAllVariantProperties=True,
                ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
            )
        except ClientError as error:
            there = read(self._sagemaker, action.name)
            if there is not None and there.target == action.config:
                return
            if there is None or not there.in_service:
                raise Overtaken(f"endpoint {action.name} was changed by somebody else meanwhile") from error
            _refuse(error, f"update of endpoint {action.name}")

    def _mark(self, action: MarkVersion) -> None:
        try:
            registry.mark(self._sagemaker, action.arn, action.role, action.status, action.reason)
        except ClientError as error:
            if _code(error) != "ConflictException":
                raise
            raise Overtaken(f"version {action.version} was changed by somebody else meanwhile") from error


def found(call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """A Describe call's answer, or None when the thing isn't there."""
    try:
        return call()
    except ClientError as error:
        if _code(error) in ("ValidationException", "ResourceNotFound"):
            return None
        raise


def _serving(answer: Mapping[str, Any], config: Mapping[str, Any]) -> Serving:
    models = {variant["VariantName"]: variant.get("ModelName", "") for variant in config.get("ProductionVariants", ())}
    weights = {
        variant["VariantName"]: float(variant.get("CurrentWeight") or 0.0)
        for variant in answer.get("ProductionVariants", ())
    }
    total = sum(weights.values()) or 1.0
    current = answer.get("EndpointConfigName", "")
    return Serving(
        name=answer["EndpointName"],
        status=answer["EndpointStatus"],
        config=current,
        target=(answer.get("PendingDeploymentSummary") or {}).get("EndpointConfigName", current),
        slots=tuple(
            Slot(variant, models.get(variant, ""), round(weight / total, SHARE_DIGITS))
            for variant, weight in weights.items()
        ),
        failure=answer.get("FailureReason", ""),
        modified_at=answer["LastModifiedTime"],
        config_created_at=config.get("CreationTime"),
    )


def _accept(error: ClientError, what: str, there: object, wanted: object) -> None:
    """A refused creation is success when the same thing is there already."""
    if there == wanted:
        return
    if there:
        raise Refused(f"{what} exists with other content: delete it, it is not Contender's") from error
    _refuse(error, what)


def _refuse(error: ClientError, what: str) -> NoReturn:
    """Raise Refused for an error about the change itself; pass on one about permissions, rates or AWS's health."""
    if _code(error) in ("ValidationException", "ResourceLimitExceeded"):
        raise Refused(f"{what} was refused: {error.response['Error'].get('Message', '')}") from error
    raise error


def _delete(call: Callable[..., Any], **name: str) -> None:
    """Delete, taking ValidationException as gone already or in use: the next pass reads which."""
    try:
        call(**name)
    except ClientError as error:
        if _code(error) not in ("ValidationException", "ResourceNotFound"):
            raise


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
