"""Who may look and who may act: hosts, the token, forms, and what every answer says about itself."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from contender.config import Settings
from contender.studio.access import HEADERS, Access, form_token
from contender.studio.acting import Done, act
from contender.studio.app import STATIC
from contender.studio.desk import Clients, Desk
from tests.studio.recorded import clients
from tests.studio.visiting import HERE, visit

TOKEN = "0123456789abcdef0123"
SECRET = Access(allow_actions=True, token=TOKEN)
FILES = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())


def signed_in() -> TestClient:
    client = visit(access=SECRET)
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    return client


class Acted:
    """The page with one more form, whose action counts how often it was done."""

    def __init__(self, access: Access) -> None:
        self.times = 0
        self.says: tuple[str, ...] = ("done",)
        self.client = visit(access=access)
        desk = Desk(Settings(), Clients(clients({}), "us-east-1"))

        def action(desk: Desk, request: Request, form: FormData) -> Done:
            self.times += 1
            return Done(self.says)

        async def doing(request: Request) -> Response:
            return await act(desk, action, request)

        self.client.app.router.routes.insert(0, Route("/act", doing, methods=["POST"]))  # type: ignore[attr-defined]

    def token(self) -> str:
        """What the session of this client has in its forms."""
        self.client.get("/")
        return str(session(self.client)["form_token"])


def session(client: TestClient) -> Mapping[str, Any]:
    (value,) = client.cookies.values()
    found: Mapping[str, Any] = json.loads(b64decode(value.split(".")[0]))
    return found


@pytest.mark.parametrize(
    "path", ["/", "/login", "/health", "/nothing-here", "/static/style.css", "/static/none", "/?stage=none", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_every_answer_says_what_a_browser_may_do_with_it(method: str, path: str) -> None:
    answer = visit().request(method, path)
    assert answer.status_code < 500
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] in ("no-store", "no-cache")


def test_what_may_be_loaded_is_ours_and_no_script_or_style_stands_in_a_page() -> None:
    policy = dict(each.strip().split(" ", 1) for each in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize(
    "host",
    ["example.org", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.7:4580", "[::1", "", "x@evil.org:80"],
)
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    answer = visit().get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize("host", ["127.0.0.1:4580", "localhost:4580", "LOCALHOST", "[::1]:4580", "127.0.0.1"])
def test_this_machines_own_names_are_answered(host: str) -> None:
    assert visit().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/pipelines", "/dimensions/north/endpoint", "/loginx", "/healthz", "/nothing", "/static"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_whoever_does_not_know_the_token_is_asked_for_it(method: str, path: str) -> None:
    answer = visit(access=SECRET).request(method, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("host", ["x/login?", "x/static/?", "x/health#"])
def test_a_host_that_looks_like_an_open_address_opens_nothing(host: str) -> None:
    assert visit(access=SECRET).get("/", headers={"Host": host}).status_code == 303


@pytest.mark.parametrize("path", ["/login", "/health", "/static/style.css"])
def test_signing_in_needs_no_token(path: str) -> None:
    assert visit(access=SECRET).get(path).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "0", "ü" * 20])
def test_another_token_is_refused(token: str) -> None:
    client = visit(access=SECRET)
    answer = client.post("/login", data={"token": token})
    assert answer.status_code == 403
    assert "That is not the token" in answer.text
    assert client.get("/").status_code == 303


def test_the_token_opens_everything_for_this_browser_and_stands_in_no_address() -> None:
    client = visit(access=SECRET)
    answer = client.post("/login", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict"} <= flags
    assert answer.headers["set-cookie"].startswith("contender-studio-4580=")
    assert TOKEN not in str(session(client))
    page = client.get("/")
    assert page.status_code == 200
    assert TOKEN not in page.text


def test_behind_a_proxy_with_tls_the_cookie_is_sent_with_tls_only() -> None:
    client = visit(access=SECRET, base_url="https://contender.example.org")
    assert client.post("/login", data={"token": TOKEN}).headers["set-cookie"].endswith("; secure")
    assert client.get("/").status_code == 200
    assert "secure" not in visit(access=SECRET).post("/login", data={"token": TOKEN}).headers["set-cookie"]


def test_a_token_in_an_address_opens_nothing() -> None:
    assert visit(access=SECRET).get("/", params={"token": TOKEN}).status_code == 303
    assert visit(access=SECRET).get("/login", params={"token": TOKEN}).status_code == 200


def test_a_cookie_that_was_made_up_opens_nothing() -> None:
    client = visit(access=SECRET)
    made_up = b64encode(json.dumps({"signed_in": True}).encode()).decode()
    client.cookies.set("contender-studio-4580", f"{made_up}.aAaAaA.bBbBbB")
    assert client.get("/").status_code == 303


def test_a_session_of_another_server_opens_nothing() -> None:
    """Two servers with the same token on one machine, or one that was started anew."""
    first, second = signed_in(), visit(access=SECRET)
    second.cookies = first.cookies
    assert second.get("/").status_code == 303


def test_without_a_token_there_is_nothing_to_sign_in_to() -> None:
    answer = visit().get("/login")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_form_of_this_session_acts_and_tells_what_came_of_it_once() -> None:
    acted = Acted(Access(allow_actions=True))
    answer = acted.client.post("/act", data={"form_token": acted.token(), "back": "/?show=all"})
    assert (answer.status_code, answer.headers["location"], acted.times) == (303, "/?show=all", 1)
    assert "<p>done</p>" not in acted.client.get("/", headers={"X-Live": "1"}).text
    assert "<p>done</p>" in acted.client.get("/").text
    assert "<p>done</p>" not in acted.client.get("/").text


@pytest.mark.parametrize("says", [("試" * 5000,), ("x" * 100,) * 500])
def test_what_an_action_tells_at_length_fits_into_a_cookie(says: tuple[str, ...]) -> None:
    acted = Acted(Access(allow_actions=True))
    acted.says = says
    answer = acted.client.post("/act", data={"form_token": acted.token()})
    assert len(answer.headers["set-cookie"]) < 4000
    assert f"{says[0][:100]}" in acted.client.get("/").text


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "made up"}, {"form_token": "ü"}])
def test_a_form_that_does_not_come_from_this_session_does_nothing(form: dict[str, str]) -> None:
    acted = Acted(Access(allow_actions=True))
    acted.token()
    answer = acted.client.post("/act", data=form)
    assert (answer.status_code, acted.times) == (403, 0)
    assert "open the page again" in answer.text


def test_a_form_of_another_session_does_nothing() -> None:
    acted, other = Acted(Access(allow_actions=True)), Acted(Access(allow_actions=True))
    acted.token()
    assert acted.client.post("/act", data={"form_token": other.token()}).status_code == 403
    acted.client.cookies.clear()
    assert acted.client.post("/act", data={"form_token": "None"}).status_code == 403
    assert acted.times == 0


def test_a_page_that_only_looks_does_nothing_and_says_how_it_would() -> None:
    acted = Acted(Access())
    answer = acted.client.post("/act", data={"form_token": "x"})
    assert (answer.status_code, acted.times) == (403, 0)
    assert "--allow-actions" in answer.text


def test_a_form_that_is_too_large_is_not_read() -> None:
    client = visit(access=SECRET)
    assert client.post("/login", data={"token": "x" * 70_000}).status_code == 413
    assert client.post("/login", content=iter([b"token=x"])).status_code == 413


@pytest.mark.parametrize(
    "back", ["//evil.org", "/\\evil.org", "https://evil.org/", "javascript:alert(1)", "/\t/evil.org", "", "evil.org"]
)
def test_a_form_leads_back_to_this_site_only(back: str) -> None:
    acted = Acted(Access(allow_actions=True))
    answer = acted.client.post("/act", data={"form_token": acted.token(), "back": back})
    assert str(answer.url.join(answer.headers["location"])).startswith(f"{HERE}/")
    assert "evil.org" not in answer.url.join(answer.headers["location"]).host


@pytest.mark.parametrize(
    "path",
    [
        *("../access.py", "../../../setup.py", "%2e%2e/access.py", "..%2faccess.py", "..%5caccess.py"),
        *("vendor/../../access.py", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "", "vendor", "vendor/"),
    ],
)
def test_nothing_but_the_pages_own_files_can_be_had(path: str) -> None:
    answer = visit().get(f"/static/{path}")
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.text


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_asked_for_again_only_if_it_changed(name: str) -> None:
    first = visit().get(f"/static/{name}")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = visit().get(f"/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_a_head_is_a_get_without_its_body() -> None:
    answer = visit().head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_method_that_nothing_answers_to_is_told_which_do(method: str) -> None:
    answer = visit().request(method, "/")
    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["allow"].split(",")} == {"GET", "HEAD"}
    assert method in answer.text


def test_only_a_page_that_acts_has_a_token_for_its_forms() -> None:
    looking = visit()
    looking.get("/")
    assert not looking.cookies
    kept: dict[str, Any] = {}
    assert form_token(kept) == form_token(kept)
