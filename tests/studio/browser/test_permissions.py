"""What the pages ask of AWS is what docs/studio.md says they have to be allowed."""

from __future__ import annotations

import html
import re
import urllib.request
from collections import Counter
from typing import Any

from starlette.routing import Route

from contender.config import load
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from tests.conftest import REPOSITORY
from tests.project import Project
from tests.studio.serving import served

DOCS = (REPOSITORY / "docs" / "studio.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"`([a-z0-9]+:[A-Za-z0-9]+)`", DOCS[DOCS.index("## What it asks of AWS") :]))
SERVICES = {"cloudwatch-logs": "logs"}
"""As actions call them, where events call them otherwise."""
ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "lambda:Invoke": "lambda:InvokeFunction",
}
BEGUN = ("/", "/?window=week", "/dimensions/north/rollout?confirm=promote&of=2", "/dimensions/nowhere/models")
"""From here the pages are found by their links: one for each kind of address, and several executions and steps."""
EXECUTION, SEVERAL = "/executions/{pipeline}/{id}", 40
LINK = re.compile(r'href="(/[^"#]*)')


def test_whoever_runs_the_page_needs_no_more_than_is_listed(story: Project) -> None:
    asked: set[str] = set()

    def note(event_name: str, **_: Any) -> None:
        service, operation = event_name.removeprefix("before-send.").split(".")
        action = f"{SERVICES.get(service, service)}:{operation}"
        asked.add(ACTIONS.get(action, action))

    def client(service: str) -> Any:
        made = story.clients(service)
        made.meta.events.register("before-send", note)
        return made

    settings = load(story.folder / "contender.yaml", environ={})
    access = Access(allow_actions=True)
    desk = Desk(settings, Clients(lambda service, _: client(service), settings.region))
    routes = [each for each in studio(desk, access).routes if isinstance(each, Route) and "GET" in (each.methods or ())]
    wanted = {each.path: each.path_regex for each in routes if each.path not in ("/login", "/health")}
    waiting, seen = list(BEGUN), Counter[str]()
    with served(settings, client, access) as site:
        for address in waiting:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(site + address) as answer:
                assert answer.status == 200
                links = [html.unescape(link) for link in LINK.findall(answer.read().decode())]
            for link in links:
                kind = next((kind for kind, fits in wanted.items() if fits.match(link.partition("?")[0])), "")
                if kind and link not in waiting and seen[kind] < (SEVERAL if "{id}" in kind else 1):
                    seen[kind] += 1
                    waiting.append(link)
                    if kind == EXECUTION:
                        of = link.removeprefix("/executions/")
                        waiting.append(f"/executions/compare?of={of}&of={of}")
    assert set(seen) | {"/", "/executions/compare"} == set(wanted)
    assert "lambda:InvokeFunction" in asked
    assert asked - LISTED == set()
