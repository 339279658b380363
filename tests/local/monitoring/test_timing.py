"""When a schedule is due, and which data it then looks at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contender.local.api.errors import ValidationException
from contender.local.monitoring.recurrence import Recurrence
from contender.local.monitoring.window import Timing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = {"ScheduleExpression": "cron(0 * ? * * *)"}
NOW = "NOW"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("cron(0 * ? * * *)", tuple(range(24))),
        ("cron(0 0 ? * * *)", (0,)),
        ("cron(0 05 ? * * *)", (5,)),
        ("cron(0 17/12 ? * * *)", (5, 17)),
        ("cron(0 0/2 ? * * *)", tuple(range(0, 24, 2))),
        ("cron(0 5/6 ? * * *)", (5, 11, 17, 23)),
        ("cron(0 0/5 ? * * *)", (0, 5, 10, 15, 20)),
        ("cron(0 3/24 ? * * *)", (3,)),
    ],
)
def test_the_expressions_that_aws_documents(expression: str, hours: tuple[int, ...]) -> None:
    assert Recurrence.from_expression(expression).hours == hours


@pytest.mark.parametrize(
    "expression",
    [
        "cron(*/5 * ? * * *)",
        "cron(30 * ? * * *)",
        "cron(0 24 ? * * *)",
        "cron(0 5/25 ? * * *)",
        "cron(0 5/0 ? * * *)",
        "cron(0 * * * ? *)",
        "cron(0 [0-23] ? * * *)",
        "0 * ? * * *",
        "rate(1 hour)",
        "now",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValidationException, match="Invalid ScheduleExpression"):
        Recurrence.from_expression(expression)


def test_due_times_follow_each_other_without_a_gap() -> None:
    recurrence = Recurrence.from_expression("cron(0 17/12 ? * * *)")
    assert recurrence.after(NOON) == at("2026-03-01T17:00")
    assert recurrence.after(at("2026-03-01T17:00")) == at("2026-03-02T05:00")
    assert recurrence.before(at("2026-03-01T17:00")) == at("2026-03-01T05:00")
    assert recurrence.before(NOON) == at("2026-03-01T05:00")
    for moment in (at("2026-02-28T23:59:59"), NOON, at("2026-12-31T18:00")):
        assert recurrence.before(recurrence.after(moment)) <= moment


@pytest.mark.parametrize(
    ("schedule", "source", "start", "end"),
    [
        (HOURLY, {}, "2026-03-01T11:00", "2026-03-01T12:00"),
        ({}, {}, "2026-03-01T00:00", "2026-03-01T12:00"),
        ({"ScheduleExpression": "cron(0 12 ? * * *)"}, {}, "2026-02-28T12:00", "2026-03-01T12:00"),
        ({"ScheduleExpression": "cron(0 0/6 ? * * *)"}, {}, "2026-03-01T06:00", "2026-03-01T12:00"),
        (
            HOURLY,
            {"StartTimeOffset": "-P8D", "EndTimeOffset": "-P1D"},  # the guide's own example
            "2026-02-21T12:00",
            "2026-02-28T12:00",
        ),
        (
            {"ScheduleExpression": NOW, "DataAnalysisStartTime": "-PT30M", "DataAnalysisEndTime": "PT0H"},
            {},
            "2026-03-01T11:30",
            "2026-03-01T12:00",
        ),
        (
            {**HOURLY, "DataAnalysisStartTime": "-PT5H", "DataAnalysisEndTime": "-PT1H"},
            {"StartTimeOffset": "-P8D"},
            "2026-03-01T07:00",
            "2026-03-01T11:00",
        ),
    ],
)
def test_the_window(schedule: dict[str, str], source: dict[str, str], start: str, end: str) -> None:
    window = Timing.of(schedule, source).window(NOON)
    assert (window.start, window.end) == (at(start), at(end))


def test_a_window_is_the_hours_that_it_touches() -> None:
    asked = {"ScheduleExpression": NOW, "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    timing = Timing.of(asked, {})
    assert [hour.hour for hour in timing.window(NOON).hours()] == [11]
    assert [hour.hour for hour in timing.window(at("2026-03-01T12:20")).hours()] == [11, 12]


@pytest.mark.parametrize(
    ("schedule", "source", "said"),
    [
        ({"ScheduleExpression": NOW}, {}, "are required with the ScheduleExpression NOW"),
        ({"ScheduleExpression": NOW, "DataAnalysisStartTime": "-PT1H"}, {}, "are required"),
        (
            {"ScheduleExpression": NOW, "DataAnalysisStartTime": "-PT25H", "DataAnalysisEndTime": "-PT0H"},
            {},
            "by more than 24 hours",
        ),
        (
            {"ScheduleExpression": NOW, "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT2H"},
            {},
            "from -PT1H to -PT2H is empty",
        ),
        (
            {"ScheduleExpression": NOW, "DataAnalysisStartTime": "1 hour", "DataAnalysisEndTime": "-PT0H"},
            {},
            "'1 hour' is no offset",
        ),
        ({}, {"StartTimeOffset": "-P"}, "'-P' is no offset"),
        ({}, {"StartTimeOffset": "PT1H"}, "from PT1H to PT0H is empty"),
    ],
)
def test_a_window_that_aws_refuses(schedule: dict[str, str], source: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationException, match=said):
        Timing.of(schedule, source)
