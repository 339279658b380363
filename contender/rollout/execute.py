"""Making changes: one instruction, or a plan's in order.

SageMaker answers ValidationException to nearly everything. What it means is found by describing the thing again,
never by reading the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, Protocol

from botocore.exceptions import ClientError

from contender import scaling
from contender.endpoints import SHARE_DIGITS, error_code, found, read
from contender.errors import DeploymentError
from contender.measurements.settings import Owner
from contender.measurements.store import Store
from contender.rollout.actions import (
    Action,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteConfig,
    DeleteEndpoint,
    DeleteModel,
    MarkVersion,
    PublishShares,
    ShiftShares,
    UpdateEndpoint,
)
from contender.stages import StageVersions

EXPERIMENT_TAG = {"Key": "contender:experiment", "Value": "on"}


class Refused(DeploymentError):
    """AWS will not make this change, whenever it is asked."""


class Overtaken(DeploymentError):
    """Somebody else changed the thing meanwhile: read again and decide anew."""


class Executor(Protocol):
    def run(self, action: Action) -> None: ...


class Record:
    """Remembers what it is asked to do: a dry run."""

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def run(self, action: Action) -> None:
        self.actions.append(action)


class Apply:
    """Makes changes in AWS; raises Refused or Overtaken, and passes on errors that say nothing about the change.

    `scaling` is a client of Application Auto Scaling, where variants are scaled.
    """

    def __init__(
        self,
        sagemaker: Any,
        model_role_arn: str,
        versions: StageVersions,
        store: Store | None = None,
        scaling: Any = None,
    ) -> None:
        self._sagemaker = sagemaker
        self._role = model_role_arn
        self._versions = versions
        self._store = store
        self._scaling = scaling

    def run(self, action: Action) -> None:
        match action:
            case ShiftShares():
                self._shift(action)
            case PublishShares():
                self._publish(action)
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

    def _shift(self, action: ShiftShares) -> None:
        desired = [{"VariantName": name, "DesiredWeight": share} for name, share in action.shares.items()]
        try:
            self._sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=action.name, DesiredWeightsAndCapacities=desired
            )
        except ClientError as error:
            there = read(self._sagemaker, action.name)
            if there is None or not there.in_service or any(there.slot(name) is None for name in action.shares):
                raise Overtaken(f"endpoint {action.name} was changed by somebody else meanwhile") from error
            _refuse(error, f"shares of endpoint {action.name}")

    def _publish(self, action: PublishShares) -> None:
        if self._store is None:
            raise DeploymentError(f"no table of experiments to publish {action.experiment} in: deploy again")
        told = self._store.publish_shares(
            action.endpoint,
            action.experiment,
            action.shares,
            action.strategy.name,
            action.revision,
            self._versions.clock(),
            epsilon=action.strategy.epsilon,
            floor=action.strategy.floor,
            warm_up=action.strategy.warm_up,
            sticky=action.sticky,
            bucket_s=action.bucket_s,
            owner=Owner.WEIGHTS if action.following else Owner.ROLLOUT,
        )
        if not told:
            raise Overtaken(f"shares of {action.experiment} were published by a later decision meanwhile")

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
            self._sagemaker.create_endpoint_config(
                EndpointConfigName=action.name, ProductionVariants=wanted, **_captured(action)
            )
        except ClientError as error:
            there = found(lambda: self._sagemaker.describe_endpoint_config(EndpointConfigName=action.name))
            what = f"endpoint config {action.name}"
            _accept(error, what, there and content(there["ProductionVariants"]), content(wanted))

    def _create_endpoint(self, action: CreateEndpoint) -> None:
        tags = {"Tags": [EXPERIMENT_TAG]} if action.experiments else {}
        try:
            self._sagemaker.create_endpoint(EndpointName=action.name, EndpointConfigName=action.config, **tags)
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
        update would undo what automatic scaling set; unless the settings ask for others than before.
        """
        if self._scaling is not None:
            # The watcher scales a variant again that stays and has traffic.
            for variant in action.released:
                scaling.stop(self._scaling, action.name, variant)
        excluded = ["DesiredWeight", *(["DesiredInstanceCount"] if action.counts else [])]
        try:
            self._sagemaker.update_endpoint(
                EndpointName=action.name,
                EndpointConfigName=action.config,
                RetainAllVariantProperties=True,
                ExcludeRetainedVariantProperties=[{"VariantPropertyType": kind} for kind in excluded],
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
            self._versions.mark(action.arn, action.role, action.status, action.reason)
        except ClientError as error:
            if error_code(error) != "ConflictException":
                raise
            raise Overtaken(f"version {action.version} was changed by somebody else meanwhile") from error


def _captured(action: CreateConfig) -> dict[str, Any]:
    if action.capture is None:
        return {}
    return {
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": action.capture.percent,
            "DestinationS3Uri": action.capture.uri,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
        }
    }


def _accept(error: ClientError, what: str, there: object, wanted: object) -> None:
    """A refused creation is success when the same thing is there already."""
    if there == wanted:
        return
    if there:
        raise Refused(f"{what} exists with other content: delete it, it is not Contender's") from error
    _refuse(error, what)


def _refuse(error: ClientError, what: str) -> NoReturn:
    """Raise Refused for an error about the change itself; pass on one about permissions, rates or AWS's health."""
    if error_code(error) in ("ValidationException", "ResourceLimitExceeded"):
        raise Refused(f"{what} was refused: {error.response['Error'].get('Message', '')}") from error
    raise error


def _delete(call: Callable[..., Any], **name: str) -> None:
    """Delete, taking ValidationException as gone already or in use: the next pass reads which."""
    try:
        call(**name)
    except ClientError as error:
        if error_code(error) not in ("ValidationException", "ResourceNotFound"):
            raise
