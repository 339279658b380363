"""What a check found: a row for each constraint that does not hold.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.executions.violations import sentence
from contender.studio.reports.report import Report, Table


def report(document: Mapping[str, Any]) -> Report:
    found = document["violations"]
    rows = tuple((_about(each), str(each.get("constraint_check_type", "")), sentence(each)) for each in found)
    count = f"{len(rows)} constraint{'' if len(rows) == 1 else 's'} violated" if rows else "No constraint is violated"
    table = Table("Violations", ("Of", "Kind", "What was found"), rows, "No constraint is violated.")
    return Report("Violations", (table,), about=f"{count}.")


def _about(violation: Mapping[str, Any]) -> str:
    """The feature or metric that it is of, and the group."""
    metric = violation.get("metric_name")
    if "facet" in violation:
        return f"{metric} of {violation['facet']} = {violation.get('facet_value')}"
    return str(violation.get("feature_name") or metric or violation.get("label") or "")
