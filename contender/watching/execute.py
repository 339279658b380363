"""Doing what a plan asks about an endpoint's watchers.

SageMaker answers ValidationException where something is in use: an execution runs, or the endpoint changes. The next
look plans it again, so such a refusal ends this endpoint's plan and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from contender import s3_object, scaling
from contender.errors import DataError, DeploymentError
from contender.naming import Names
from contender.watching.actions import (
    Action,
    CreateDefinition,
    CreateSchedule,
    DeleteAlarm,
    DeleteDefinition,
    DeleteSchedule,
    PrepareBaseline,
    PutAlarm,
    RelaxBaseline,
    Scale,
    StopScaling,
    UpdateSchedule,
)
from contender.watching.baseline import prepare, relaxed
from contender.watching.definitions import OPERATIONS, TYPES
from contender.watching.observe import policy_name

COOL_S = {"ScaleInCooldown": 600, "ScaleOutCooldown": 120}
"""Seconds between two steps: away from an instance later than towards one."""
THERE = frozenset({"ResourceInUse", "ResourceInUseException"})
GONE = frozenset({"ResourceNotFound", "ResourceNotFoundException"})


class Later(DeploymentError):
    """AWS does not make this change now; the next look asks again."""


class Watchman:
    """Makes changes in AWS; raises Later, or DataError for a baseline that cannot be used."""

    def __init__(self, sagemaker: Any, s3: Any, cloudwatch: Any, scaling: Any, names: Names) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self._cloudwatch = cloudwatch
        self._scaling = scaling
        self._names = names

    def run(self, action: Action) -> None:
        try:
            self._run(action)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if isinstance(action, CreateDefinition | CreateSchedule) and code in THERE:
                return
            if isinstance(action, DeleteDefinition | DeleteSchedule) and code in GONE:
                return
            if code in ("ValidationException", "ConcurrentUpdateException", "ResourceLimitExceeded"):
                raise Later(f"{type(action).__name__}: {error.response['Error'].get('Message', code)}") from error
            raise

    def _run(self, action: Action) -> None:
        match action:
            case PrepareBaseline():
                self._prepare(action)
            case RelaxBaseline():
                body = relaxed(self._read(action.constraints), action.margin, what=action.constraints)
                self._write(action.uri, {"constraints.json": body})
            case CreateDefinition():
                create = getattr(self._sagemaker, f"create_{OPERATIONS[action.kind]}")
                create(JobDefinitionName=action.name, **action.request)
            case DeleteDefinition():
                getattr(self._sagemaker, f"delete_{OPERATIONS[action.kind]}")(JobDefinitionName=action.name)
            case CreateSchedule():
                self._sagemaker.create_monitoring_schedule(**_schedule(action))
            case UpdateSchedule():
                self._sagemaker.update_monitoring_schedule(**_schedule(action))
            case DeleteSchedule():
                self._sagemaker.delete_monitoring_schedule(MonitoringScheduleName=action.name)
            case PutAlarm():
                self._cloudwatch.put_metric_alarm(
                    AlarmName=action.name, AlarmDescription=action.description, **action.request
                )
            case DeleteAlarm():
                self._cloudwatch.delete_alarms(AlarmNames=[action.name])
            case Scale():
                self._scale(action)
            case StopScaling():
                scaling.stop(self._scaling, action.endpoint, action.variant)

    def _prepare(self, action: PrepareBaseline) -> None:
        bodies = [self._read(uri) for uri in (action.statistics, action.constraints, action.artifact)]
        self._write(action.uri, prepare(*bodies, what=action.artifact))

    def _read(self, uri: str) -> bytes:
        bucket, key = s3_object.place(uri)
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
                raise
            raise DataError(f"{uri} does not exist, so there is nothing to compare with") from error
        return body

    def _write(self, uri: str, files: Mapping[str, bytes]) -> None:
        bucket, prefix = s3_object.place(uri)
        for name, body in files.items():
            self._s3.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=body)

    def _scale(self, action: Scale) -> None:
        target, wanted = scaling.target(action.endpoint, action.variant), action.scaling
        self._scaling.register_scalable_target(
            **target, MinCapacity=wanted.min_instances, MaxCapacity=wanted.max_instances
        )
        self._scaling.put_scaling_policy(
            **target,
            PolicyName=policy_name(self._names),
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": float(wanted.invocations),
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
                **COOL_S,
            },
        )


def _schedule(action: CreateSchedule | UpdateSchedule) -> dict[str, Any]:
    return {
        "MonitoringScheduleName": action.name,
        "MonitoringScheduleConfig": {
            "ScheduleConfig": {"ScheduleExpression": action.expression},
            "MonitoringJobDefinitionName": action.definition,
            "MonitoringType": TYPES[action.kind],
        },
    }
