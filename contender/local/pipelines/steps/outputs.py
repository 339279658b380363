"""OutputParameters of Lambda and Callback steps: declared with a name and a type, read by Get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contender.local.pipelines.paths import Path

MAX_OUTPUTS = 50
TYPES = ("String", "Integer", "Float", "Boolean")


def problems(fields: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the declarations among a step's fields."""
    entries = fields.get("OutputParameters", [])
    if not isinstance(entries, list) or len(entries) > MAX_OUTPUTS:
        yield f"OutputParameters: a list of at most {MAX_OUTPUTS} is needed"
        return
    names = set()
    for index, output in enumerate(entries):
        match output:
            case {"OutputName": str(name), "OutputType": str(kind)} if kind in TYPES:
                if name in names:
                    yield f"OutputParameters[{index}]: two outputs are named {name!r}"
                names.add(name)
            case _:
                kinds = ", ".join(TYPES)
                yield f"OutputParameters[{index}]: OutputName, and OutputType out of {kinds}, are needed"


def output_type(fields: Mapping[str, Any], path: Path) -> str | None:
    if len(path) != 2 or path[0] != "OutputParameters":
        return None
    return next((kind for name, kind in declared(fields) if name == path[1]), None)


def declared(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and types."""
    entries = fields.get("OutputParameters", [])
    return [
        (entry["OutputName"], entry["OutputType"])
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and entry.keys() >= {"OutputName", "OutputType"}
    ]
