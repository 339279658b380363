"""The overview in a browser: what a person finds there, and that it stays as things are."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.studio.browser.conftest import Look


def test_every_dimension_has_a_row_that_tells_who_serves_and_what_asks_for_a_person(page: Page, look: Look) -> None:
    page.goto("/")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("south")  # its last execution failed, so it comes first
    expect(rows.first).to_contain_text("Failed")
    north = page.locator("#dimension-north")
    expect(north).to_contain_text("v1 70.0%")
    expect(north).to_contain_text("Ramping")
    expect(north.get_by_role("img", name="requests of north")).to_be_visible()
    look("overview")


def test_search_and_filter_leave_out_what_does_not_fit(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Search").fill("OR")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/?show=failed")
    expect(page.locator("tbody th")).to_have_text(["south"])
    page.goto("/?q=nobody")
    expect(page.locator(".empty")).to_contain_text("None of the 3 dimensions fits")
