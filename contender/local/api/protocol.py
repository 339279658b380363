"""Requests and answers of SageMaker's JSON 1.1 protocol, read and written by botocore's service model.

Nothing is parsed by hand: the shape of the operation says which fields are timestamps, which are required, how long a
name may be. Answers go through the same validation, so a handler that forgets a field fails here and not in a client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from contender.local.api.errors import InternalFailure, UnknownOperation, ValidationException

Json = dict[str, Any]

JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}


class SageMakerModel:
    """botocore's description of SageMaker, or a service beside it: parse a request, validate, serialise an answer."""

    def __init__(self, service: str = "sagemaker") -> None:
        self._name = service

    @cached_property
    def _service(self) -> ServiceModel:
        return botocore.session.get_session().get_service_model(self._name)

    def operation(self, name: str) -> OperationModel:
        """The operation's model; UnknownOperation names an operation that SageMaker itself does not have."""
        if name not in self._service.operation_names:
            raise UnknownOperation(f"SageMaker has no operation {name!r}")
        return self._service.operation_model(name)

    def parse_request(self, operation: OperationModel, body: bytes) -> Json:
        """The request as Python values, with timestamps as aware datetimes.

        Raises:
            ValidationException: not JSON, an unknown field, or a value the operation's shape refuses.
        """
        try:
            raw = json.loads(body or b"{}")
        except ValueError as error:
            raise ValidationException(f"{operation.name}: the request body is not JSON: {error}") from error
        if not isinstance(raw, dict):
            raise ValidationException(f"{operation.name}: the request body is not a JSON object")
        request: Json = _convert(operation.input_shape, raw, _read_timestamp) if operation.input_shape else {}
        self.validate_request(operation, request)
        return request

    def validate_request(self, operation: OperationModel, request: Json) -> None:
        """Refuse a request that breaks the operation's shape: types, required fields, lengths, patterns, enums."""
        problems = shape_problems(operation.input_shape, request)
        if problems:
            raise ValidationException(f"{operation.name}: " + "; ".join(problems))

    def serialise_answer(self, operation: OperationModel, answer: Json) -> bytes:
        """The answer as JSON; an answer that breaks the shape is a defect of ours and says so."""
        shape = operation.output_shape
        if shape is None:
            return b"{}"
        report = ParamValidator().validate(answer, shape)
        if report.has_errors():
            raise InternalFailure(f"{operation.name}: our answer breaks its shape: {report.generate_report()}")
        return json.dumps(_convert(shape, answer, _write_timestamp), default=str).encode()


def shape_problems(shape: Shape | None, value: Any) -> list[str]:
    """What is wrong with `value` by botocore's `shape`, one line a problem, in AWS's manner of speaking.

    botocore's own validator checks types, required fields and lower bounds; enums, patterns and upper bounds are read
    from the same model here, because the service checks them and a client does not.
    """
    if shape is None:
        return []
    report = ParamValidator().validate(value, shape)
    problems = report.generate_report().splitlines() if report.has_errors() else []
    if not problems:
        _check_constraints(shape, value, "", problems)
    return problems


def _check_constraints(shape: Shape, value: Any, path: str, problems: list[str]) -> None:
    if value is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                _check_constraints(member, value[name], f"{path}.{name}" if path else name, problems)
    elif shape.type_name == "list":
        _check_upper_bound(len(value), "items", shape, path, problems)
        for index, item in enumerate(value):
            _check_constraints(shape.member, item, f"{path}[{index}]", problems)
    elif shape.type_name == "map":
        _check_upper_bound(len(value), "entries", shape, path, problems)
        for key, item in value.items():
            _check_constraints(shape.value, item, f"{path}.{key}", problems)
    elif shape.type_name == "string":
        _check_upper_bound(len(value), "characters", shape, path, problems)
        if getattr(shape, "enum", None) and value not in shape.enum:
            problems.append(f"Value {value!r} at {path!r} must be one of {', '.join(shape.enum)}")
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            problems.append(f"Value {value!r} at {path!r} must satisfy the pattern {pattern}")
    elif shape.type_name in ("integer", "long", "float", "double"):
        limit = shape.metadata.get("max")
        if limit is not None and value > limit:
            problems.append(f"Value {value} at {path!r} must be less than or equal to {limit}")


def _check_upper_bound(size: int, unit: str, shape: Shape, path: str, problems: list[str]) -> None:
    limit = shape.metadata.get("max")
    if limit is not None and size > limit:
        problems.append(f"{path!r} has {size} {unit}; at most {limit} are allowed")


def _matches(pattern: str, value: str) -> bool:
    for java, python in JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # a Java pattern that Python's re cannot read: the service checks it, we do not


def _convert(shape: Shape, value: Any, timestamp: Callable[[Any], Any]) -> Any:
    """Walk `value` along `shape` and convert every timestamp; anything that does not fit the shape stays as it is."""
    if value is None:
        return None
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: _convert(members[name], item, timestamp) if name in members else item
            for name, item in value.items()
            if item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_convert(shape.member, item, timestamp) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _convert(shape.value, item, timestamp) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return timestamp(value)
    return value


def _read_timestamp(value: Any) -> Any:
    try:
        parsed: datetime = parse_timestamp(value)
    except ValueError:
        return value  # the validator names the field
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _write_timestamp(value: Any) -> Any:
    return round(value.timestamp(), 3) if isinstance(value, datetime) else value
