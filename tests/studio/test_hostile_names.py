"""What others named and wrote is shown as it is, and never run: quotes, angle brackets, long names, other scripts.

Whoever makes a page adds its addresses to `ADDRESSES`, and what AWS answers of them to `WORLD`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from contender.naming import Names
from contender.rollout.documents import dumps
from contender.rollout.state import Phase, State, Track
from contender.studio.access import Access
from tests.studio.recorded import Answer
from tests.studio.visiting import visit

NAMES = Names("contender")
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TEXTS = (
    '"><script>alert(1)</script>',
    "'; alert(1); '",
    "</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "n" * 60,
    "größer als „nötig“ – 試験 🙂 \u202eabc",
)
ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def _state(number: int, text: str) -> dict[str, Any]:
    """A dimension whose challenger stands where it does for a hostile reason."""
    dimension = f"d-{number}"
    track = Track(2, Phase.RAMPING, 1, AT, AT, AT, code="holds", reason=text)
    state = State(NAMES.endpoint(dimension), dimension, champion=1, shares={1: 0.7, 2: 0.3}, tracks=(track,))
    return {"sk": {"S": state.endpoint}, "body": {"S": dumps(state)}}


WORLD: dict[str, Answer] = {
    "Query": {"Items": [_state(number, text) for number, text in enumerate(TEXTS)]},
    "ListPipelineExecutions": {
        "PipelineExecutionSummaries": [
            {
                "PipelineExecutionArn": f"{ARN}:pipeline/contender/execution/{number:012}",
                "PipelineExecutionDisplayName": text,
                "PipelineExecutionStatus": "Failed",
                "PipelineExecutionFailureReason": text,
                "StartTime": AT,
            }
            for number, text in enumerate((*TEXTS, "d-0-0123456789ab"))
        ]
    },
    "DescribeAlarms": {
        "MetricAlarms": [
            {"AlarmName": f"contender-d-{number}-{text}", "AlarmDescription": f"contender-d-{number}: {text}"}
            for number, text in enumerate(TEXTS)
        ]
    },
}

ADDRESSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("/", TEXTS),
    *((f"/?q={quote(text)}", (text,)) for text in TEXTS),
    *((f"/?show={quote(text)}&sort={quote(text)}&window={quote(text)}&page={quote(text)}", ()) for text in TEXTS),
    *((f"/?stage={quote(text)}", ()) for text in TEXTS),
    *((f"/{quote(text)}", ()) for text in TEXTS),
)
"""Each with what a person must be able to read there."""


class Read(HTMLParser):
    """What a browser makes of a page: what can be read, and what would run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.runs: list[str] = []
        self._json = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.texts += given.values()
        self._json = tag == "script" and given.get("type") == "application/json"
        if tag == "script" and not self._json and not given.get("src", "").startswith("/static/"):
            self.runs.append("script")
        if tag in ("img", "iframe", "object", "embed", "style", "base"):
            self.runs.append(tag)
        self.runs += [f"{name}={value}" for name, value in given.items() if name.startswith("on") or name == "style"]
        self.runs += [
            f"{name}={given[name]}"
            for name in ("href", "src", "action")
            if (name in given and not given[name].startswith(("/", "#", "?"))) or given.get(name, "").startswith("//")
        ]

    def handle_data(self, data: str) -> None:
        if self._json:
            assert "<" not in data
            assert ">" not in data
        self.texts.append(data)


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize(("address", "texts"), ADDRESSES, ids=[address[:40] for address, _ in ADDRESSES])
def test_names_and_reasons_are_shown_not_run(address: str, texts: tuple[str, ...], acts: bool) -> None:
    answer = visit(WORLD, Access(allow_actions=acts)).get(address)
    assert answer.status_code in (200, 404)
    read = Read()
    read.feed(answer.text)
    assert not read.runs
    shown = "\n".join(read.texts)
    assert not [text for text in texts if text not in shown]
