"""A real browser, a project that has done something, and a page that must not complain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contender.config import load
from tests.conftest import REPOSITORY
from tests.project import Project
from tests.studio.browser import story as stories
from tests.studio.browser.chromium import launched
from tests.studio.serving import served

SERIOUS = ("serious", "critical")
OF_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules of axe that the night may break where the day keeps them; all others are of what stands on the page."""
SCREENSHOTS = Path(os.environ.get("CONTENDER_SCREENSHOTS", REPOSITORY / "build" / "screenshots"))

Look = Callable[[str], None]


@pytest.fixture(scope="package")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """See story.py for what there is."""
    place = tmp_path_factory.mktemp("story")
    project = stories.project(place / "laptop", place / "project")
    yield project
    project.contender("local", "down")


@pytest.fixture(scope="package")
def site(story: Project) -> Iterator[str]:
    """The address of the page that shows the story, with actions allowed."""
    settings = load(story.folder / "contender.yaml", environ={})
    with served(settings, story.clients) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; a test in which the console shows an error, or a script fails, fails."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not complaints


@pytest.fixture
def look(page: Page) -> Look:
    """Looks at the page as it is, by day and by night: its picture is kept, and axe must not find anything serious."""

    def look(name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            # no wait_for_function: what it asks again after a while, it asks with eval, which our pages forbid
            expect(page.locator("figure.chart:has(.plot):not([data-ready])")).to_have_count(0, timeout=20_000)
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", full_page=True)
            rules = OF_COLOURS if scheme == "dark" else None
            for each in Axe().run(page, options=rules).response["violations"]:
                places = [node["target"] for node in each["nodes"]]
                found += [f"{scheme}: {each['id']}: {each['help']} {places}"] if each["impact"] in SERIOUS else []
        assert not found

    return look
