"""A page that stays open: it changes by itself, and leaves what a person has typed, chosen, marked or focused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import NoCredentialsError
from playwright.sync_api import Browser, Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send

from contender.config import Settings
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from contender.studio.pages.overview import EVERY_S
from tests.studio.recorded import NOTHING, Answer, clients
from tests.studio.serving import listening

SOON_MS = (EVERY_S + 1) * 1000
TOKEN = "0123456789abcdef"


@dataclass
class Server:
    """The page over an account that changes, and that can be started anew, as whoever restarts the program does."""

    access: Access
    dimensions: list[str] = field(default_factory=lambda: ["north"])
    silent: bool = False
    desk: Desk = field(init=False)
    app: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        answers: dict[str, Answer] = {**NOTHING, "ListEndpoints": lambda asked: {"Endpoints": self.endpoints()}}
        self.desk = Desk(Settings(), Clients(clients(answers), "us-east-1"))
        self.app = studio(self.desk, self.access)

    def endpoints(self) -> list[dict[str, str]]:
        if self.silent:
            raise NoCredentialsError
        return [{"EndpointName": f"contender-{name}", "EndpointStatus": "InService"} for name in self.dimensions]

    def change(self, *names: str) -> None:
        self.dimensions[:] = names
        self.desk.kept.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture
def access() -> Access:
    return Access(allow_actions=True)


@pytest.fixture
def server(access: Access) -> Server:
    return Server(access)


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    """A tab whose clock the test winds on."""
    with listening(server) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.clock.install()
        yield page
        context.close()


def later(tab: Page) -> None:
    with tab.expect_response(lambda answer: "x-live" in answer.request.headers):
        tab.clock.run_for(SOON_MS)


def click_into_the_table(tab: Page) -> None:
    tab.locator("tbody td").first.click()
    expect(tab.locator(".scroll")).to_be_focused()


@pytest.mark.parametrize("disturb", [lambda tab: None, click_into_the_table], ids=["alone", "after a click"])
def test_what_changes_is_shown_without_a_reload(server: Server, tab: Page, disturb: Callable[[Page], None]) -> None:
    tab.goto("/")
    tab.evaluate("window.mark = true")
    disturb(tab)
    server.change("north", "south")
    later(tab)
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    assert tab.evaluate("window.mark") is True


def test_what_was_typed_and_chosen_stays(server: Server, tab: Page) -> None:
    tab.goto("/")
    tab.get_by_label("Order").select_option("dimension")
    tab.get_by_label("Search").fill("sou")
    server.change("north", "south")
    later(tab)
    expect(tab.locator("tbody tr")).to_have_count(2)
    expect(tab.get_by_label("Search")).to_have_value("sou")
    expect(tab.get_by_label("Search")).to_be_focused()
    expect(tab.get_by_label("Order")).to_have_value("dimension")


def test_text_that_is_marked_stays_marked(server: Server, tab: Page) -> None:
    tab.goto("/")
    tab.locator("caption").evaluate("each => getSelection().selectAllChildren(each)")
    server.change("north", "south")
    later(tab)
    expect(tab.locator("tbody tr")).to_have_count(2)
    assert tab.evaluate("String(getSelection())") == "1 of 1 dimensions"


def test_a_server_that_is_gone_is_told_and_found_again(server: Server, tab: Page) -> None:
    tab.goto("/")
    tab.route("**/*", lambda route: route.abort())
    tab.clock.run_for(SOON_MS)
    expect(tab.locator("[data-live-state]")).to_have_text("not up to date: the server does not answer")
    tab.unroute_all()
    server.change("north", "south")
    tab.clock.run_for(2 * SOON_MS)
    expect(tab.locator("[data-live-state]")).to_have_text("live")
    expect(tab.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("access", [Access(token=TOKEN)], ids=["with a token"])
def test_a_server_that_was_started_anew_asks_for_its_token_again(server: Server, tab: Page) -> None:
    tab.goto("/")
    tab.get_by_label("Token").fill(TOKEN)
    tab.keyboard.press("Enter")
    expect(tab.locator("tbody th")).to_have_text(["north"])
    assert TOKEN not in tab.url
    tab.wait_for_load_state()  # its scripts run by then
    server.start()
    tab.clock.run_for(SOON_MS)
    expect(tab.get_by_label("Token")).to_be_visible()


def test_a_page_that_aws_did_not_answer_comes_back_by_itself_with_all_around_it(server: Server, tab: Page) -> None:
    server.silent = True
    tab.goto("/")
    expect(tab.locator("h1")).to_have_text("503")
    server.silent = False
    tab.clock.run_for(SOON_MS)
    expect(tab.locator("tbody th")).to_have_text(["north"])
    expect(tab.get_by_role("link", name="Executions").first).to_be_visible()
