"""Which files are reports that can be told, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from contender.studio.reports import analysis, constraints, evaluation, statistics, violations
from contender.studio.reports.report import Report

KNOWN: Mapping[str, Callable[[Mapping[str, Any]], Report]] = {
    "evaluation.json": evaluation.report,
    "constraint_violations.json": violations.report,
    "analysis.json": analysis.report,
    "statistics.json": statistics.report,
    "constraints.json": constraints.report,
}
"""What says most comes first."""


def told(path: str, text: str) -> Report | None:
    """The report that a file holds; None for a file of another kind, or of another shape than its name promises."""
    tell = KNOWN.get(path.rpartition("/")[2])
    if tell is None:
        return None
    try:
        return tell(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
