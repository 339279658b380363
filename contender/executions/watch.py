"""Follows executions until they end: which ones a person means, and what happened since the last look.

A dimension means what runs of it now and what its uploads are about to start; only where there is neither, the last
execution that there was. No word at all means all dimensions, and what began just now: an execution that fails at once
is over before anybody watches. So `watch` right after an upload never shows the execution before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender import s3_object
from contender.errors import NamingError
from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import LOOKS_BACK, find, parameters_of, pipeline_of, recent
from contender.executions.snapshot import Snapshot, Step, Watcher
from contender.naming import Names, dimension_of_execution, is_dimension, parse_object_key

STARTS_WITHIN = timedelta(minutes=15)
"""An upload that has started nothing for longer is not waited for: something is wrong with it."""
JUST_NOW = timedelta(seconds=30)
CLOCK = timedelta(seconds=1)
"""S3 tells when an object came in whole seconds."""
UNREADABLE = ("AccessDenied", "AllAccessDisabled", "NoSuchBucket")
LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The newest object of a dimension."""

    dimension: str
    uri: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Uploads:
    """Where uploads go; `bucket` is empty where there is no stack that says it."""

    s3: Any
    bucket: str
    prefix: str

    def newest(self, dimension: str | None) -> dict[str, Uploaded]:
        """The newest upload of a dimension, or of each one; none for a person who may not list them."""
        try:
            return self._newest(dimension) if self.bucket else {}
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNREADABLE:
                raise
            return {}

    def _newest(self, dimension: str | None) -> dict[str, Uploaded]:
        prefix = f"{self.prefix}{dimension}/" if dimension else self.prefix
        found: dict[str, Uploaded] = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                try:
                    name = parse_object_key(self.prefix, item["Key"]).dimension
                except NamingError:
                    continue  # it starts nothing: the starter refuses it
                if name not in found or found[name].at < item["LastModified"]:
                    found[name] = Uploaded(name, f"s3://{self.bucket}/{item['Key']}", item["LastModified"])
        return found

    def version(self, uri: str) -> str:
        """What the starter calls the object's version; empty for one that is gone."""
        head = s3_object.head(self.s3, uri)
        return s3_object.version(head) if head else ""


@dataclass(slots=True)
class Watch:
    """The executions that words mean, and those that are still to start."""

    sagemaker: Any
    names: Names
    uploads: Uploads
    follows: dict[str, Watcher] = field(default_factory=dict)
    awaited: dict[str, Uploaded] = field(default_factory=dict)
    """Uploads by dimension whose execution has not started yet."""
    overdue: list[Uploaded] = field(default_factory=list)
    """Uploads that should have started something long ago."""
    _known: set[str] = field(default_factory=set)
    _ended: dict[str, Snapshot] = field(default_factory=dict)
    _everything: bool = False

    def begin(self, words: Sequence[str], now: datetime) -> None:
        """Choose what to follow. NotFoundError for a word that means nothing."""
        summaries = list(islice(recent(self.sagemaker, self.names.pipelines), LOOKS_BACK))
        self._known = {summary["PipelineExecutionArn"] for summary in summaries}
        self._everything = not words
        for word in words or (None,):
            if word is not None and not self._means_dimension(word, summaries):
                self._follow(find(self.sagemaker, self.names.pipelines, word))
                continue
            mine = [each for each in summaries if word in (None, dimension_of_execution(each))]
            running = [each for each in mine if each["PipelineExecutionStatus"] in RUNNING]
            awaited = self._await(word, mine, now)
            chosen = running if word is not None else [*running, *self._began_just_now(mine, now)]
            for summary in chosen or ([] if awaited else mine[:1]):
                self._follow(summary["PipelineExecutionArn"])
            if not mine and not awaited:
                self._follow(find(self.sagemaker, self.names.pipelines, word))

    def look(self) -> Iterator[Snapshot]:
        """A snapshot of everything that is followed, with what has started meanwhile."""
        if self.awaited or self._everything:
            for summary in islice(recent(self.sagemaker, self.names.pipelines), LOOKS_BACK):
                if summary["PipelineExecutionArn"] in self._known:
                    break
                trains = pipeline_of(summary["PipelineExecutionArn"]) in self.names.training_pipelines
                awaited = self.awaited.pop(dimension_of_execution(summary) or "", None) if trains else None
                if awaited or self._everything:
                    self._follow(summary["PipelineExecutionArn"])
        for arn, watcher in self.follows.items():
            snapshot = self._ended.get(arn) or watcher.snapshot()
            if not snapshot.running:
                self._ended[arn] = snapshot
            yield snapshot

    def _means_dimension(self, word: str, summaries: Sequence[Mapping[str, Any]]) -> bool:
        """Ids and display names of executions may look like dimensions."""
        named = {each["PipelineExecutionArn"].rpartition("/")[2] for each in summaries}
        named |= {each.get("PipelineExecutionDisplayName", "") for each in summaries}
        return is_dimension(word) and word not in named

    def _follow(self, arn: str) -> None:
        self._known.add(arn)
        if arn not in self.follows:
            self.follows[arn] = Watcher(self.sagemaker, arn)

    def _await(self, dimension: str | None, summaries: Sequence[Mapping[str, Any]], now: datetime) -> bool:
        """Note the uploads that are about to start something; whether there are any."""
        latest: dict[str | None, Mapping[str, Any]] = {}
        for summary in summaries:
            if pipeline_of(summary["PipelineExecutionArn"]) in self.names.training_pipelines:
                latest.setdefault(dimension_of_execution(summary), summary)
        found = False
        for name, uploaded in self.uploads.newest(dimension).items():
            if not self._waits(uploaded, latest.get(name)):
                continue
            if now - uploaded.at > STARTS_WITHIN and name not in self._running(summaries):
                self.overdue.append(uploaded)
                continue
            self.awaited[name] = uploaded
            found = True
        return found

    def _waits(self, uploaded: Uploaded, latest: Mapping[str, Any] | None) -> bool:
        if latest is None:
            return True
        if uploaded.at + CLOCK <= latest["StartTime"]:
            return False
        given = parameters_of(self.sagemaker, latest["PipelineExecutionArn"])
        same_file = given.get("InputDataUri") == uploaded.uri
        return not same_file or given.get("DataVersion") != self.uploads.version(uploaded.uri)

    def _began_just_now(self, summaries: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Mapping[str, Any]]:
        """The latest execution of each dimension that neither runs nor is awaited, where it is that young."""
        others = self._running(summaries) | self.awaited.keys()
        for summary in summaries:
            dimension = dimension_of_execution(summary)
            if dimension not in others and now - summary["StartTime"] < JUST_NOW:
                others.add(dimension)
                yield summary

    @staticmethod
    def _running(summaries: Sequence[Mapping[str, Any]]) -> set[str | None]:
        return {dimension_of_execution(each) for each in summaries if each["PipelineExecutionStatus"] in RUNNING}


def ended_since(before: Snapshot | None, after: Snapshot) -> list[Step]:
    """The steps that ended between two looks, in the order they ended; not those that were never begun."""
    known = {step.name: step.status for step in before.steps} if before else {}
    ended = [
        step
        for step in after.steps
        if step.ended_as and step.status != "Skipped" and known.get(step.name) != step.status
    ]
    return sorted(ended, key=lambda step: (step.ended or step.started or LONG_AGO).timestamp())
