"""Frozen dataclasses as JSON documents and back, exactly: what is read equals what was written.

A field's type says how it is read: dataclasses, tuples, mappings, enums, times, optional values and plain ones. A type
with a shorter form of its own has `to_json` and `from_json`. Floats are written with all their digits, times with
their zone. A document that does not fit says where.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from contender.errors import DataError

T = TypeVar("T")
Read = Callable[[Any, str], Any]


def dumps(value: Any) -> str:
    """The value as one line of JSON; equal values give equal text."""
    return json.dumps(to_json(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def loads(kind: type[T], text: str) -> T:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DataError(f"a {kind.__name__} could not be read, it is no JSON: {error}") from error
    return from_json(kind, document)


def to_json(value: Any) -> Any:
    """Nothing but dicts, lists, text, numbers, booleans and None."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if hasattr(value, "to_json"):
        return value.to_json()
    kind: Any = type(value)
    return {name: to_json(getattr(value, name)) for name in _names(kind)}


def from_json(kind: type[T], document: Any) -> T:
    """The value a document stands for; DataError names the place that does not fit."""
    known: Any = kind
    value: T = _reader(known)(document, kind.__name__)
    return value


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@functools.cache
def _reader(kind: Any) -> Read:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(next(_reader(item) for item in arguments if item is not types.NoneType))
    if origin is tuple:
        return _tuple(tuple(_reader(item) for item in arguments if item is not Ellipsis), Ellipsis in arguments)
    if origin is Mapping:
        return _mapping(arguments[0], _reader(arguments[1]))
    if origin is Literal:
        return _literal(arguments)
    if hasattr(kind, "from_json"):
        return _own(kind)
    if is_dataclass(kind):
        return _record(kind)
    if issubclass(kind, Enum):
        return _converted(str, kind, "one of " + ", ".join(str(item.value) for item in kind))
    if kind is datetime:
        return _converted(str, datetime.fromisoformat, "a time")
    return _plain(kind)


def _own(kind: Any) -> Read:
    def read(document: Any, place: str) -> Any:
        try:
            return kind.from_json(document)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{place} is no {kind.__name__}: {type(error).__name__} {error}") from error

    return read


def _record(kind: Any) -> Read:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    required = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def read(document: Any, place: str) -> Any:
        _expect(dict, document, place)
        if unknown := document.keys() - readers.keys():
            raise DataError(f"{place} has no {min(unknown)!r}: was it written by a newer version?")
        if missing := required - document.keys():
            raise DataError(f"{place} lacks {min(missing)!r}: was it written by an older version?")
        return kind(**{name: readers[name](item, f"{place}.{name}") for name, item in document.items()})

    return read


def _tuple(items: tuple[Read, ...], repeated: bool) -> Read:
    def read(document: Any, place: str) -> Any:
        _expect(list, document, place)
        if not repeated and len(document) != len(items):
            raise DataError(f"{place} has {len(document)} elements: it must have {len(items)}")
        readers = items * len(document) if repeated else items
        return tuple(
            item(element, f"{place}[{index}]")
            for index, (item, element) in enumerate(zip(readers, document, strict=True))
        )

    return read


def _mapping(key: Callable[[str], Any], item: Read) -> Read:
    def read(document: Any, place: str) -> Any:
        _expect(dict, document, place)
        try:
            return {key(name): item(element, f"{place}[{name!r}]") for name, element in document.items()}
        except ValueError as error:
            raise DataError(f"{place} has a key that cannot be read: {error}") from error

    return read


def _optional(inner: Read) -> Read:
    return lambda document, place: None if document is None else inner(document, place)


def _literal(choices: tuple[Any, ...]) -> Read:
    def read(document: Any, place: str) -> Any:
        if document not in choices:
            raise DataError(f"{place} is {document!r}: it must be one of {', '.join(map(str, choices))}")
        return document

    return read


def _converted(source: type, convert: Callable[[Any], Any], what: str) -> Read:
    def read(document: Any, place: str) -> Any:
        _expect(source, document, place)
        try:
            return convert(document)
        except ValueError as error:
            raise DataError(f"{place} is {document!r}: it must be {what}") from error

    return read


def _plain(kind: type) -> Read:
    def read(document: Any, place: str) -> Any:
        if kind is float and isinstance(document, int) and not isinstance(document, bool):
            return float(document)
        _expect(kind, document, place)
        return document

    return read


def _expect(kind: type, document: Any, place: str) -> None:
    if not isinstance(document, kind) or (kind is int and isinstance(document, bool)):
        raise DataError(f"{place} is {document!r}: it must be of type {kind.__name__}")
