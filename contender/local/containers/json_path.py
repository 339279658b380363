"""The part of JSONPath that the filters of batch transform use: `$.name`, `$["name"]`, `$[1]`, `$[1:]`, `$[0,-1]`."""

from __future__ import annotations

import re
from typing import Any

STEP = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<inside>[^\]]+)\]")
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
SLICE = re.compile(r"(-?\d*):(-?\d*)")


class JsonPathError(ValueError):
    """A path that cannot be read, or that leads nowhere in a record."""


def select(path: str, value: Any) -> Any:
    """What `path` selects of `value`. Raises JsonPathError."""
    if not path.startswith("$"):
        raise JsonPathError(f"{path!r} is no JSONPath: it must begin with $")
    position = 1
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            raise JsonPathError(f"{path!r} is a JSONPath this machine cannot read, from {path[position:]!r} on")
        try:
            value = value[step["name"]] if step["name"] else _inside(step["inside"].strip(), value)
        except (KeyError, IndexError, TypeError) as error:
            raise JsonPathError(f"{path!r} selects nothing of {str(value)[:80]}") from error
        position = step.end()
    return value


def _inside(text: str, value: Any) -> Any:
    if found := SLICE.fullmatch(text):
        low, high = (int(end) if end else None for end in found.groups())
        return value[low:high]
    if text == "*":
        return list(value.values()) if isinstance(value, dict) else list(value)
    parts = [part.strip() for part in text.split(",")]
    keys = [_key(part) for part in parts]
    if len(keys) == 1:
        return value[keys[0]]
    return {key: value[key] for key in keys} if isinstance(value, dict) else [value[key] for key in keys]


def _key(part: str) -> str | int:
    if found := QUOTED.fullmatch(part):
        return found[1] if found[1] is not None else found[2]
    try:
        return int(part)
    except ValueError as error:
        raise JsonPathError(f"[{part}] is a step this machine cannot read") from error
