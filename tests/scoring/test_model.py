"""A request to a variant: what is not even sent, and what is no answer."""

from __future__ import annotations

import io
from typing import Any

import pytest

from contender.scoring.model import MAX_BODY, Broken, Refused, Variant


class Runtime:
    """Answers each request with the same words."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.requests = 0

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests += 1
        return {"Body": io.BytesIO(self.words.encode())}


def ask(runtime: Runtime, *rows: list[str]) -> list[float]:
    return Variant(runtime, "contender-D", "v1", ("Plan", "Mins")).ask(rows)


def test_more_bytes_than_a_request_may_have_are_not_sent() -> None:
    runtime = Runtime("0.5")
    with pytest.raises(Refused, match="are more than a request may have"):
        ask(runtime, ["x" * MAX_BODY, "1"])
    assert runtime.requests == 0


@pytest.mark.parametrize("words", ["0.5", "0.5 0.5 0.5", "0.5 nan", "0.5 inf", "", "yes no"])
def test_what_is_no_score_for_each_row_is_none_for_any(words: str) -> None:
    with pytest.raises(Broken):
        ask(Runtime(words), ["yes", "1"], ["no", "2"])


def test_each_row_has_its_score() -> None:
    assert ask(Runtime("0.25\n0.5\n"), ["yes", "1"], ["no", "2"]) == [0.25, 0.5]
