"""Condition steps: compare values, and let one of two branches run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contender.local.api.protocol import SageMakerModel
from contender.local.pipelines.definition import Check, Step
from contender.local.pipelines.expressions import is_expression
from contender.local.pipelines.paths import Path
from contender.local.pipelines.steps.runner import Result, Run, StepFailed

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
FIELDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(COMPARISONS, frozenset({"LeftValue", "RightValue"})),
    "In": frozenset({"QueryValue", "Values"}),
    "Not": frozenset({"Condition"}),
    "Or": frozenset({"Conditions"}),
}
# What can be compared with what: a number is a number, whole or not.
FAMILIES = {"String": "text", "Integer": "number", "Float": "number", "Boolean": "truth value", "Timestamp": "text"}


@dataclass(frozen=True, slots=True)
class ConditionStep:
    fields: frozenset[str] = frozenset()

    def problems(self, step: Step, check: Check) -> Iterator[str]:
        for name in sorted(step.arguments.keys() - {"Conditions"}):
            yield f"Arguments.{name}: there is no such field"
        yield from _problems_of_list(step.arguments.get("Conditions"), "Arguments.Conditions", check)

    def output_type(self, step: Step, path: Path, model: SageMakerModel) -> str | None:
        return "Boolean" if path == ("Outcome",) else None

    def run(self, run: Run) -> Result:
        conditions = run.arguments.get("Conditions", [])
        outcome = all(_holds(each, f"Conditions[{index}]") for index, each in enumerate(conditions))
        return Result({"Outcome": outcome}, {"Condition": {"Outcome": str(outcome)}})


def _problems_of_list(conditions: Any, where: str, check: Check) -> Iterator[str]:
    if not isinstance(conditions, list) or not conditions:
        yield f"{where}: a list of at least one condition is needed"
        return
    for index, condition in enumerate(conditions):
        yield from _problems_of(condition, f"{where}[{index}]", check)


def _problems_of(condition: Any, where: str, check: Check) -> Iterator[str]:
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if not isinstance(kind, str) or kind not in FIELDS:
        yield f"{where}: Type: {kind!r} is not one of {', '.join(FIELDS)}"
        return
    given = condition.keys() - {"Type"}
    if given != FIELDS[kind]:
        yield f"{where}: {kind} takes {' and '.join(sorted(FIELDS[kind]))}, not {', '.join(sorted(given)) or 'nothing'}"
    elif kind == "Not":
        yield from _problems_of(condition["Condition"], f"{where}.Condition", check)
    elif kind == "Or":
        yield from _problems_of_list(condition["Conditions"], f"{where}.Conditions", check)
    elif kind == "In":
        if not isinstance(condition["Values"], list) or not condition["Values"]:
            yield f"{where}.Values: a list of at least one value is needed"
            return
        for index, value in enumerate(condition["Values"]):
            yield from _problems_of_pair(
                condition["QueryValue"], value, where, ("QueryValue", f"Values[{index}]"), check
            )
    else:
        names = ("LeftValue", "RightValue")
        yield from _problems_of_pair(condition["LeftValue"], condition["RightValue"], where, names, check)


def _problems_of_pair(left: Any, right: Any, where: str, names: tuple[str, str], check: Check) -> Iterator[str]:
    families = []
    for name, value in zip(names, (left, right), strict=True):
        if is_expression(value):
            families.append(FAMILIES.get(check.type_of(value)))
        elif isinstance(value, str | int | float):
            families.append(_family(value))
        else:
            yield f"{where}.{name}: a text, number, truth value or expression is needed"
            return
    first, second = families
    if first and second and first != second:
        yield f"{where}: {names[0]} is a {first} and {names[1]} a {second}; they cannot be compared"


def _holds(condition: Mapping[str, Any], where: str) -> bool:
    kind = condition["Type"]
    if kind == "Not":
        return not _holds(condition["Condition"], f"{where}.Condition")
    if kind == "Or":
        parts = enumerate(condition["Conditions"])
        return any(_holds(each, f"{where}.Conditions[{index}]") for index, each in parts)
    if kind == "In":
        return any(_compare("Equals", condition["QueryValue"], value, where) for value in condition["Values"])
    return _compare(kind, condition["LeftValue"], condition["RightValue"], where)


def _compare(kind: str, left: Any, right: Any, where: str) -> bool:
    if _family(left) != _family(right):
        raise StepFailed(
            f"{where}: {kind} cannot compare {left!r}, a {_family(left)}, with {right!r}, a {_family(right)}"
        )
    return COMPARISONS[kind](left, right)


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    return "number" if isinstance(value, int | float) else "text"


CONDITION = ConditionStep()
