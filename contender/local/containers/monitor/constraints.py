"""constraints.json: what a dataset like the baseline must satisfy, suggested from the baseline's statistics.

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html. The thresholds are those that AWS's image
suggests: every value must have its column's type and domain; the distributions may lie 0.1 apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from contender.local.containers.monitor.columns import InferredType
from contender.local.containers.monitor.documents import Document
from contender.local.containers.monitor.statistics import VERSION, Feature, Statistics

MOST_DOMAIN_VALUES = 120
"""deequ's bound for columns of low cardinality."""
MOST_SINGLE_VALUES = 0.1
"""deequ suggests no domain where more than a tenth of the categories were seen only once: more will come."""


@dataclass(frozen=True, slots=True)
class Monitoring:
    """The `monitoring_config` of a constraints file, or of one feature in it."""

    evaluate_constraints: bool = True
    emit_metrics: bool = True
    datatype_check_threshold: float = 1.0
    domain_content_threshold: float = 1.0
    perform_comparison: bool = True
    comparison_threshold: float = 0.1
    comparison_method: str = "Robust"
    categorical_comparison_threshold: float = 0.1
    categorical_drift_method: str = "LInfinity"

    def document(self) -> Document:
        return {
            "evaluate_constraints": _switch(self.evaluate_constraints),
            "emit_metrics": _switch(self.emit_metrics),
            "datatype_check_threshold": self.datatype_check_threshold,
            "domain_content_threshold": self.domain_content_threshold,
            "distribution_constraints": {
                "perform_comparison": _switch(self.perform_comparison),
                "comparison_threshold": self.comparison_threshold,
                "comparison_method": self.comparison_method,
                "categorical_comparison_threshold": self.categorical_comparison_threshold,
                "categorical_drift_method": self.categorical_drift_method,
            },
        }

    def changed(self, document: Mapping[str, Any]) -> Monitoring:
        """With what `document` says instead; `categorical_comparison_threshold` follows the numbers' threshold."""
        flat = {**document, **document.get("distribution_constraints", {})}
        if "comparison_threshold" in flat:
            flat.setdefault("categorical_comparison_threshold", flat["comparison_threshold"])
        known: dict[str, Any] = {}
        for field in fields(self):
            old = getattr(self, field.name)
            new = flat.get(field.name, old)
            known[field.name] = new in (True, "Enabled") if isinstance(old, bool) else type(old)(new)
        return Monitoring(**known)


@dataclass(frozen=True, slots=True)
class FeatureConstraints:
    """What is asked of one column; None asks nothing."""

    name: str
    inferred_type: InferredType
    completeness: float | None
    is_non_negative: bool
    domain: tuple[str, ...] | None
    monitoring: Monitoring

    def document(self) -> Document:
        written: Document = {"name": self.name, "inferred_type": self.inferred_type, "completeness": self.completeness}
        if self.inferred_type in ("Integral", "Fractional"):
            written["num_constraints"] = {"is_non_negative": self.is_non_negative}
        if self.domain is not None:
            written["string_constraints"] = {"domains": list(self.domain)}
        return written


@dataclass(frozen=True, slots=True)
class Constraints:
    """The constraints file."""

    features: tuple[FeatureConstraints, ...]
    monitoring: Monitoring

    def document(self) -> Document:
        return {
            "version": VERSION,
            "features": [feature.document() for feature in self.features],
            "monitoring_config": self.monitoring.document(),
        }

    def without(self, names: Collection[str]) -> Constraints:
        """Nothing is asked of the columns with these names."""
        return Constraints(tuple(each for each in self.features if each.name not in names), self.monitoring)

    @classmethod
    def from_document(cls, document: Document) -> Constraints:
        """Raises KeyError, TypeError or ValueError for what is not the file that AWS describes."""
        monitoring = Monitoring().changed(document.get("monitoring_config", {}))
        return cls(tuple(_read(feature, monitoring) for feature in document["features"]), monitoring)


def suggest(statistics: Statistics, categorical_drift_method: str) -> Constraints:
    monitoring = Monitoring(categorical_drift_method=categorical_drift_method)
    return Constraints(
        tuple(
            FeatureConstraints(
                name=feature.name,
                inferred_type=feature.inferred_type,
                completeness=feature.completeness,
                is_non_negative=feature.numbers is not None and feature.numbers.low >= 0,
                domain=_domain(feature),
                monitoring=monitoring,
            )
            for feature in statistics.features
        ),
        monitoring,
    )


def _domain(feature: Feature) -> tuple[str, ...] | None:
    if feature.inferred_type != "String" or feature.texts is None or feature.texts.other:
        return None
    counts = feature.texts.counts
    single = sum(count == 1 for count in counts.values())
    if len(counts) > MOST_DOMAIN_VALUES or single > MOST_SINGLE_VALUES * len(counts):
        return None
    return tuple(sorted(counts))


def _read(written: Document, monitoring: Monitoring) -> FeatureConstraints:
    completeness = written.get("completeness")
    domains = written.get("string_constraints", {}).get("domains")
    return FeatureConstraints(
        name=written["name"],
        inferred_type=written["inferred_type"],
        completeness=None if completeness is None else float(completeness),
        is_non_negative=bool(written.get("num_constraints", {}).get("is_non_negative", False)),
        domain=None if domains is None else tuple(map(str, domains)),
        monitoring=monitoring.changed(written.get("monitoringConfigOverrides") or {}),
    )


def _switch(on: bool) -> str:
    return "Enabled" if on else "Disabled"
