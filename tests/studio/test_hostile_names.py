"""What others named and wrote is shown as it is, and never run: quotes, angle brackets, long names, other scripts.

Whoever makes a page adds its address to `PLACES`, and what AWS answers of it to `hostile_world`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote

import pytest
from starlette.routing import Route

from contender.naming import Names
from contender.rollout.documents import dumps
from contender.rollout.state import Phase, State, Track
from contender.studio.access import Access
from tests.studio.hostile import hostile_world
from tests.studio.recorded import Answer
from tests.studio.visiting import form_token_of, visit

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
ACCOUNT = re.compile(r"\d{12}|arn:|artifacts-bucket|captured-bucket")
"""What no address may hold: accounts, ARNs, buckets."""
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
EXECUTION = "/executions/contender/abcdefabcdef"
QUERIES = (
    "/executions?dimension={0}&state={0}&pipeline={0}&before={0}",
    "/executions/compare?of={0}&of=contender/{0}",
    "/pipelines/{0}",
    "/executions/{0}/{0}",
    "/executions/contender/{0}",
    f"{EXECUTION}/steps/{{0}}",
    f"{EXECUTION}/steps/Prepare/files/{{0}}",
    "/dimensions/{0}/models",
    "/dimensions/{0}/models/1",
    "/dimensions/{0}/models/compare?v={0}",
    "/dimensions/{0}/endpoint",
    "/dimensions/{0}/rollout",
    "/dimensions/north/models?page={0}",
    "/dimensions/north/models/compare?v={0}&v=1",
    "/dimensions/north/endpoint?window={0}&captured={0}",
    "/dimensions/north/rollout?confirm={0}&of={0}&before={0}&experiment={0}&version={0}",
)
"""Addresses that hold a text themselves."""
PLACES = {
    "/pipelines": "description",
    "/pipelines/contender": "title",
    "/executions": "execution reason",
    "/executions?dimension=*": "execution reason",
    "/executions/compare?of=contender/abcdefabcdef&of=contender/fedcbafedcba": "execution reason",
    EXECUTION: "step reason",
    f"{EXECUTION}/steps/Prepare": "said",
    f"{EXECUTION}/steps/Prepare/files/train/report.json": "in the file",
    f"{EXECUTION}/steps/Prepare/files/train/rows.csv": "in the file",
    "/dimensions/north/models": "why it stands",
    "/dimensions/north/models/1": "metadata",
    "/dimensions/north/models/compare?v=1&v=2": "gate",
    "/dimensions/north/endpoint": "failure",
    "/dimensions/north/rollout": "decided",
    "/dimensions/north/rollout?confirm=promote&of=2": "rehearsed",
}
"""Every page, and one of the places of `hostile_world` that a person must be able to read there."""


class Read(HTMLParser):
    """What a browser makes of a page: what can be read, and what would run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.runs: list[str] = []
        self.addresses: list[str] = []
        self._json = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.texts += given.values()
        self.addresses += [given[name] for name in ("href", "src", "action") if name in given]
        if given.get("name") == "back":
            self.addresses.append(given["value"])
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


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_others_wrote_is_shown_not_run_on_every_page(text: str, acts: bool) -> None:
    client = visit(hostile_world(text), Access(allow_actions=acts))
    for address, place in PLACES.items():
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        read = Read()
        read.feed(answer.text)
        assert not read.runs
        assert not [each for each in read.addresses if ACCOUNT.search(unquote(each))]
        if acts or "confirm" not in address:
            written = json.dumps(text, ensure_ascii=False)[1:-1] if address.endswith(".json") else text
            assert f"{place}: {written}" in "\n".join(read.texts)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_an_address_says_is_not_run_either(text: str) -> None:
    client = visit(hostile_world("n"), Access(allow_actions=True))
    for address in QUERIES:
        answer = client.get(address.format(quote(text, safe="")))
        assert answer.status_code in (200, 404), answer.text
        read = Read()
        read.feed(answer.text)
        assert not read.runs


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_came_of_an_action_is_shown_not_run(text: str) -> None:
    client = visit(hostile_world(text), Access(allow_actions=True))
    page = client.get("/dimensions/north/rollout").text
    form = {"form_token": form_token_of(page), "verb": text, "version": text, "seen": text, "back": f"/{text}"}
    answer = client.post("/dimensions/north/rollout", data=form)
    assert answer.status_code == 303
    read = Read()
    read.feed(client.get("/dimensions/north/rollout").text)
    assert not read.runs
    assert repr(text)[1:-1] in "\n".join(read.texts)


def test_every_page_is_among_those_that_are_tried() -> None:
    routes = visit().app.routes  # type: ignore[attr-defined]
    pages = [each for each in routes if isinstance(each, Route) and "GET" in (each.methods or ())]
    tried = [address.partition("?")[0] for address in ("/", "/login", "/health", *PLACES)]
    missed = [each.path for each in pages if not any(each.path_regex.match(address) for address in tried)]
    assert not missed
