"""The pipeline's evaluation.json: challenger beside champion on the same rows, and what each rule of the gate says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender import evaluation
from contender.studio.formats import number
from contender.studio.reports.report import Report, Table


def report(document: Mapping[str, Any]) -> Report:
    measured = evaluation.figures(document)
    challenger, champion = document["binary_classification_metrics"], document.get("champion") or {}
    version = champion.get("version")
    against = f"Champion v{version}" if version else "Champion"
    rows = tuple(
        (
            name,
            found["value"],
            found.get("standard_deviation"),
            measured.get(f"champion.{name}"),
            measured.get(f"difference.{name}"),
        )
        for name, found in challenger.items()
        if "value" in found  # the confusion matrix and the curve stand on the version's page
    )
    tables = [Table("Metrics", ("Metric", "Challenger", "Standard deviation", against, "Difference"), rows)]
    if gate := document.get("gate"):
        tables.insert(0, _rules(gate))
    count = document.get("dataset", {}).get("item_count")
    held_out = f"On {number(count)} held-out rows." if count is not None else ""
    said = str((document.get("gate") or {}).get("reason", ""))
    return Report("Evaluation and gate", tuple(tables), about=" ".join(filter(None, (held_out, said))))


def _rules(gate: Mapping[str, Any]) -> Table:
    rows = tuple(
        (name, str(rule["verdict"]), rule.get("figure"), rule.get("limit"), str(rule.get("sentence", "")))
        for name, rule in gate["rules"].items()
    )
    return Table("Rules of the gate", ("Rule", "Verdict", "Figure", "Limit", "Why"), rows, verdicts=1)
