"""Which data an execution looks at: from when to when, as offsets to the time it was scheduled for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contender.local.api.errors import ValidationException
from contender.local.monitoring.recurrence import DAILY, NOW, Recurrence

LONGEST = timedelta(hours=24)
DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end`."""

    start: datetime
    end: datetime

    def hours(self) -> list[datetime]:
        """The hours that it touches, which is how captured data is laid out."""
        hour, found = self.start.replace(minute=0, second=0, microsecond=0), []
        while hour < self.end:
            found.append(hour)
            hour += timedelta(hours=1)
        return found


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule is due (None: once, at once), and its window's offsets; None for the time since the last one."""

    recurrence: Recurrence | None
    start: timedelta | None
    end: timedelta | None

    @classmethod
    def of(cls, schedule: Mapping[str, Any], source: Mapping[str, Any]) -> Timing:
        """Of a ScheduleConfig and the EndpointInput or BatchTransformInput, whose offsets it overrides.

        Raises:
            ValidationException: AWS would refuse it.
        """
        expression = schedule.get("ScheduleExpression", DAILY)
        asked = [schedule.get(f"DataAnalysis{end}Time") for end in ("Start", "End")]
        if expression == NOW and None in asked:
            raise ValidationException(
                f"DataAnalysisStartTime and DataAnalysisEndTime are required with the ScheduleExpression {NOW}"
            )
        recurrence = None if expression == NOW else Recurrence.from_expression(expression)
        if asked == [None, None]:
            return cls(recurrence, *_offsets(source.get("StartTimeOffset"), source.get("EndTimeOffset")))
        timing = cls(recurrence, *_offsets(*asked))
        if (timing.end or timedelta()) - (timing.start or timedelta()) > LONGEST:
            raise ValidationException(
                f"DataAnalysisStartTime {asked[0]} must not precede DataAnalysisEndTime {asked[1]} "
                "by more than 24 hours"
            )
        return timing

    def first(self, now: datetime) -> datetime:
        """When a schedule that begins now is due."""
        return self.recurrence.after(now) if self.recurrence else now

    def window(self, scheduled: datetime) -> Window:
        start = None if self.start is None else scheduled + self.start
        if start is None:
            start = self.recurrence.before(scheduled) if self.recurrence else scheduled - timedelta(hours=1)
        return Window(start, scheduled + (self.end or timedelta()))


def _offsets(start: str | None, end: str | None) -> tuple[timedelta | None, timedelta | None]:
    first, last = _offset(start), _offset(end)
    if first is not None and first >= (last or timedelta()):
        raise ValidationException(f"The window from {start} to {end or 'PT0H'} is empty: it must start before it ends")
    return first, last


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        if not text.lstrip("-").startswith("P"):
            raise ValueError
        return DURATION.validate_python(text)
    except (ValidationError, ValueError):
        raise ValidationException(f"{text!r} is no offset in ISO 8601's durations, such as -PT1H or -P1D") from None
