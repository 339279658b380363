"""Schedule expressions: the three shapes of cron that SageMaker documents, and the keyword NOW.

    cron(0 * ? * * *)        every hour
    cron(0 12 ? * * *)       every day at noon
    cron(0 17/12 ? * * *)    every 12 hours, beginning at 17:00 UTC: at 17:00 and 5:00

A cron library takes more than AWS does, and reads the last one as 17:00 alone. All times are UTC, as on AWS.
docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.local.api.errors import ValidationException

NOW = "NOW"
DAILY = "cron(0 0 ? * * *)"
"""Of a schedule that names no time: AWS picks one for it, once a day."""
HOURS = 24
SHAPE = re.compile(r"cron\(0 (?:\*|(?P<first>\d{1,2})(?:/(?P<step>\d{1,2}))?) \? \* \* \*\)")


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The hours of the day, ascending, at whose beginning a schedule is due."""

    hours: tuple[int, ...]

    @classmethod
    def from_expression(cls, expression: str) -> Recurrence:
        """Raises ValidationException."""
        shape = SHAPE.fullmatch(expression)
        first, step = (shape["first"], shape["step"]) if shape else (None, None)
        if shape is None or int(first or 0) >= HOURS or not 1 <= int(step or HOURS) <= HOURS:
            raise ValidationException(
                f"Invalid ScheduleExpression {expression!r}: it must be {NOW}, cron(0 * ? * * *), "
                "cron(0 [00-23] ? * * *) or cron(0 [00-23]/[01-24] ? * * *)"
            )
        if first is None:
            return cls(tuple(range(HOURS)))
        every = int(step or HOURS)
        return cls(tuple(sorted({(int(first) + ahead) % HOURS for ahead in range(0, HOURS, every)})))

    def after(self, moment: datetime) -> datetime:
        """The first time due after `moment`."""
        hour = _hour(moment) + timedelta(hours=1)
        while hour.hour not in self.hours:
            hour += timedelta(hours=1)
        return hour

    def before(self, moment: datetime) -> datetime:
        """The last time due before `moment`."""
        hour = _hour(moment - timedelta(microseconds=1))
        while hour.hour not in self.hours:
            hour -= timedelta(hours=1)
        return hour

    @property
    def shortest(self) -> timedelta:
        """The least time between two executions."""
        following = (*self.hours[1:], self.hours[0] + HOURS)
        return timedelta(hours=min(late - early for early, late in zip(self.hours, following, strict=True)))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
