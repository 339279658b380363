"""Score a file by who serves a dimension: put it into S3, start the batch pipeline, read what came of it.

A local file goes to the artifact bucket, where its arrival starts nothing: an upload among the training data would
train on it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contender import registry, s3_object
from contender.errors import DataError, DeploymentError, NotFoundError
from contender.executions.request import begin
from contender.executions.snapshot import ANY_FAILURE, Snapshot
from contender.naming import Names, checked_dimension

RESULT_STEPS = ("Compare", "Collect")
BLOCK_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Request:
    """What an execution of the batch pipeline is started with."""

    dimension: str
    uri: str
    version: str
    side_by_side: bool

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "Dimension": self.dimension,
            "InputDataUri": self.uri,
            "DataVersion": self.version,
            "SideBySide": str(self.side_by_side).lower(),
        }


@dataclass(frozen=True, slots=True)
class Scored:
    """A finished scoring: where its files are, and how many rows were scored by whom."""

    uri: str
    summary: Mapping[str, Any]

    @property
    def predictions_uri(self) -> str:
        return f"{self.uri}/predictions.csv"

    @property
    def refused_uri(self) -> str:
        return f"{self.uri}/refused.csv"


def target_uri(bucket: str, dimension: str, path: Path) -> str:
    """Where a local file goes: the same content under the same address, so that it is sent and scored once."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return f"s3://{bucket}/batch/{checked_dimension(dimension)}/uploads/{digest.hexdigest()[:16]}/{path.name}"


def upload(s3: Any, path: Path, uri: str) -> None:
    """Send the file unless it is there already."""
    bucket, key = s3_object.place(uri)
    if s3_object.head(s3, uri) is None:
        s3.upload_file(str(path), bucket, key)


def require_champion(sagemaker: Any, names: Names, dimension: str) -> None:
    """NotFoundError where nobody could score."""
    if registry.champion(registry.list_versions(sagemaker, names.group(dimension))) is None:
        raise NotFoundError(f"dimension {dimension!r} has no champion to score with: `contender data upload` makes one")


def plan(s3: Any, dimension: str, uri: str, side_by_side: bool) -> Request:
    """The request to score the object at `uri` as it is now. DataError if there is none."""
    head = s3_object.head(s3, uri)
    if head is None:
        raise DataError(f"{uri} does not exist: give a file, or the address of one in S3")
    return Request(dimension, uri, s3_object.version(head), side_by_side)


def start(sagemaker: Any, names: Names, request: Request) -> str:
    """Start an execution and return its ARN. NotFoundError if the pipeline is not deployed."""
    token = uuid.uuid4().hex
    try:
        return begin(sagemaker, names, names.batch_pipeline, request.dimension, request.parameters, token)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise NotFoundError(
            f"pipeline {names.batch_pipeline!r} does not exist: make it with `contender pipeline upsert`"
        ) from error


def result(sagemaker: Any, s3: Any, last: Snapshot) -> Scored:
    """What an execution that has ended left. DeploymentError says why it left nothing."""
    done = next((step for step in last.steps if step.name in RESULT_STEPS and step.status == "Succeeded"), None)
    if last.status != "Succeeded" or done is None:
        why = last.reason.removeprefix(ANY_FAILURE) or "no reason given"
        raise DeploymentError(f"execution {last.name} {last.status.lower()}: {why}")
    job = sagemaker.describe_processing_job(
        ProcessingJobName=done.metadata["ProcessingJob"]["Arn"].rpartition("/")[2],
    )
    uri = str(job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"])
    bucket, key = s3_object.place(f"{uri}/summary.json")
    return Scored(uri, json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))


def download(s3: Any, uri: str, path: Path) -> None:
    bucket, key = s3_object.place(uri)
    s3.download_file(bucket, key, str(path))
