"""Push to pipeline: CodeBuild's minutes, and CodePipeline's for the same build and for fetching the source."""

from __future__ import annotations

from collections.abc import Iterator

from contender.cost.case import Case, Line

PART = "delivery"
SOURCE_MINUTES = 1
ALARMS = 1


def lines(case: Case) -> Iterator[Line]:
    pushes, minutes = case.assumed.pushes_per_month, case.assumed.minutes_per_build
    if not pushes:
        return
    yield case.line(PART, "builds", pushes * minutes, "build_time", lower="fewer pushes")
    yield case.line(PART, "pipeline", pushes * (minutes + SOURCE_MINUTES), "action_time")
    yield case.line(PART, "alarms", ALARMS, "alarms")
