"""A training's metrics over time, as its log tells them: AWS itself keeps the last value of each only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from contender.executions.logs import Line
from contender.studio.charts.chart import Chart, Series
from contender.studio.charts.lines import lines
from contender.studio.reading.jobs import Work
from contender.studio.reading.step import LINES_READ

TAB = "#011"


def curve(work: Work | None, said: Sequence[Line]) -> Chart | None:
    """The metrics of a training as its log tells them, found as SageMaker finds them; None where there are too few."""
    if work is None or not work.patterns:
        return None
    rows = [row for name, pattern in work.patterns.items() for row in _values(name, pattern, said)]
    if len(rows) <= len(work.patterns):
        return None
    about = "Each time the log told it." if len(said) < LINES_READ else f"In the last {LINES_READ} lines of the log."
    return lines(
        "curve",
        "Metrics over the training",
        Series(rows, "time", "value", "metric"),
        x_title="told",
        y_title="value",
        about=about,
    )


def _values(name: str, pattern: str, said: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Patterns of SageMaker's own algorithms expect a tab as it stands in their logs on AWS: #011."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return
    count = 0
    for line in said:
        found = compiled.search(line.text.replace("\t", TAB))
        try:
            value = float(found[1].partition(TAB)[0]) if found else None
        except (IndexError, ValueError):
            continue
        if value is not None:
            count += 1
            yield {"time": count, "metric": name, "value": value}
