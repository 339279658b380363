"""SageMaker's versions of the project's pipelines, and what is written on each: commit, who, and of which release.

A release is what one upsert or one rollback changed: a version of each pipeline whose definition is another now. An
upsert that changes nothing makes no version; its commit is added to the version that it found, so that every commit
leads to its definitions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contender.pipeline.origin import Origin, short

MOST_COMMITS = 20
"""Commits that one version remembers beside its own; SageMaker takes 3,072 characters."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is written on a version. `also`: later commits with the same definition; `back_to`: of a rollback."""

    release: str
    commit: str
    by: str
    also: tuple[str, ...] = ()
    back_to: int | None = None

    def as_text(self) -> str:
        values = {"release": self.release, "commit": self.commit, "by": self.by}
        return json.dumps({**values, "also": list(self.also), "back_to": self.back_to})

    @staticmethod
    def read(text: str) -> Note | None:
        """None for what somebody else wrote, or nobody."""
        try:
            values = json.loads(text)
            return Note(values["release"], values["commit"], values["by"], tuple(values["also"]), values["back_to"])
        except (ValueError, KeyError, TypeError):
            return None

    def with_commit(self, commit: str) -> Note:
        """The same, which a later commit compiles to as well."""
        if not commit or commit in (self.commit, *self.also):
            return self
        return replace(self, also=(*self.also, commit)[-MOST_COMMITS:])


@dataclass(frozen=True, slots=True)
class Version:
    """One definition that a pipeline had."""

    pipeline: str
    number: int
    created: datetime
    note: Note | None


@dataclass(frozen=True, slots=True)
class Release:
    """Versions that came together; `number` counts them from 1."""

    number: int
    versions: tuple[Version, ...]
    state: Mapping[str, int] = field(default_factory=dict)
    """By pipeline, the version it had once this release was made."""

    @property
    def created(self) -> datetime:
        return self.versions[0].created

    @property
    def note(self) -> Note | None:
        return self.versions[0].note

    def is_of(self, commit: str) -> bool:
        """Whether a commit, given in part perhaps, compiles to this."""
        note = self.note
        return note is not None and any(each.startswith(commit) for each in (note.commit, *note.also))


def describe(purpose: str, origin: Origin) -> str:
    """A pipeline's description: what it is for, and what it was made from."""
    return f"{purpose} Commit {short(origin.commit)}, by {origin.by}."


def record(
    sagemaker: Any, pipeline: str, arn: str, origin: Origin, release: str, *, back_to: int | None = None
) -> None:
    """Write on the pipeline's latest version what it comes from, and its commit on the pipeline, as a tag.

    A version that has a note keeps it and learns the commit; one without, left by somebody killed in between or by
    other tools, gets one.
    """
    latest = next(versions(sagemaker, pipeline), None)
    if latest is None:
        return
    note = Note(release, origin.commit, origin.by, back_to=back_to)
    wanted = latest.note.with_commit(origin.commit) if latest.note else note
    if wanted != latest.note:
        sagemaker.update_pipeline_version(
            PipelineArn=arn, PipelineVersionId=latest.number, PipelineVersionDescription=wanted.as_text()
        )
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "commit", "Value": origin.commit or "unknown"}])


def versions(sagemaker: Any, pipeline: str) -> Iterator[Version]:
    """The pipeline's versions, the latest first; none where it is not deployed."""
    token: dict[str, str] = {}
    while True:
        try:
            answer = sagemaker.list_pipeline_versions(
                PipelineName=pipeline, SortOrder="Descending", MaxResults=100, **token
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFound":
                return
            raise
        for each in answer["PipelineVersionSummaries"]:
            note = Note.read(each.get("PipelineVersionDescription", ""))
            yield Version(pipeline, each["PipelineVersionId"], each["CreationTime"], note)
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}


def releases(sagemaker: Any, pipelines: Sequence[str]) -> list[Release]:
    """All that were made, the oldest first. A version without a note is a release of its own."""
    found = sorted(
        (version for pipeline in pipelines for version in versions(sagemaker, pipeline)),
        key=lambda version: (version.created, version.pipeline, version.number),
    )
    together: dict[str, list[Version]] = {}
    for version in found:
        key = version.note.release if version.note else f"{version.pipeline}/{version.number}"
        together.setdefault(key, []).append(version)
    state: dict[str, int] = {}
    made = []
    for number, members in enumerate(together.values(), start=1):
        state |= {version.pipeline: version.number for version in members}
        made.append(Release(number, tuple(members), dict(state)))
    return made


def definition(sagemaker: Any, pipeline: str, number: int) -> str:
    """A version's definition."""
    return str(sagemaker.describe_pipeline(PipelineName=pipeline, PipelineVersionId=number)["PipelineDefinition"])
