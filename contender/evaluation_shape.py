"""Which parts of an evaluation report are as our pipeline writes them.

A version that somebody else registered has a report of somebody else's making: what of it has another shape than ours
is as if it was not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 200
"""Characters of a champion's version, and of why it could not be compared with."""


def ours(report: Any) -> dict[str, Any]:
    """The parts of a report that have the shape of ours."""
    found = dict(_mapping(report))
    for name, shaped in PARTS.items():
        if name in found:
            found[name] = shaped(_mapping(found[name]))
    return found


def _model(found: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in found.items():
        if name in ("version", "problem"):
            kept[name] = "" if value is None else str(value)[:LONGEST]
        elif name in SHAPES:
            if SHAPES[name](value):
                kept[name] = value
        elif _is_number(_mapping(value).get("value")):
            deviation = value.get("standard_deviation")
            kept[name] = {**value, "standard_deviation": deviation if _is_number(deviation) else None}
    return kept


def _champion(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = _model(found)
    return {"version": "", **kept} if kept else {}


def _gate(found: Mapping[str, Any]) -> dict[str, Any]:
    rules = {name: _mapping(rule) for name, rule in _mapping(found.get("rules")).items()}
    return {
        **found,
        "passed": found.get("passed") is True,
        "reason": str(found.get("reason", "")),
        "rules": {
            name: {
                **rule,
                **{key: str(rule.get(key, "")) for key in ("verdict", "sentence")},
                **{key: rule[key] for key in ("figure", "limit") if _is_number(rule.get(key))},
            }
            for name, rule in rules.items()
        },
    }


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if _is_number(value)}


def _difference(found: Mapping[str, Any]) -> dict[str, Any]:
    numbers = _numbers(found)
    return {**dict.fromkeys(("auc", "lower", "upper", "p_value", "confidence")), **numbers} if numbers else {}


def _is_matrix(found: Any) -> bool:
    return isinstance(found, Mapping) and all(
        isinstance(row, Mapping) and all(map(_is_number, row.values())) for row in found.values()
    )


def _is_curve(found: Any) -> bool:
    if not isinstance(found, Mapping):
        return False
    rates = [found.get(name, ()) for name in ("false_positive_rates", "true_positive_rates")]
    return all(isinstance(each, list | tuple) and all(map(_is_number, each)) for each in rates)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


PARTS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "dataset": _numbers,
    "binary_classification_metrics": _model,
    "champion": _champion,
    "difference": _difference,
    "gate": _gate,
}
SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "confusion_matrix": _is_matrix,
    "receiver_operating_characteristic_curve": _is_curve,
}
"""Of what has no single value."""
