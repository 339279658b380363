"""The JSON files that the image reads and writes: numbers that JSON has not are quoted, as AWS's writer does."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from contender.local.containers.monitor.errors import MonitorError

Document = dict[str, Any]
Value = TypeVar("Value")

ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def read_number(value: float | str) -> float:
    return float(value)


def write(path: Path, document: Document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_indented(document) + "\n", encoding="utf-8")


def _indented(value: Any, margin: str = "\n") -> str:
    """As `json.dumps(value, indent=2)`, but with lists of single values on one line, which takes a tenth of the time:
    sketches are thousands of numbers a column, and the library has no fast way to indent."""
    inner = f"{margin}  "
    if isinstance(value, dict) and value:
        entries = (f"{ENCODER.encode(name)}: {_indented(each, inner)}" for name, each in value.items())
        return f"{{{inner}{f',{inner}'.join(entries)}{margin}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return f"[{inner}{f',{inner}'.join(_indented(each, inner) for each in value)}{margin}]"
    return ENCODER.encode(value)


def read(path: Path, what: str, parse: Callable[[Document], Value]) -> Value:
    """`parse` of the file at `path`; `what` it is goes into the error.

    Raises:
        MonitorError: there is no such file, or it is not one.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise MonitorError(f"there is no {what} at {path}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MonitorError(f"{path} is not a {what}: {type(error).__name__}: {error}") from error
