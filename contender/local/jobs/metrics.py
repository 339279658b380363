"""Metrics of a job, read from its log as AWS does: by the regular expressions of MetricDefinitions."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

TAB_IN_CLOUDWATCH = "#011"
"""CloudWatch writes tabs so; expressions written for AWS's logs look for it, others for the tab."""

XGBOOST_LINE = re.compile(r"^.*?\[(\d+)\]((?:[\t ]+(?:train|validation)-\S+:\S+)+)\s*$")
XGBOOST_VALUE = re.compile(r"(train|validation)-([^\s:]+(?:@[^\s:]+)?):(\S+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a metric; `step` is the boosting round, or how often the metric was seen before."""

    name: str
    value: float
    step: int


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    pattern: re.Pattern[str]


class MetricLog:
    """Reads a growing log: every call of `read` gives what was logged since the last."""

    def __init__(self, path: Path, definitions: Sequence[Mapping[str, str]], *, xgboost: bool) -> None:
        """`xgboost`: the built-in algorithm's own metrics are read too, under AWS's names (`validation:auc`).

        Raises re.error for a definition that is no regular expression.
        """
        self._path = path
        self._definitions = [Definition(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._xgboost = xgboost
        self._offset = 0
        self._rest = ""
        self._counts: dict[str, int] = {}

    def read(self) -> list[Reading]:
        try:
            with open(self._path, encoding="utf-8", errors="replace") as log:
                log.seek(self._offset)
                text = log.read()
                self._offset = log.tell()
        except FileNotFoundError:
            return []
        *lines, self._rest = (self._rest + text).split("\n")
        return [reading for line in lines for reading in self._parse(line)]

    def _parse(self, line: str) -> list[Reading]:
        readings: list[Reading] = []
        if self._xgboost and (found := XGBOOST_LINE.match(line)):
            step = int(found.group(1))
            for channel, metric, text in XGBOOST_VALUE.findall(found.group(2)):
                value = _number(text)
                if value is not None:
                    readings.append(Reading(f"{channel}:{metric}", value, step))
        named = {reading.name for reading in readings}
        for definition in self._definitions:
            if definition.name in named:
                continue
            match = definition.pattern.search(line) or definition.pattern.search(line.replace("\t", TAB_IN_CLOUDWATCH))
            value = _number(match.group(1)) if match and definition.pattern.groups else None
            if value is not None:
                step = self._counts.get(definition.name, 0)
                self._counts[definition.name] = step + 1
                readings.append(Reading(definition.name, value, step))
        return readings


def final_metrics(readings: Sequence[Reading], now: datetime) -> list[dict[str, Any]]:
    """FinalMetricDataList: the last value of each metric."""
    last = {reading.name: reading.value for reading in readings}
    return [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in last.items()]


def summaries(readings: Sequence[Reading], now: datetime) -> list[dict[str, Any]]:
    """What a trial component says of each metric: all its values in a few figures."""
    values: dict[str, list[float]] = {}
    for reading in readings:
        values.setdefault(reading.name, []).append(reading.value)
    return [
        {
            "MetricName": name,
            "TimeStamp": now,
            "Max": max(found),
            "Min": min(found),
            "Last": found[-1],
            "Count": len(found),
            "Avg": statistics.fmean(found),
            "StdDev": statistics.pstdev(found),
        }
        for name, found in values.items()
    ]


def _number(text: str | None) -> float | None:
    """None for what is no number; also for NaN, which an AUC of one class is, because the API cannot say it."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
