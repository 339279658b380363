"""An execution as lists tell it: what one call says of a hundred at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from contender.executions.dimension_lock import RUNNING
from contender.executions.listing import pipeline_of
from contender.naming import dimension_of_execution


@dataclass(frozen=True, slots=True)
class Summary:
    """`name` is what it is called, its id where it has no name; `dimension` is "" for one of none."""

    arn: str
    status: str
    started: datetime
    name: str = ""
    dimension: str = ""
    reason: str = ""

    @classmethod
    def of(cls, listed: Mapping[str, Any]) -> Self:
        """Of what ListPipelineExecutions answers."""
        arn = listed["PipelineExecutionArn"]
        return cls(
            arn,
            listed["PipelineExecutionStatus"],
            listed["StartTime"],
            listed.get("PipelineExecutionDisplayName") or arn.rpartition("/")[2],
            dimension_of_execution(listed) or "",
            listed.get("PipelineExecutionFailureReason", ""),
        )

    @property
    def pipeline(self) -> str:
        return pipeline_of(self.arn)

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def running(self) -> bool:
        return self.status in RUNNING
