"""Operations on pipelines; those on their executions are in `executions.py` and `listings.py`."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.local.api.errors import ConflictException, ValidationException
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler, merge
from contender.local.context import Context
from contender.local.pipelines import callbacks, executions, listings, tokens, versions
from contender.local.pipelines.definition import DefinitionError
from contender.local.pipelines.lookup import find_pipeline
from contender.local.pipelines.records import CACHE, DEFINITION, EXECUTION, PIPELINE, RUNNING, STEP
from contender.local.resources import tags
from contender.local.store import AlreadyExists, Document, Filter

DESCRIBED = (
    "PipelineArn",
    "PipelineName",
    "PipelineDisplayName",
    "PipelineDefinition",
    "PipelineDescription",
    "RoleArn",
    "PipelineStatus",
    "CreationTime",
    "LastModifiedTime",
    "LastRunTime",
    "CreatedBy",
    "LastModifiedBy",
    "ParallelismConfiguration",
)
CHANGEABLE = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


def create_pipeline(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["PipelineName"]
    subject = f"CreatePipeline/{name}"
    with context.store.transaction():
        if known := tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineArn": known}
    text = _definition_text(context, request)
    if text is None:
        raise ValidationException("CreatePipeline: PipelineDefinition or PipelineDefinitionS3Location is needed")
    _check(context, text)
    arn, now = context.arn(f"pipeline/{name}"), context.clock()
    body = {
        **pick(request, *CHANGEABLE),
        "PipelineArn": arn,
        "PipelineName": name,
        "PipelineDefinition": text,
        "PipelineStatus": "Active",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": {},
        "LastModifiedBy": {},
    }
    body.setdefault("PipelineDisplayName", name)
    with context.store.transaction():
        try:
            context.store.insert(PIPELINE, name, body, now=now, status="Active")
        except AlreadyExists:
            raise ValidationException(
                "Pipeline names must be unique within an AWS account and region. "
                f"Pipeline with name ({name}) already exists."
            ) from None
        versions.add(context, arn, text, now)
        tags.put(context, arn, request.get("Tags"))
        tokens.keep(context, subject, request["ClientRequestToken"], arn)
    return {"PipelineArn": arn}


def update_pipeline(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["PipelineName"]
    find_pipeline(context, name)
    text = _definition_text(context, request)
    changes = pick(request, *CHANGEABLE)
    if text is not None:
        _check(context, text)
        changes["PipelineDefinition"] = text
    with context.store.transaction():
        pipeline = find_pipeline(context, name)
        now = context.clock()
        versions.keep_first(context, pipeline)
        if text is not None:
            versions.add(context, pipeline["PipelineArn"], text, now)
        context.store.update(PIPELINE, name, {**changes, "LastModifiedTime": now}, now=now)
        number = versions.find(context, pipeline, None)["PipelineVersionId"]
    return {"PipelineArn": pipeline["PipelineArn"], "PipelineVersionId": number}


def describe_pipeline(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Its latest version unless another is asked for."""
    pipeline = find_pipeline(context, request["PipelineName"])
    version = versions.find(context, pipeline, request.get("PipelineVersionId"))
    return {**pick(pipeline, *DESCRIBED), **pick(version, "PipelineDefinition"), **versions.named(version)}


def list_pipelines(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("PipelineNamePrefix", "")

    def summarise(pipeline: Document) -> Document:
        last = {"LastExecutionTime": pipeline["LastRunTime"]} if "LastRunTime" in pipeline else {}
        names = (
            "PipelineArn",
            "PipelineName",
            "PipelineDisplayName",
            "PipelineDescription",
            "RoleArn",
            "CreationTime",
            "LastModifiedTime",
        )
        return {**pick(pipeline, *names), **last}

    def keep(pipeline: Document) -> bool:
        return str(pipeline["PipelineName"]).startswith(prefix)

    return page(context.store, PIPELINE, request, summarise, key="PipelineSummaries", keep=keep if prefix else None)


def delete_pipeline(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Deletes its executions too; refused while one of them runs."""
    name = request["PipelineName"]
    subject = f"DeletePipeline/{name}"
    store = context.store
    with store.transaction():
        if known := tokens.find(context, subject, request["ClientRequestToken"]):
            return {"PipelineArn": known}
        pipeline = find_pipeline(context, name)
        running = sum(store.count(EXECUTION, Filter(parent=name, status=status)) for status in RUNNING)
        if running:
            raise ConflictException(
                f"Pipeline {name} cannot be deleted while {running} executions of it run; stop them with "
                "StopPipelineExecution"
            )
        for execution in store.page(EXECUTION, Filter(parent=name)):
            _delete_execution(context, execution["PipelineExecutionArn"].rpartition("/")[2])
        for entry in store.page(CACHE, Filter(parent=name)):
            store.delete(CACHE, entry["Name"])
        versions.forget(context, name)
        store.delete(PIPELINE, name)
        tags.forget(context, pipeline["PipelineArn"])
        tokens.keep(context, subject, request["ClientRequestToken"], pipeline["PipelineArn"])
        tokens.forget(context, f"CreatePipeline/{name}", f"StartPipelineExecution/{name}")
    return {"PipelineArn": pipeline["PipelineArn"]}


def _delete_execution(context: Context, execution_id: str) -> None:
    for step in context.store.page(STEP, Filter(parent=execution_id)):
        context.store.delete(STEP, f"{execution_id}/{step['StepName']}")
    callbacks.forget(context, execution_id)
    context.store.delete(DEFINITION, execution_id)
    context.store.delete(EXECUTION, execution_id)
    tokens.forget(context, f"RetryPipelineExecution/{execution_id}")


def _definition_text(context: Context, request: dict[str, Any]) -> str | None:
    """The definition from the request or from S3; None when it has neither."""
    place = request.get("PipelineDefinitionS3Location")
    if place is None:
        text: str | None = request.get("PipelineDefinition")
        return text
    if "PipelineDefinition" in request:
        raise ValidationException("PipelineDefinition and PipelineDefinitionS3Location exclude each other")
    version = {"VersionId": place["VersionId"]} if "VersionId" in place else {}
    uri = f"s3://{place['Bucket']}/{place['ObjectKey']}"
    try:
        answer = context.aws.client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"], **version)
        return str(answer["Body"].read().decode())
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        raise ValidationException(f"PipelineDefinitionS3Location: {uri} cannot be read: {reason}") from error
    except BotoCoreError as error:
        raise ValidationException(f"PipelineDefinitionS3Location: {uri} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise ValidationException(f"PipelineDefinitionS3Location: {uri} is not UTF-8 text") from error


def _check(context: Context, text: str) -> None:
    try:
        context.engine.read_definition(text)
    except DefinitionError as error:
        raise ValidationException(f"Unable to parse pipeline definition. {error}") from error


OPERATIONS: dict[str, Handler] = merge(
    {
        "CreatePipeline": create_pipeline,
        "UpdatePipeline": update_pipeline,
        "DescribePipeline": describe_pipeline,
        "ListPipelines": list_pipelines,
        "DeletePipeline": delete_pipeline,
    },
    executions.OPERATIONS,
    listings.OPERATIONS,
    callbacks.OPERATIONS,
    versions.OPERATIONS,
)
