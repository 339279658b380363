"""Each dimension's last execution, found without listing all there ever were again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contender.naming import Names
from contender.studio.reading.last_executions import Memory

NAMES = Names("contender")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
PIPELINES = NAMES.training_pipelines


class Lists:
    """SageMaker as it lists executions, pages of a hundred; the second pipeline is not deployed."""

    def __init__(self) -> None:
        self.summaries: list[dict[str, Any]] = []
        self.pages = 0

    def start(self, dimension: str, status: str = "Succeeded") -> dict[str, Any]:
        number = len(self.summaries)
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{NAMES.pipeline}/execution/{number:012d}"
        summary = {
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": NAMES.execution(dimension, f"{number:08x}"),
            "PipelineExecutionStatus": status,
            "StartTime": NOON + timedelta(minutes=number),
        }
        self.summaries.insert(0, summary)
        return summary

    def get_paginator(self, operation: str) -> Lists:
        assert operation == "list_pipeline_executions"
        return self

    def paginate(self, PipelineName: str, MaxResults: int, **_: Any) -> Iterator[dict[str, Any]]:
        if PipelineName != NAMES.pipeline:
            raise ClientError({"Error": {"Code": "ResourceNotFound"}}, "ListPipelineExecutions")
        now = list(self.summaries)
        for start in range(0, max(len(now), 1), MaxResults):
            self.pages += 1
            yield {"PipelineExecutionSummaries": now[start : start + MaxResults]}

    def asked(self) -> int:
        """Pages since the last time somebody wanted to know."""
        asked, self.pages = self.pages, 0
        return asked


def test_a_dimension_whose_last_execution_is_old_is_found_a_few_pages_at_a_time() -> None:
    lists, memory = Lists(), Memory()
    lists.start("old")
    for _ in range(699):
        lists.start("busy")
    first = memory.read(lists, PIPELINES)
    assert (set(first.of), first.looked_through, first.complete) == ({"busy"}, 300, False)
    assert lists.asked() == 3
    second = memory.read(lists, PIPELINES)
    assert (set(second.of), second.looked_through) == ({"busy"}, 500)
    assert lists.asked() == 3  # the newest again, and two more further back
    memory.read(lists, PIPELINES)
    last = memory.read(lists, PIPELINES)
    assert (set(last.of), last.complete) == ({"busy", "old"}, True)
    lists.asked()
    memory.read(lists, PIPELINES)
    assert lists.asked() == 1


def test_what_is_new_and_what_has_ended_is_seen() -> None:
    lists, memory = Lists(), Memory()
    running = lists.start("north", "Executing")
    assert memory.read(lists, PIPELINES).of["north"].status == "Executing"
    running["PipelineExecutionStatus"] = "Failed"
    lists.start("south")
    found = memory.read(lists, PIPELINES).of
    assert (found["north"].status, found["south"].status) == ("Failed", "Succeeded")


def test_one_that_still_runs_is_looked_at_however_many_came_after_it() -> None:
    lists, memory = Lists(), Memory()
    running = lists.start("north", "Executing")
    for _ in range(250):
        lists.start("south")
    memory.read(lists, PIPELINES)
    running["PipelineExecutionStatus"] = "Succeeded"
    assert memory.read(lists, PIPELINES).of["north"].status == "Succeeded"
    lists.asked()
    memory.read(lists, PIPELINES)
    assert lists.asked() == 1


def test_an_older_execution_never_replaces_a_newer_one() -> None:
    lists, memory = Lists(), Memory()
    lists.start("north", "Failed")
    for _ in range(320):
        lists.start("south")
    lists.start("north", "Succeeded")
    for _ in range(3):
        assert memory.read(lists, PIPELINES).of["north"].status == "Succeeded"


def test_without_a_pipeline_there_are_none() -> None:
    found = Memory().read(Lists(), ("elsewhere",))
    assert (dict(found.of), found.complete) == ({}, True)
