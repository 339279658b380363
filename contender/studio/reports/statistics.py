"""Model Monitor's statistics.json: of data a row for each column, of a model a row for each metric.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-statistics.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contender.studio.formats import number
from contender.studio.reports.report import Report, Table

NUMBERS = ("mean", "std_dev", "min", "max")


def report(document: Mapping[str, Any]) -> Report:
    rows = document.get("dataset", {}).get("item_count")
    about = f"Of {number(rows)} rows." if rows is not None else ""
    if "features" in document:
        columns = ("Column", "Type", "Present", "Missing", "Distinct", "Mean", "Standard deviation", "Min", "Max")
        found = tuple(_feature(feature) for feature in document["features"])
        return Report("Statistics of the data", (Table("Columns", columns, found),), about=about)
    tables = [table for name, found in document.items() if name.endswith("_metrics") for table in _model(name, found)]
    if not tables:
        raise KeyError("statistics of neither data nor a model")
    return Report("Statistics of the model", tuple(tables), about=about)


def _feature(feature: Mapping[str, Any]) -> tuple[Any, ...]:
    found = feature.get("numerical_statistics") or feature.get("string_statistics") or {}
    common = found.get("common", {})
    return (
        feature["name"],
        feature.get("inferred_type", ""),
        common.get("num_present"),
        common.get("num_missing"),
        found.get("distinct_count"),
        *(found.get(name) for name in NUMBERS),
    )


def _model(name: str, found: Mapping[str, Any]) -> Iterator[Table]:
    title = name.removesuffix("_metrics").replace("_", " ").capitalize()
    measured = [(metric, said) for metric, said in found.items() if isinstance(said, Mapping) and "value" in said]
    rows = tuple((metric, said["value"], _deviation(said.get("standard_deviation"))) for metric, said in measured)
    if any(deviation is not None for _, _, deviation in rows):
        yield Table(title, ("Metric", "Value", "Standard deviation"), rows)
    else:
        yield Table(title, ("Metric", "Value"), tuple((metric, value) for metric, value, _ in rows))
    if matrix := found.get("confusion_matrix"):
        labels = tuple(matrix)
        counts = tuple((actual, *(matrix[actual].get(label) for label in labels)) for actual in labels)
        yield Table("Confusion matrix", ("Actual", *(f"predicted {label}" for label in labels)), counts)


def _deviation(value: Any) -> Any:
    return None if value == "NaN" else value
