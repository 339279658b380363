"""A pipeline's parameters: declared in its definition, given as text at start, used in their own type."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contender.local.pipelines.expressions import Primitive

MAX_PARAMETERS = 200
TYPES = ("String", "Integer", "Float", "Boolean")

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,256}")


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    default: Primitive | None = None
    enum: tuple[str, ...] = ()


def parse(body: Any) -> tuple[dict[str, Parameter], list[str]]:
    """The Parameters of a definition by name, and what is wrong with them."""
    if not isinstance(body, list):
        return {}, ["Parameters: a list is needed"]
    problems: list[str] = []
    if len(body) > MAX_PARAMETERS:
        problems.append(f"Parameters: {len(body)} are declared; at most {MAX_PARAMETERS} are allowed")
    found: dict[str, Parameter] = {}
    for index, entry in enumerate(body):
        parameter = _parse_one(f"Parameters[{index}]", entry, problems)
        if parameter is None:
            continue
        if parameter.name in found:
            problems.append(f"Parameter {parameter.name!r} is declared twice")
        found[parameter.name] = parameter
    return found, problems


def _parse_one(where: str, entry: Any, problems: list[str]) -> Parameter | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("Name"), str) or not _NAME.fullmatch(entry["Name"]):
        problems.append(f"{where}: Name: 1 to 256 characters of A-Z a-z 0-9 - _ are needed")
        return None
    name, kind = entry["Name"], entry.get("Type")
    if kind not in TYPES:
        problems.append(f"Parameter {name!r}: Type: {kind!r} is not one of {', '.join(TYPES)}")
        return Parameter(name, "Any")
    problems += [
        f"Parameter {name!r}: {field}: there is no such field"
        for field in sorted(entry.keys() - {"Name", "Type", "DefaultValue", "EnumValues", "Description"})
    ]
    default, enum = entry.get("DefaultValue"), entry.get("EnumValues") or []
    if default is not None and not _fits(kind, default):
        problems.append(f"Parameter {name!r}: DefaultValue: {default!r} is not of type {kind}")
    if not isinstance(enum, list) or not all(isinstance(value, str) for value in enum) or (enum and kind != "String"):
        problems.append(f"Parameter {name!r}: EnumValues: a list of texts, for a String parameter, is needed")
        enum = []
    elif enum and default is not None and default not in enum:
        problems.append(f"Parameter {name!r}: DefaultValue: {default!r} is not one of {', '.join(enum)}")
    return Parameter(name, kind, default, tuple(enum))


def assign(
    parameters: Mapping[str, Parameter], given: Sequence[Mapping[str, str]]
) -> tuple[dict[str, Primitive], list[str]]:
    """Every parameter's value for one execution, from `{Name, Value}` pairs and defaults, and what is wrong."""
    problems: list[str] = []
    texts: dict[str, str] = {}
    for pair in given:
        name = pair["Name"]
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            problems.append(f"Parameter {name!r} is not declared by the pipeline; declared: {known}")
        elif name in texts:
            problems.append(f"Parameter {name!r} is given twice")
        texts[name] = pair["Value"]
    values: dict[str, Primitive] = {}
    for name, parameter in parameters.items():
        value = value_of(parameter.type, texts[name]) if name in texts else parameter.default
        if value is None and name in texts:
            problems.append(f"Parameter {name!r}: {texts[name]!r} is not of type {parameter.type}")
        elif value is None:
            problems.append(f"Parameter {name!r} has no default; a value is needed at start")
        elif parameter.enum and value not in parameter.enum:
            problems.append(f"Parameter {name!r}: {value!r} is not one of {', '.join(parameter.enum)}")
        else:
            values[name] = value
    return values, problems


def _fits(kind: str, value: Any) -> bool:
    if kind == "Boolean":
        return isinstance(value, bool)
    if kind == "String":
        return isinstance(value, str)
    numbers = int if kind == "Integer" else (int, float)
    return isinstance(value, numbers) and not isinstance(value, bool)


def value_of(kind: str, text: str) -> Primitive | None:
    """The text as a value of that type, or None."""
    if kind == "String":
        return text
    if kind == "Boolean":
        return {"true": True, "false": False}.get(text.lower())
    try:
        number: int | float = int(text) if kind == "Integer" else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
