"""`make screenshots`: the pictures of the README, of a project on a laptop that has trained, serves and is asked."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from contender.config import load
from contender.studio.access import Access
from tests.conftest import REPOSITORY
from tests.studio.browser import story
from tests.studio.browser.chromium import launched
from tests.studio.serving import served

FOLDER = REPOSITORY / "docs" / "screenshots"
WIDTH, TALLEST, MARGIN = 1440, 1500, 10
MOST_BYTES = 250_000


@dataclass(frozen=True, slots=True)
class Shot:
    """A page, and the file that its picture becomes."""

    address: str
    file: str


SHOTS = (Shot("/", "overview.png"), Shot("/dimensions/north/rollout", "rollout.png"))


def take(page: Page, shot: Shot) -> bytes:
    """The page from its top to the end of what fits in whole."""
    answer = page.goto(shot.address, wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200, f"{shot.address} answers {answer.status}"
    expect(page.locator("figure.chart:has(.plot):not([data-ready])")).to_have_count(0, timeout=20_000)
    ends = page.locator("main > *, main figure.chart").evaluate_all(
        "found => found.map(each => each.getBoundingClientRect().bottom)"
    )
    height = max(end for end in ends if end + MARGIN <= TALLEST) + MARGIN
    return page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height}, full_page=True)


def small(picture: bytes) -> bytes:
    """The same with 256 colours, which nobody can tell apart on a page, in a third of the bytes."""
    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        project = story.project(Path(place) / "laptop", Path(place) / "project")
        try:
            settings = load(project.folder / "contender.yaml", environ={})
            with served(settings, project.clients, Access(allow_actions=True)) as site, launched() as browser:
                page = browser.new_page(base_url=site, viewport={"width": WIDTH, "height": 900})
                for shot in SHOTS:
                    picture = small(take(page, shot))
                    assert len(picture) <= MOST_BYTES, f"{shot.file} has {len(picture)} bytes"
                    (FOLDER / shot.file).write_bytes(picture)
                    print(f"docs/screenshots/{shot.file}: {len(picture) // 1000} kB")
        finally:
            project.contender("local", "down")


if __name__ == "__main__":
    main()
