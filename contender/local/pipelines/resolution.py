"""What an expression stands for when its step starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contender.local.pipelines.expressions import (
    ExecutionRef,
    ExpressionError,
    ItemRef,
    Join,
    JsonGet,
    JsonGetUri,
    Operand,
    ParameterRef,
    Primitive,
    PropertyFileRef,
    StepRef,
    is_expression,
    parse,
    show,
)
from contender.local.pipelines.paths import Path, PathError, follow
from contender.local.pipelines.paths import show as show_path


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions of one step can see when it starts.

    `outputs` holds what finished steps put out; `property_file_uri` says where a step left a property file;
    `read_json` reads a document from S3. Both raise ExpressionError. `item` is the iteration's, inside a ForEachBody.
    """

    parameters: Mapping[str, Primitive]
    execution: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Any]]
    property_file_uri: Callable[[PropertyFileRef], str]
    read_json: Callable[[str], Any]
    item: Any = None


def resolve(value: Any, scope: Scope, where: str = "") -> Any:
    """`value` with every expression replaced by what it stands for. Raises ExpressionError, naming the place."""
    if is_expression(value):
        try:
            return _value(parse(value), scope)
        except (ExpressionError, PathError) as error:
            shown = "" if isinstance(error, ExpressionError) and show(value) in str(error) else f"{show(value)}: "
            raise ExpressionError(f"{where}: {shown}{error}" if where else f"{shown}{error}") from error
    if isinstance(value, dict):
        return {key: resolve(item, scope, f"{where}.{key}" if where else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, scope, f"{where}[{index}]") for index, item in enumerate(value)]
    return value


def as_text(value: Any) -> str:
    """A value inside a joined string, as AWS writes it: true, not True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str | int | float):
        return str(value)
    raise ExpressionError(f"a {_json_type(value)} cannot be part of a Std:Join")


def _value(expression: Operand, scope: Scope) -> Any:
    match expression:
        case ParameterRef(name):
            return _look_up(scope.parameters, name, "the parameter")
        case ExecutionRef(name):
            return scope.execution[name]
        case StepRef(step, path):
            return follow(_look_up(scope.outputs, step, "the output of the step"), path)
        case ItemRef(path):
            return _item_value(scope.item, path)
        case Join(on, values):
            return on.join(as_text(_value(item, scope)) for item in values)
        case JsonGet(file, path):
            return _read(scope.property_file_uri(file), path, scope)
        case JsonGetUri(uri, path):
            return _read(as_text(_value(uri, scope)), path, scope)
    return expression


def _item_value(item: Any, path: Path) -> Any:
    """An item, or a field of one that is a JSON object or the text of one. Raises ExpressionError and PathError."""
    if not path:
        return json.dumps(item) if isinstance(item, dict) else item
    try:
        fields = json.loads(item) if isinstance(item, str) else item
    except ValueError:
        fields = item
    if not isinstance(fields, dict):
        raise ExpressionError(f"the item {show(item)} is not a JSON object, so it has no field {show_path(path)}")
    return follow(fields, path)


def _read(uri: str, path: Path, scope: Scope) -> Any:
    document = scope.read_json(uri)
    try:
        found = follow(document, path)
    except PathError as error:
        raise ExpressionError(f"{uri}: {error}") from error
    if isinstance(found, dict | list) or found is None:
        raise ExpressionError(f"{uri}: the value is a {_json_type(found)}, not a text, number or truth value")
    return found


def _look_up(values: Mapping[str, Any], name: str, what: str) -> Any:
    try:
        return values[name]
    except KeyError:
        raise ExpressionError(f"{what} {name} is not there") from None


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    return "JSON object" if isinstance(value, dict) else type(value).__name__
