"""The page as a browser without scripts sees it, over recorded answers of AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.testclient import TestClient

from contender.config import Settings
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from tests.studio.recorded import NOTHING, Answer, clients

HERE = "http://127.0.0.1:4580"


def visit(
    answers: Mapping[str, Answer] | None = None,
    access: Access | None = None,
    base_url: str = HERE,
    settings: Settings | None = None,
) -> TestClient:
    desk = Desk(settings or Settings(), Clients(clients({**NOTHING, **(answers or {})}), "us-east-1"))
    app = studio(desk, access or Access(), 4580)
    return TestClient(app, base_url=base_url, follow_redirects=False, raise_server_exceptions=False)


def form_token_of(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]
