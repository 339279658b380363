"""What differs between two JSON values, as paths; elements of a list go by their names where they have some.

{"Inputs": [{"InputName": "test", "Uri": "a"}]}  and the same with "b"  →  ("Inputs", "[test]", "Uri"): "a" → "b"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

from contender.pipeline.definitions.words import canonical, is_expression


class Absent(Enum):
    """Stands where one of the two has nothing; None is a value of JSON."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
ORDER = "[order]"
"""Last part of a path when the same elements stand in another order."""

Path = tuple[str, ...]

_NAMES = ("Name", "InputName", "OutputName", "ChannelName", "PropertyFileName", "MetricName", "ExceptionType", "Key")
_FLAG = re.compile(r"(--?[A-Za-z][\w.-]*)=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place, and what stands there before and after."""

    path: Path
    before: Any
    after: Any


def same(before: Any, after: Any) -> bool:
    """Whether both are one JSON value; `1`, `1.0` and `true` are three."""
    if before is ABSENT or after is ABSENT:
        return before is after
    return canonical(before) == canonical(after)


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Every place where the two differ, as deep down as it can be told; none only if they are the same."""
    if same(before, after):
        return
    if (
        isinstance(before, Mapping)
        and isinstance(after, Mapping)
        and not (is_expression(before) or is_expression(after))
    ):
        for key in dict.fromkeys([*before, *after]):
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    else:
        yield Difference(path, before, after)


def _lists(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        yield from _unnamed(before, after, path)
        return
    for name in dict.fromkeys([*old, *new]):
        yield from differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, f"[{name}]"))
    kept = [[name for name in names if name in other] for names, other in ((old, new), (new, old))]
    if kept[0] != kept[1]:
        yield Difference((*path, ORDER), list(old), list(new))


def _unnamed(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, [canonical(each) for each in before], [canonical(each) for each in after], False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = min(b - a, d - c)
        for index in range(pairs):
            yield from differences(before[a + index], after[c + index], (*path, f"[{a + index + 1}]"))
        for index in range(a + pairs, b):
            yield Difference((*path, f"[{index + 1}]"), before[index], ABSENT)
        for index in range(c + pairs, d):
            yield Difference((*path, f"[{index + 1}]"), ABSENT, after[index])


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """The elements by name; None where one has no name or two have the same."""
    named = {_name(item): item for item in items}
    return None if None in named or len(named) != len(items) else {str(name): item for name, item in named.items()}


def _name(item: Any) -> str | None:
    """What identifies an element: its name, its flag on a command line, or what it is a retry of."""
    if isinstance(item, str):
        return found[1] if (found := _FLAG.fullmatch(item)) else None
    if not isinstance(item, Mapping):
        return None
    if is_expression(item):
        join = item.get("Std:Join")
        first = (
            join["Values"][0] if isinstance(join, Mapping) and join.get("On") == "=" and join.get("Values") else None
        )
        return first if isinstance(first, str) and first.startswith("-") else None
    for key in _NAMES:
        name = item.get(key)
        if isinstance(name, str):
            return name
        if isinstance(name, list) and all(isinstance(each, str) for each in name):
            return ", ".join(name)
    return None
