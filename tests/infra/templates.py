"""CloudFormation templates as the tests of each look at them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

INFRA = Path(__file__).resolve().parents[2] / "infra"


@functools.cache
def read(name: str) -> dict[str, Any]:
    document, problems = decode(str(INFRA / name))
    assert not problems
    found: dict[str, Any] = document
    return {**found, "Resources": unrolled(found["Resources"])}


def unrolled(resources: dict[str, Any]) -> dict[str, Any]:
    """Resources with the one of each loop (`Fn::ForEach`) as if it stood there once."""
    loops = [each[2] for name, each in resources.items() if name.startswith("Fn::ForEach")]
    single = {name: each for name, each in resources.items() if not name.startswith("Fn::ForEach")}
    return {**single, **{name: each for loop in loops for name, each in loop.items()}}


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def environment_of(template: dict[str, Any], function: str) -> set[str]:
    return set(of_type(template, "AWS::Lambda::Function")[function]["Environment"]["Variables"])
