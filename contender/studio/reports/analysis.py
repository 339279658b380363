"""Clarify's analysis.json: bias of data and of a model's answers, and which columns its answers come from.

https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contender.studio.charts.bars import bars
from contender.studio.charts.chart import Chart
from contender.studio.reports.report import Report, Table

BIAS = {"pre_training_bias_metrics": "before training", "post_training_bias_metrics": "of the model's answers"}
BALANCED_AT_ONE = ("DI",)
"""Of all metrics a ratio; the others are differences and distances, balanced at 0."""


def report(document: Mapping[str, Any]) -> Report:
    tables = tuple(table for part, when in BIAS.items() if part in document for table in _bias(document[part], when))
    charts = tuple(_importances(document.get("explanations", {}).get("kernel_shap", {})))
    if not tables and not charts:
        raise KeyError("neither bias nor explanations")
    return Report("Explanation" if charts else "Bias", tables, charts)


def _bias(found: Mapping[str, Any], when: str) -> Iterator[Table]:
    label, positive = found.get("label", "label"), found.get("label_value_or_threshold", "")
    for facet, groups in found["facets"].items():
        for group in groups:
            yield Table(
                f"Bias {when}: {facet} = {group['value_or_threshold']}, for {label} = {positive}",
                ("Metric", "Meaning", "Value", "Balanced at", "Note"),
                tuple(_metric(metric) for metric in group["metrics"]),
            )


def _metric(metric: Mapping[str, Any]) -> tuple[Any, ...]:
    name = str(metric["name"])
    balanced = 1 if name in BALANCED_AT_ONE else 0
    return name, str(metric.get("description", "")), metric.get("value"), balanced, str(metric.get("error", ""))


def _importances(shap: Mapping[str, Any]) -> Iterator[Chart]:
    for label, found in shap.items():
        if isinstance(found, Mapping) and "global_shap_values" in found:
            several = f", {label}" if sum("global_shap_values" in each for each in shap.values()) > 1 else ""
            yield bars(
                f"shap-{label}",
                f"Global SHAP values{several}",
                {str(name): float(value) for name, value in found["global_shap_values"].items()},
                name_title="Column",
                value_title="mean |SHAP value|",
                about="How much each column moves the model's answers.",
            )
