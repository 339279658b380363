"""Model Monitor's constraints.json: what has to hold of data, column by column, or of a model, metric by metric.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.studio.reports.report import Report, Table

FEW = 12
"""Values of a domain that are named."""
SIGNS = {"LessThanThreshold": "at least", "GreaterThanThreshold": "at most"}
"""The operator says what is a violation."""


def report(document: Mapping[str, Any]) -> Report:
    if "features" in document:
        rows = tuple(_feature(feature) for feature in document["features"])
        table = Table("Columns", ("Column", "Type", "Completeness", "Values"), rows)
        return Report("Constraints of the data", (table,))
    tables = tuple(
        Table(
            name.removesuffix("_constraints").replace("_", " ").capitalize(),
            ("Metric", "Has to be", "Limit"),
            tuple((metric, _sign(said), said.get("threshold")) for metric, said in found.items()),
        )
        for name, found in document.items()
        if name.endswith("_constraints")
    )
    if not tables:
        raise KeyError("constraints of neither data nor a model")
    return Report("Constraints of the model", tables)


def _feature(feature: Mapping[str, Any]) -> tuple[Any, ...]:
    allowed = []
    if feature.get("num_constraints", {}).get("is_non_negative"):
        allowed.append("not negative")
    if domain := feature.get("string_constraints", {}).get("domains"):
        more = f" and {len(domain) - FEW} more" if len(domain) > FEW else ""
        allowed.append(f"{', '.join(map(str, domain[:FEW]))}{more}")
    return feature["name"], feature.get("inferred_type", ""), feature.get("completeness"), "; ".join(allowed)


def _sign(said: Mapping[str, Any]) -> str:
    operator = str(said.get("comparison_operator", ""))
    return SIGNS.get(operator, operator)
