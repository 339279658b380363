"""What every step is built from: settings, the stack's outputs, an execution's parameters, the scripts' addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from sagemaker.core.image_uris import retrieve
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

from contender.config import Settings
from contender.pipeline import Upload

FOLDER = Path(__file__).resolve().parent
XGBOOST_VERSION = "3.0-5"
SKLEARN_VERSION = "1.4-2"


@dataclass(frozen=True, slots=True)
class Build:
    """One compilation of the pipeline."""

    settings: Settings
    outputs: Mapping[str, str]
    session: PipelineSession
    dimension: ParameterString
    data_uri: ParameterString
    data_version: ParameterString
    uploads: list[Upload] = field(default_factory=list)
    """Files that must be in S3 before the definition runs; building a step adds its own."""

    @property
    def role(self) -> str:
        return self.outputs["PipelineRoleArn"]

    @property
    def xgboost_image(self) -> str:
        return _image("xgboost", self.settings.region, XGBOOST_VERSION)

    @property
    def sklearn_image(self) -> str:
        return _image("sklearn", self.settings.region, SKLEARN_VERSION)

    def code(self, *files: str) -> str:
        """The S3 folder of these files of `steps/`. Named by their content, so unchanged code stays a cache hit."""
        paths = [FOLDER / file for file in files]
        digest = hashlib.sha256()
        for path in paths:
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
        folder = f"code/{digest.hexdigest()[:20]}"
        bucket = self.outputs["ArtifactBucket"]
        self.uploads.extend(Upload(path, bucket, f"{folder}/{path.name}") for path in paths)
        return f"s3://{bucket}/{folder}"

    def output(self, step: str, name: str) -> Join:
        """Where an execution's step writes one output."""
        bucket = self.outputs["ArtifactBucket"]
        execution = ExecutionVariables.PIPELINE_EXECUTION_ID
        return Join(on="/", values=["s3:/", bucket, "runs", self.dimension, execution, step, name])

    def training_folder(self) -> list[object]:
        """Parts of the S3 folder that training jobs write to, each in one of its job name.

        The execution's id is left out: the best job of a cached tuning step belongs to an earlier execution.
        """
        return ["s3:/", self.outputs["ArtifactBucket"], "training", self.dimension]


@cache
def _image(framework: str, region: str, version: str) -> str:
    """The URI of AWS's own image; looking one up takes the SDK a fifth of a second."""
    image: str = retrieve(framework, region, version=version, py_version="py3", instance_type="ml.m5.large")
    return image


def compiler_session(region: str, bucket: str) -> PipelineSession:
    """A session that only compiles: with a bucket given it asks AWS for none.

    Its defaults are empty, for the ones in the files of whoever compiles would change the definition.
    """
    session = PipelineSession(
        boto_session=boto3.session.Session(region_name=region),
        default_bucket=bucket,
        sagemaker_config={"SchemaVersion": "1.0"},
    )
    session.sagemaker_config = {}
    return session


def untracked(method: Callable[..., Any]) -> Callable[..., Any]:
    """An SDK object's method without the wrapper that reports each call to AWS from a thread.

    Opting out by the SDK's own setting makes it validate that setting at every step: ten times the time to compile.
    """
    return partial(method.__func__.__wrapped__, method.__self__)  # type: ignore[attr-defined]


def reuse() -> CacheConfig:
    """Reuse a step whose inputs are the same; the artifacts bucket keeps them longer than this."""
    return CacheConfig(enable_caching=True, expire_after="P30D")


def job_retries() -> list[object]:
    """Retry what AWS may get right the next time, and nothing that the job itself got wrong."""
    return [
        *service_retries(),
        SageMakerJobStepRetryPolicy(
            exception_types=[
                SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
                SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
                SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT,
            ],
            interval_seconds=30,
            backoff_rate=2.0,
            max_attempts=5,
        ),
    ]


def service_retries() -> list[object]:
    return [
        StepRetryPolicy(
            exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
            interval_seconds=2,
            backoff_rate=2.0,
            max_attempts=6,
        )
    ]
