"""The project's pipelines: what each is, which release made it so, and what ran last.

DescribePipeline, ListPipelineVersions and ListPipelineExecutions, once for each pipeline
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import NotFoundError
from contender.executions.listing import executions
from contender.pipeline.definitions.graph import Graph, readable
from contender.pipeline.versions import Version, versions
from contender.studio.desk import Desk
from contender.studio.reading.summary import Summary

DESCRIBED_S, LISTED_S = 10.0, 2.0
MOST_VERSIONS = 50
LATEST = 8


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A deployed pipeline; `versions` and `latest`, its executions, have the newest first."""

    name: str
    arn: str
    purpose: str
    changed: datetime
    definition: Mapping[str, Any]
    versions: tuple[Version, ...]
    latest: tuple[Summary, ...]

    @property
    def graph(self) -> Graph | None:
        """None for a definition that cannot be read."""
        return readable(self.definition)

    @property
    def commit(self) -> str:
        """The newest commit that compiles to this definition; "" where nobody knows."""
        note = self.versions[0].note if self.versions else None
        return [note.commit, *note.also][-1] if note else ""


def pipelines(desk: Desk) -> tuple[Pipeline, ...]:
    """Those that are deployed."""
    waiting = [(name, desk.later(functools.partial(read, desk, name))) for name in desk.names.pipelines]
    found = []
    for name, each in waiting:
        try:
            found.append(each.result())
        except NotFoundError:
            if name == desk.names.pipeline:
                return ()
    return tuple(found)


def read(desk: Desk, name: str) -> Pipeline:
    """NotFoundError if it is not deployed, or none of the project's."""
    described = describe(desk, name)
    sagemaker = desk.client("sagemaker")
    return Pipeline(
        name,
        described["PipelineArn"],
        described.get("PipelineDescription", "").partition(" Commit ")[0],
        described["LastModifiedTime"],
        json.loads(described["PipelineDefinition"]),
        desk.kept.get(("versions", name), DESCRIBED_S, lambda: tuple(islice(versions(sagemaker, name), MOST_VERSIONS))),
        desk.kept.get(("latest", name), LISTED_S, lambda: _latest(sagemaker, name)),
    )


def describe(desk: Desk, name: str, version: int | None = None) -> Mapping[str, Any]:
    """The pipeline as it is, or as it was in a version; NotFoundError if it is not deployed, or not the project's."""
    if name not in desk.names.pipelines:
        raise NotFoundError(f"pipeline {name!r} is none of this project's: they are {', '.join(desk.names.pipelines)}")

    def read() -> Mapping[str, Any]:
        which = {} if version is None else {"PipelineVersionId": version}
        try:
            found: Mapping[str, Any] = desk.client("sagemaker").describe_pipeline(PipelineName=name, **which)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFound":
                raise
            raise NotFoundError(
                f"pipeline {name!r} is not deployed: `contender pipeline upsert` makes those that the settings ask for"
            ) from error
        return found

    return desk.kept.get(("pipeline", name, version), DESCRIBED_S, read)


def _latest(sagemaker: Any, name: str) -> tuple[Summary, ...]:
    return tuple(map(Summary.of, islice(executions(sagemaker, name), LATEST)))
