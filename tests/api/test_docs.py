"""docs/api.md against the code: its calls are answered with its fields, and it lists every code of an error."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from contender.lambdas import stats
from tests.api.api import NAMES, Api, call
from tests.conftest import REPOSITORY

DOCS = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## POST /(\w+)\n\n```json\n(.*?)\n→ (\d+)\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def answer(path: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    api = Api()
    if path == "conversion":
        return api.convert(**fields)
    if path == "invocation":
        return api.invoke(**fields)
    return api.answer(call(fields), lambda body, line: stats.answer(NAMES, api.store, body, line))


def test_every_route_has_an_example() -> None:
    assert [path for path, *_ in EXAMPLES] == ["invocation", "conversion", "stats"]


@pytest.mark.parametrize(("path", "asked", "status", "answered"), EXAMPLES, ids=[path for path, *_ in EXAMPLES])
def test_an_example_is_answered_with_those_fields(path: str, asked: str, status: str, answered: str) -> None:
    shown = json.loads(answered)
    got, found = answer(path, json.loads(asked))
    assert got == int(status)
    assert list(found) == list(shown)
    for mine, theirs in zip(found.get("variants", []), shown.get("variants", []), strict=False):
        assert list(mine) == list(theirs)


def test_every_code_of_an_error_is_listed() -> None:
    rooms = [REPOSITORY / "contender" / room for room in ("api", "lambdas")]
    code = "".join(path.read_text() for room in rooms for path in sorted(room.glob("*.py")))
    codes = set(re.findall(r'(?:Refusal\([^"]*|_error\()"([a-z_]+)"', code))
    assert len(codes) >= 12
    assert codes == set(
        re.findall(
            r"`([a-z_]+)`",
            "".join(re.findall(r"^\| [^|]+ \| ([^|]+) \|", DOCS[DOCS.index("## Errors") :], re.MULTILINE)),
        )
    )
