"""Compares an analysis with the baseline's: which bias grew, which features changed their rank.

Rules and file: AWS's pages "Bias drift violations" and "Feature attribution drift violations". A bias metric is
violated when it lies farther from balance than the baseline's; balance is 0, and 1 for the ratio DI. Attributions are
violated when the NDCG of their ranking, with the baseline's attributions as gains, is below 0.90.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import ndcg_score

from contender.local.containers.clarify.errors import ClarifyError

BIAS_CHECK = "bias_drift_check"
ATTRIBUTION_CHECK = "feature_attribution_drift_check"
NDCG_THRESHOLD = 0.90
BIAS_SECTIONS = ("pre_training_bias_metrics", "post_training_bias_metrics")
RATIOS = ("DI",)
NOISE = 1e-9
"""Sums of floating-point numbers in another order are no drift."""

MOST_MOVES = 5

Analysis = Mapping[str, Any]
Violation = dict[str, str]


def load_baseline(path: Path) -> Analysis:
    """Raises ClarifyError."""
    try:
        baseline = json.loads(path.read_bytes())
    except OSError as error:
        raise ClarifyError(f"the baseline {path.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ClarifyError(f"the baseline {path.name} is not JSON: {error}") from error
    if not isinstance(baseline, dict) or not any(name in baseline for name in (*BIAS_SECTIONS, "explanations")):
        raise ClarifyError(f"the baseline {path.name} is no analysis.json of Clarify: it has no metrics")
    return baseline


def violations(analysis: Analysis, baseline: Analysis) -> dict[str, Any]:
    """The content of constraint_violations.json. Raises ClarifyError where the baseline is of another analysis."""
    found = [violation for section in BIAS_SECTIONS for violation in _bias(section, analysis, baseline)]
    return {"version": "1.0", "violations": [*found, *_attributions(analysis, baseline)]}


def _bias(section: str, analysis: Analysis, baseline: Analysis) -> Iterator[Violation]:
    if section not in analysis:
        return
    then = baseline.get(section)
    if then is None:
        raise ClarifyError(f"the baseline has no {section} to compare with: register a new baseline")
    now = analysis[section]
    label, positive = now["label"], now["label_value_or_threshold"]
    if then.get("label") != label or not _same_values(str(then.get("label_value_or_threshold")), positive):
        raise ClarifyError(
            f"the baseline's bias metrics are of the label {then.get('label')!r} = "
            f"{then.get('label_value_or_threshold')}, not of {label!r} = {positive}: register a new baseline"
        )
    for facet, groups in now["facets"].items():
        for group in groups:
            value = group["value_or_threshold"]
            known = _metrics_of(then, facet, value)
            if known is None:
                raise ClarifyError(
                    f"the baseline has no bias metrics of the facet {facet!r} = {value}: register a new baseline"
                )
            for metric in group["metrics"]:
                if words := _worse(metric, known.get(metric["name"]), f"of the facet {facet!r} = {value}"):
                    yield {
                        "facet": facet,
                        "facet_value": value,
                        "metric_name": metric["name"],
                        "constraint_check_type": BIAS_CHECK,
                        "description": words,
                    }


def _metrics_of(section: Analysis, facet: str, value: str) -> dict[str, Any] | None:
    for group in section.get("facets", {}).get(facet, ()):
        if _same_values(str(group.get("value_or_threshold")), value):
            return {metric["name"]: metric for metric in group.get("metrics", ())}
    return None


def _same_values(one: str, other: str) -> bool:
    """An interval's upper end is only the highest number that happened to be there."""
    if one.startswith("(") and other.startswith("("):
        return one.partition(",")[0] == other.partition(",")[0]
    return one == other


def _worse(metric: Analysis, former: Analysis | None, whose: str) -> str:
    """Why the metric violates the baseline; "" if it does not."""
    was = None if former is None else _number(former.get("value"))
    if was is None:
        return ""
    name, now = metric["description"], _number(metric["value"])
    if now is None:
        return f"{name} {whose} was {was:.6g} in the baseline and has no value any more: {metric.get('error', '')}"
    balance = 1.0 if metric["name"] in RATIOS else 0.0
    before, after = abs(was - balance), abs(now - balance)
    if not after > before + NOISE * max(1.0, before):
        return ""
    far = "infinitely far" if math.isinf(after) else f"{after - before:.6g} farther"
    moved = "fell" if now < was else "rose"
    return (
        f"Value {now:.6g} does not meet the constraint requirement: {name} {whose} {moved} from {was:.6g} in the "
        f"baseline to {now:.6g}, {far} from balance ({balance:g})"
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _attributions(analysis: Analysis, baseline: Analysis) -> Iterator[Violation]:
    explained = analysis.get("explanations", {}).get("kernel_shap", {})
    former = baseline.get("explanations", {}).get("kernel_shap", {})
    for label, section in explained.items():
        if label not in former:
            raise ClarifyError(f"the baseline has no SHAP values of {label!r} to compare with: register a new baseline")
        then, now = former[label]["global_shap_values"], section["global_shap_values"]
        score = ndcg(then, now)
        if score < NDCG_THRESHOLD:
            yield {
                "label": label,
                "metric_name": "shap",
                "constraint_check_type": ATTRIBUTION_CHECK,
                "description": f"Feature attribution drift {score:.6g} exceeds threshold {NDCG_THRESHOLD:g}: "
                f"{_moves(then, now)}",
            }


def ndcg(then: Mapping[str, float], now: Mapping[str, float]) -> float:
    """1 for the baseline's ranking. A feature that only one of them has adds nothing in the other."""
    names = sorted(then.keys() | now.keys())
    if len(names) < 2:
        return 1.0
    gains = np.abs([[then.get(name, 0.0) for name in names]])
    scores = np.abs([[now.get(name, 0.0) for name in names]])
    return float(ndcg_score(gains, scores)) if gains.any() else 1.0


def _moves(then: Mapping[str, float], now: Mapping[str, float]) -> str:
    before, after = _ranks(then), _ranks(now)
    last = len(before) + len(after)

    def weight(name: str) -> tuple[int, int]:
        """What mattered most, then or now, comes first: its move weighs most in the score."""
        return min(before.get(name, last), after.get(name, last)), before.get(name, last)

    words = []
    for name in sorted(sorted(before.keys() | after.keys()), key=weight):
        was, rank = before.get(name), after.get(name)
        if was is None:
            words.append(f"{name!r} is new at rank {rank}")
        elif rank is None:
            words.append(f"{name!r} (rank {was}) is gone")
        elif was != rank:
            moved = "fell" if rank > was else "rose"
            words.append(f"{name!r} {moved} from rank {was} to {rank} ({then[name]:.4g} to {now[name]:.4g})")
    more = len(words) - MOST_MOVES
    return "; ".join(words[:MOST_MOVES]) + (f"; and {more} more" if more > 0 else "")


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    ordered = sorted(values, key=lambda name: (-abs(values[name]), name))
    return {name: rank for rank, name in enumerate(ordered, 1)}
