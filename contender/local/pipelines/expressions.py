"""Expressions of a pipeline definition: Get, Std:Join and Std:JsonGet; resolution.py says what they stand for.

{"Get": "Parameters.N"}                              the parameter, in its own type
{"Get": "Execution.PipelineExecutionId"}
{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}    a field of the Describe* answer
{"Get": "ForEach.CurrentItem.name"}                  inside a ForEachBody: the item, or a field of it
{"Std:Join": {"On": "/", "Values": [...]}}           always a string
{"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "a.b[0]"}}
{"Std:JsonGet": {"S3Uri": ..., "Path": "Result"}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contender.local.pipelines.paths import Path, PathError, parse_path

Primitive = str | int | float | bool

EXECUTION_VARIABLES = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
)
ITEM = re.compile(r"CurrentItem((?:[.\[].+)?)")
FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")


class ExpressionError(Exception):
    """An expression that cannot be read or resolved; the message holds the expression."""


@dataclass(frozen=True, slots=True)
class ParameterRef:
    name: str


@dataclass(frozen=True, slots=True)
class ExecutionRef:
    name: str


@dataclass(frozen=True, slots=True)
class StepRef:
    """A field of what a step put out."""

    step: str
    path: Path


@dataclass(frozen=True, slots=True)
class ItemRef:
    """The item of the iteration; an empty path is the whole of it."""

    path: Path


@dataclass(frozen=True, slots=True)
class PropertyFileRef:
    step: str
    name: str


@dataclass(frozen=True, slots=True)
class Join:
    on: str
    values: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class JsonGet:
    """A value in a property file."""

    file: PropertyFileRef
    path: Path


@dataclass(frozen=True, slots=True)
class JsonGetUri:
    """A value in any JSON document on S3."""

    uri: Operand
    path: Path


Get = ParameterRef | ExecutionRef | StepRef | ItemRef
Reference = Get | PropertyFileRef
Expression = Get | Join | JsonGet | JsonGetUri
Operand = Expression | Primitive


def is_expression(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def parse(value: dict[str, Any]) -> Expression:
    """Read one expression. Raises ExpressionError."""
    try:
        return _parse(value)
    except PathError as error:
        raise ExpressionError(f"{show(value)}: {error}") from error


def find(value: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every outermost expression inside a JSON value, each with its place, such as `Environment.MODE`."""
    if is_expression(value):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, f"{where}[{index}]")


def references(expression: Operand) -> Iterator[Reference]:
    """Everything an expression looks at, through joins and JSON documents."""
    match expression:
        case ParameterRef() | ExecutionRef() | StepRef() | ItemRef():
            yield expression
        case Join(values=values):
            for value in values:
                yield from references(value)
        case JsonGet(file=file):
            yield file
        case JsonGetUri(uri=uri):
            yield from references(uri)


def show(value: Any) -> str:
    return json.dumps(value)


def _parse(value: dict[str, Any]) -> Expression:
    function, body = next(iter(value.items()))
    if function == "Get":
        return _parse_get(value, body)
    if not isinstance(body, dict):
        raise ExpressionError(f"{show(value)}: {function} takes an object")
    return _parse_join(value, body) if function == "Std:Join" else _parse_json_get(value, body)


def _parse_get(value: Any, text: Any) -> Get:
    found = _get_target(value, text)
    if isinstance(found, PropertyFileRef):
        raise ExpressionError(f"{show(value)}: a property file is read by Std:JsonGet, not by Get")
    return found


def _get_target(value: Any, text: Any) -> Reference:
    if not isinstance(text, str):
        raise ExpressionError(f"{show(value)}: Get takes a text such as Parameters.Name")
    namespace, _, rest = text.partition(".")
    if namespace == "Parameters" and rest:
        return ParameterRef(rest)
    if namespace == "Execution" and rest in EXECUTION_VARIABLES:
        return ExecutionRef(rest)
    if namespace == "Execution":
        raise ExpressionError(f"{show(value)}: there is no such variable; known are {', '.join(EXECUTION_VARIABLES)}")
    if namespace == "Steps" and rest:
        step, _, path = rest.partition(".")
        if not path:
            raise ExpressionError(f"{show(value)}: it names the step {step} but no field of it")
        if path.startswith("PropertyFiles."):
            return PropertyFileRef(step, path.removeprefix("PropertyFiles."))
        return StepRef(step, parse_path(path))
    if namespace == "ForEach" and (item := ITEM.fullmatch(rest)):
        return ItemRef(parse_path(item[1]) if item[1] else ())
    if namespace == "IterationOutput":
        raise ExpressionError(f"{show(value)}: IterationOutput is for the Selector.Field of a ForEach step only")
    raise ExpressionError(
        f"{show(value)}: Get reads Parameters.<name>, Execution.<variable>, Steps.<step>.<field> or ForEach.CurrentItem"
    )


def _parse_join(value: Any, body: dict[str, Any]) -> Join:
    on, values = body.get("On", ""), body.get("Values")
    if body.keys() - {"On", "Values"} or not isinstance(on, str) or not isinstance(values, list):
        raise ExpressionError(f"{show(value)}: Std:Join takes a text On and a list Values")
    return Join(on, tuple(_operand(item) for item in values))


def _parse_json_get(value: Any, body: dict[str, Any]) -> JsonGet | JsonGetUri:
    sources = body.keys() - {"Path"}
    if sources not in ({"PropertyFile"}, {"S3Uri"}) or not isinstance(body.get("Path"), str):
        raise ExpressionError(f"{show(value)}: Std:JsonGet takes a text Path and either a PropertyFile or an S3Uri")
    path = parse_path(body["Path"])
    if "S3Uri" in body:
        return JsonGetUri(_operand(body["S3Uri"]), path)
    file = body["PropertyFile"]
    target = _get_target(file, file.get("Get")) if isinstance(file, dict) else None
    if not isinstance(target, PropertyFileRef):
        raise ExpressionError(f"{show(value)}: PropertyFile takes a Get of Steps.<step>.PropertyFiles.<name>")
    return JsonGet(target, path)


def _operand(value: Any) -> Operand:
    if is_expression(value):
        return parse(value)
    if isinstance(value, str | int | float):
        return value
    raise ExpressionError(f"{show(value)} is neither an expression nor a text, number or truth value")
