"""Makes SageMaker's pipelines the compiled ones: uploads the files, writes the definition, neither if it is there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender.config import Settings
from contender.pipeline.compiling import Compiled, Upload
from contender.pipeline.origin import Origin
from contender.pipeline.targets import Target, training
from contender.pipeline.versions import describe, record


@dataclass(frozen=True, slots=True)
class Upserted:
    """What `upsert` did, or would do: `created`, `updated` or `unchanged`, and the files that were missing."""

    action: str
    arn: str
    uploaded: tuple[str, ...]


def plan_upsert(
    sagemaker: Any, s3: Any, settings: Settings, role_arn: str, result: Compiled, target: Target | None = None
) -> Upserted:
    """What `upsert` would do."""
    missing = tuple(item.uri for item in result.uploads if not _exists(s3, item))
    described = _describe(sagemaker, (target or training(settings)).name)
    if described is None:
        return Upserted("created", "", missing)
    same = described["PipelineDefinition"] == result.definition and described["RoleArn"] == role_arn
    return Upserted("unchanged" if same else "updated", described["PipelineArn"], missing)


def upsert(
    sagemaker: Any,
    s3: Any,
    settings: Settings,
    role_arn: str,
    result: Compiled,
    target: Target | None = None,
    origin: Origin | None = None,
) -> Upserted:
    """Make SageMaker's pipeline the compiled one. Safe to repeat: identical bytes change nothing.

    Its description names the `origin`, if one is given.
    """
    target = target or training(settings)
    plan = plan_upsert(sagemaker, s3, settings, role_arn, result, target)
    # Files go first: a definition must never refer to code that is not there.
    for item in result.uploads:
        if item.uri in plan.uploaded:
            s3.put_object(Bucket=item.bucket, Key=item.key, Body=item.body)
    request = {
        "PipelineName": target.name,
        "PipelineDefinition": result.definition,
        "PipelineDescription": describe(target.description, origin) if origin else target.description,
        "RoleArn": role_arn,
    }
    if plan.action == "created":
        answer = sagemaker.create_pipeline(
            **request,
            PipelineDisplayName=target.name,
            ClientRequestToken=uuid.uuid4().hex,
        )
        return Upserted("created", answer["PipelineArn"], plan.uploaded)
    if plan.action == "updated":
        sagemaker.update_pipeline(**request)
    return plan


def release(
    sagemaker: Any, s3: Any, settings: Settings, role_arn: str, compiled: Mapping[Target, Compiled], origin: Origin
) -> dict[Target, Upserted]:
    """Upsert all of a project's pipelines as one release: what changes becomes versions that name their origin."""
    number = uuid.uuid4().hex
    done = {}
    for target, result in compiled.items():
        done[target] = upsert(sagemaker, s3, settings, role_arn, result, target, origin)
        record(sagemaker, target.name, done[target].arn, origin, number)
    return done


def deployed_definition(sagemaker: Any, name: str) -> str | None:
    """The definition SageMaker has, or None."""
    described = _describe(sagemaker, name)
    return None if described is None else str(described["PipelineDefinition"])


def _describe(sagemaker: Any, name: str) -> Mapping[str, Any] | None:
    try:
        described: Mapping[str, Any] = sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return None
        raise
    return described


def _exists(s3: Any, item: Upload) -> bool:
    """Whether the file is there: its key is made of its content, so a file under the key is this one."""
    try:
        s3.head_object(Bucket=item.bucket, Key=item.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
