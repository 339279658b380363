"""Versions of a pipeline: each definition it was given, numbered from 1, kept for as long as the pipeline is there.

CreatePipeline makes the first; UpdatePipeline makes another whenever it brings a definition, one that is the same as
before too (unverified on AWS); what else it changes belongs to no version.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contender.local.api.errors import ResourceNotFound
from contender.local.api.listing import page, pick
from contender.local.api.operations import Handler
from contender.local.context import Context
from contender.local.pipelines.lookup import find_pipeline, name_in
from contender.local.store import Document, Filter

VERSION = "pipeline-version"

_NAMED = ("PipelineVersionDisplayName", "PipelineVersionDescription")
_SUMMARY = ("PipelineArn", "PipelineVersionId", "CreationTime", "LastExecutionPipelineExecutionArn", *_NAMED)


def add(context: Context, arn: str, definition: str, now: datetime) -> None:
    """Keep a definition as the pipeline's next version, inside the transaction that gives it to the pipeline."""
    pipeline = name_in(arn)
    number = 1 + context.store.count(VERSION, Filter(parent=pipeline))
    body = {
        "PipelineArn": arn,
        "PipelineVersionId": number,
        "PipelineDefinition": definition,
        "CreationTime": now,
    }
    context.store.insert(VERSION, _key(pipeline, number), body, now=now, parent=pipeline)


def find(context: Context, pipeline: Document, number: int | None) -> Document:
    """A version of the pipeline, or its latest. Raises ResourceNotFound."""
    name = pipeline["PipelineName"]
    wanted = number or context.store.count(VERSION, Filter(parent=name))
    found = context.store.find(VERSION, _key(name, wanted))
    if found is None and number in (None, 1):
        return _first(pipeline)
    if found is None:
        raise ResourceNotFound(f"Pipeline '{pipeline['PipelineArn']}' has no version {number}.")
    return found


def keep_first(context: Context, pipeline: Document) -> None:
    """A pipeline that was made before versions were kept has its first one from now on."""
    if not context.store.count(VERSION, Filter(parent=pipeline["PipelineName"])):
        add(context, pipeline["PipelineArn"], pipeline["PipelineDefinition"], pipeline["CreationTime"])


def named(version: Document) -> Document:
    """What DescribePipeline tells of a version beside its definition."""
    return pick(version, *_NAMED)


def note_execution(context: Context, version: Document, execution: str, now: datetime) -> None:
    """The version was started, as this execution."""
    key = _key(name_in(version["PipelineArn"]), version["PipelineVersionId"])
    context.store.update(VERSION, key, {"LastExecutionPipelineExecutionArn": execution}, now=now)


def forget(context: Context, pipeline: str) -> None:
    """The pipeline is deleted: so are its versions."""
    for version in context.store.page(VERSION, Filter(parent=pipeline)):
        context.store.delete(VERSION, _key(pipeline, version["PipelineVersionId"]))


def list_pipeline_versions(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        pipeline = find_pipeline(context, request["PipelineName"])
        keep_first(context, pipeline)
    # By number: two versions of one moment keep their order.
    return page(
        context.store,
        VERSION,
        request,
        lambda version: pick(version, *_SUMMARY),
        key="PipelineVersionSummaries",
        parent=pipeline["PipelineName"],
        sort_by="Name",
    )


def update_pipeline_version(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    with context.store.transaction():
        pipeline = find_pipeline(context, request["PipelineArn"])
        keep_first(context, pipeline)
        number = request["PipelineVersionId"]
        find(context, pipeline, number)
        key = _key(pipeline["PipelineName"], number)
        context.store.update(VERSION, key, pick(request, *_NAMED), now=context.clock())
    return {"PipelineArn": pipeline["PipelineArn"], "PipelineVersionId": number}


def _first(pipeline: Document) -> Document:
    body = pick(pipeline, "PipelineArn", "PipelineDefinition", "CreationTime")
    return {**body, "PipelineVersionId": 1}


def _key(pipeline: str, number: int) -> str:
    return f"{pipeline}/{number:09d}"


OPERATIONS: dict[str, Handler] = {
    "ListPipelineVersions": list_pipeline_versions,
    "UpdatePipelineVersion": update_pipeline_version,
}
