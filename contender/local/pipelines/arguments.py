"""A step's arguments against the shape of the request they become, before anything runs.

Expressions stand in the arguments where values will be: each is checked by its own type (an Integer parameter fits an
integer field, not a text) and then replaced by a placeholder that the shape accepts, so that everything else is judged
as the service will judge it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape

from contender.local.api.protocol import shape_problems
from contender.local.pipelines.expressions import is_expression

PLACEHOLDER = "an-expression"

# What an expression may be, by the type of the field it stands in. "Any" is known only when it is resolved.
ACCEPTED: dict[str, tuple[str, ...]] = {
    "string": ("String", "Timestamp"),
    "integer": ("Integer",),
    "long": ("Integer",),
    "float": ("Float", "Integer"),
    "double": ("Float", "Integer"),
    "boolean": ("Boolean",),
    "timestamp": ("Timestamp", "String"),
    "list": ("List",),
    "map": ("Map",),
    "structure": ("Structure",),
}
VALUE_TYPES = {
    "string": "String",
    "integer": "Integer",
    "long": "Integer",
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
    "timestamp": "Timestamp",
    "list": "List",
    "map": "Map",
    "structure": "Structure",
}

TypeOf = Callable[[dict[str, Any]], str]


def check(shape: Shape, arguments: dict[str, Any], type_of: TypeOf) -> list[str]:
    """What the service would refuse, one line a problem."""
    problems: list[str] = []
    filled = _fill(shape, arguments, type_of, "Arguments", problems)
    return problems + [line for line in shape_problems(shape, filled) if PLACEHOLDER not in line]


def without_nulls(value: Any) -> Any:
    """JSON's null means that a field is not given."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _fill(shape: Shape, value: Any, type_of: TypeOf, where: str, problems: list[str]) -> Any:
    if is_expression(value):
        actual = type_of(value)
        accepted = ACCEPTED.get(shape.type_name, ())
        if actual != "Any" and accepted and actual not in accepted:
            taken = VALUE_TYPES[shape.type_name]
            problems.append(f"{where}: the expression is of type {actual}, the field takes {taken}")
        elif actual == "Any" and shape.type_name in ("list", "map", "structure"):
            problems.append(f"{where}: an expression cannot stand for a whole {VALUE_TYPES[shape.type_name]}")
        return _placeholder(shape, PLACEHOLDER)
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _fill(shape.members[name], item, type_of, f"{where}.{name}", problems)
            if name in shape.members
            else item
            for name, item in value.items()
        }
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _fill(shape.value, item, type_of, f"{where}.{key}", problems) for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_fill(shape.member, item, type_of, f"{where}[{i}]", problems) for i, item in enumerate(value)]
    return value


def _placeholder(shape: Shape, text: str) -> Any:
    """The least value the shape accepts; a text is recognisable, so that complaints about it can be dropped."""
    least = shape.metadata.get("min", 0)
    match shape.type_name:
        case "string":
            return text.ljust(least, "-")
        case "integer" | "long":
            return max(least, 1)
        case "float" | "double":
            return float(max(least, 1))
        case "boolean":
            return True
        case "timestamp":
            return datetime(2000, 1, 1, tzinfo=UTC)
        case "list":
            return [_placeholder(shape.member, text)] * max(least, 1)
        case "map":
            return {text: _placeholder(shape.value, text)}
        case _:
            return {name: _placeholder(shape.members[name], text) for name in shape.required_members}


def type_at(shapes: list[Shape], path: tuple[str | int, ...]) -> str | None:
    """The type of the field at `path` in any of the answers' shapes; None where no such field is."""
    return next((found for shape in shapes if (found := _type_in(shape, path)) is not None), None)


def _type_in(shape: Shape, path: tuple[str | int, ...]) -> str | None:
    current = shape
    for part in path:
        if current.type_name == "structure" and part in current.members:
            current = current.members[part]
        elif current.type_name == "list":
            current = current.member
        elif current.type_name == "map" and isinstance(part, str):
            current = current.value
        else:
            return None
    return VALUE_TYPES.get(current.type_name, "Any")
