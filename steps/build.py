"""What every step is built from: settings, the stack's outputs, an execution's parameters, the scripts' addresses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from sagemaker.core.image_uris import retrieve
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import Parameter, ParameterBoolean, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

from contender.config import Settings
from contender.pipeline.compiling import Upload

FOLDER = Path(__file__).resolve().parent
XGBOOST_VERSION = "3.0-5"
SKLEARN_VERSION = "1.4-2"
CLARIFY_VERSION = "1.0"
SERVING = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
"""The environment in which AWS's XGBoost image serves our artifacts."""
CONTENT_TYPES = ["text/csv", "application/json", "application/jsonlines"]
"""What our artifacts take and give."""


@dataclass(frozen=True, slots=True)
class Build:
    """One compilation of the pipeline."""

    settings: Settings
    outputs: Mapping[str, str]
    session: PipelineSession
    dimension: ParameterString = field(default_factory=partial(ParameterString, name="Dimension"))
    data_uri: ParameterString = field(default_factory=partial(ParameterString, name="InputDataUri"))
    data_version: ParameterString = field(
        default_factory=partial(ParameterString, name="DataVersion", default_value="none")
    )
    options: list[Parameter] = field(default_factory=list)
    """Parameters beside those; building a step adds its own."""
    area: str = "runs"
    """First part of the keys that executions write to in the artifact bucket."""
    uploads: list[Upload] = field(default_factory=list)
    """Files that must be in S3 before the definition runs; building a step adds its own."""

    @property
    def role(self) -> str:
        return self.outputs["PipelineRoleArn"]

    @property
    def parameters(self) -> list[Parameter]:
        """What an execution is started with."""
        return [self.dimension, self.data_uri, self.data_version, *self.options]

    @property
    def group(self) -> Join:
        """The dimension's model package group."""
        return Join(on="-", values=[self.settings.project, self.dimension])

    @property
    def dropped(self) -> list[str]:
        """Columns of the data that are no features."""
        data = self.settings.data
        return [*data.drop, *([data.dimension_column] if data.dimension_column else [])]

    @property
    def code_version(self) -> str:
        """What the files of all steps built so far come to: the same files, the same word."""
        return hashlib.sha256("\n".join(sorted(upload.key for upload in self.uploads)).encode()).hexdigest()[:20]

    @property
    def tags(self) -> list[dict[str, Any]]:
        """Tags of every job."""
        tags = {"project": self.settings.project, "dimension": self.dimension, **self.settings.tags}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def text(self, name: str, default: str | None) -> ParameterString:
        """A parameter of the pipeline that an execution may set; None: it has to."""
        parameter = ParameterString(name=name, default_value=default)
        self.options.append(parameter)
        return parameter

    def flag(self, name: str, default: bool) -> ParameterBoolean:
        """The same, true or false."""
        parameter = ParameterBoolean(name=name, default_value=default)
        self.options.append(parameter)
        return parameter

    @property
    def xgboost_image(self) -> str:
        return _image("xgboost", self.settings.region, XGBOOST_VERSION)

    @property
    def sklearn_image(self) -> str:
        return _image("sklearn", self.settings.region, SKLEARN_VERSION)

    @property
    def monitor_image(self) -> str:
        return _image("model-monitor", self.settings.region, None)

    @property
    def clarify_image(self) -> str:
        return _image("clarify", self.settings.region, CLARIFY_VERSION)

    def code(self, *files: str) -> str:
        """The S3 folder of these files of `steps/`. Named by their content, so unchanged code stays a cache hit."""
        bodies = {path.name: path.read_bytes() for path in (FOLDER / file for file in files)}
        digest = hashlib.sha256()
        for name, body in bodies.items():
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        folder = f"code/{digest.hexdigest()[:20]}"
        bucket = self.outputs["ArtifactBucket"]
        self.uploads.extend(Upload(body, bucket, f"{folder}/{name}") for name, body in bodies.items())
        return f"s3://{bucket}/{folder}"

    def document(self, name: str, content: Mapping[str, Any]) -> str:
        """The S3 address of a JSON file with this content, which is also what its folder is named by."""
        body = json.dumps(content, sort_keys=True, indent=1).encode()
        bucket, key = self.outputs["ArtifactBucket"], f"config/{hashlib.sha256(body).hexdigest()[:20]}/{name}"
        self.uploads.append(Upload(body, bucket, key))
        return f"s3://{bucket}/{key}"

    def output(self, step: str, name: str) -> Join:
        """Where an execution's step writes one output."""
        bucket = self.outputs["ArtifactBucket"]
        execution = ExecutionVariables.PIPELINE_EXECUTION_ID
        return Join(on="/", values=["s3:/", bucket, self.area, self.dimension, execution, step, name])

    def training_folder(self) -> list[object]:
        """Parts of the S3 folder that training jobs write to, each in one of its job name.

        The execution's id is left out: the best job of a cached tuning step belongs to an earlier execution.
        """
        return ["s3:/", self.outputs["ArtifactBucket"], "training", self.dimension]


@cache
def _image(framework: str, region: str, version: str | None) -> str:
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
