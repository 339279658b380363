"""What the pages ask of AWS is what docs/studio.md says they have to be allowed."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

from contender.config import load
from contender.studio.access import Access
from tests.conftest import REPOSITORY
from tests.project import Project
from tests.studio.serving import served

DOCS = (REPOSITORY / "docs" / "studio.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"`([a-z]+:[A-Za-z]+)`", DOCS[DOCS.index("## What it asks of AWS") :]))
SERVICES = {"cloudwatch-logs": "logs"}
"""As actions call them, where events call them otherwise."""
ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "lambda:Invoke": "lambda:InvokeFunction",
}
ADDRESSES = ("/", "/?window=week")
"""Whoever makes a page adds its addresses."""


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
    with served(settings, client, Access()) as site:
        for address in ADDRESSES:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(site + address) as answer:
                assert answer.status == 200
    assert asked
    assert asked - LISTED == set()
