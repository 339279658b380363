"""The JSON files that the image reads and writes: numbers that JSON has not are quoted, as AWS's writer does."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from contender.local.containers.monitor.errors import MonitorError

Document = dict[str, Any]
Value = TypeVar("Value")

NUMBERS = re.compile(r"\[\n[\s0-9eE.,+-]+\]")
"""A list of numbers over several lines; no string of JSON holds a line's end."""


def number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def read_number(value: float | str) -> float:
    return float(value)


def write(path: Path, document: Document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    text = NUMBERS.sub(lambda found: "[" + " ".join(found[0][1:-1].split()) + "]", text)
    path.write_text(text + "\n", encoding="utf-8")


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
