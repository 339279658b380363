"""Paths into a JSON value: `A.B['name'][0]`, as Get expressions and JsonGet write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\.?([^.\[\]'\"]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class PathError(ValueError):
    """A path that cannot be read, or that leads nowhere."""


def parse_path(text: str) -> Path:
    """`A.B['x'][0]` → ("A", "B", "x", 0). A leading `$.` is dropped. Raises PathError."""
    rest = text.removeprefix("$").removeprefix(".")
    parts: list[str | int] = []
    position = 0
    while position < len(rest):
        token = _TOKEN.match(rest, position)
        if token is None or (position and token[1] and rest[position] != "."):
            raise PathError(f"{text!r} is not a path such as A.B['name'][0]")
        name, index, single, double = token.groups()
        parts.append(int(index) if index is not None else next(p for p in (name, single, double) if p is not None))
        position = token.end()
    if not parts:
        raise PathError(f"{text!r} is not a path such as A.B['name'][0]")
    return tuple(parts)


def follow(value: Any, path: Path) -> Any:
    """The value at `path`; a text on a list picks the member of that name (`Outputs['train']`). Raises PathError."""
    current = value
    for depth, part in enumerate(path):
        found = _member(current, part)
        if found is _NOTHING:
            raise PathError(_nowhere(current, part, path[:depth]))
        current = found
    return current


_NOTHING = object()


def _member(value: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else _NOTHING
    if isinstance(value, Mapping):
        return value.get(part, _NOTHING)
    if isinstance(value, list):
        return next((item for item in value if isinstance(item, Mapping) and _is_named(item, part)), _NOTHING)
    return _NOTHING


def _is_named(item: Mapping[str, Any], name: str) -> bool:
    """AWS keys its lists by the member's own name field: OutputName, InputName, ChannelName, VariantName."""
    return any(value == name for key, value in item.items() if key.endswith("Name"))


def _nowhere(value: Any, part: str | int, before: Path) -> str:
    place = show(before) or "the top"
    if isinstance(value, Mapping):
        return f"there is no {part!r} at {place}; it has {', '.join(sorted(map(str, value))) or 'nothing'}"
    if isinstance(value, list):
        return f"there is no {part!r} at {place}, a list of {len(value)}"
    return f"there is no {part!r} at {place}, which is a {type(value).__name__}"


def show(path: Path) -> str:
    """The path as text again."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"['{part}']"
    return text
