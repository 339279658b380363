"""Executions in a browser: found, drawn, and two of them beside one another."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.studio.browser.conftest import Look


def test_every_execution_tells_how_it_went_what_it_made_and_why(page: Page, look: Look) -> None:
    page.goto("/executions")
    failed = page.locator("#comparing tbody tr").filter(has_text="south").filter(has_text="Failed")
    expect(failed).to_contain_text("empty.csv is empty")
    made = page.locator("#comparing tbody tr").filter(has_text="north").filter(has_text="v2")
    expect(made).to_contain_text("Passed: AUC")
    expect(page.locator("#chart-durations svg")).to_contain_text("✕ Failed")
    page.get_by_text("Numbers of: Durations").click()
    expect(page.locator("#chart-durations details")).to_contain_text("Succeeded")
    look("executions")


def test_they_are_filtered_by_dimension_and_state(page: Page) -> None:
    page.goto("/dimensions/north/models")
    page.get_by_label("Of north").get_by_role("link", name="Executions").click()
    dimensions = page.locator("#comparing tbody td:nth-of-type(2)")
    expect(dimensions).to_have_text(["north", "north"])
    page.get_by_label("Dimension").fill("SOUTH")
    page.get_by_label("State").select_option("Failed")
    page.get_by_role("button", name="Show").click()
    expect(dimensions).to_have_text(["south"])
    page.goto("/executions?dimension=nobody")
    expect(page.locator(".empty")).to_contain_text("None of the")


def test_two_are_compared_by_parameters_data_metrics_and_steps(page: Page, look: Look) -> None:
    page.goto("/executions?dimension=north")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Compare").click()
    table = page.get_by_role("table")
    expect(table).to_contain_text("data/north/file-1.csv")
    expect(table).to_contain_text("data/north/file-2.csv")
    expect(table.get_by_role("row", name="evaluation.auc")).to_contain_text("best")
    expect(table.get_by_role("row", name="Train the challenger")).to_contain_text("Succeeded")
    look("executions-compared")


def test_what_was_ticked_stays_ticked_while_the_page_lives(page: Page) -> None:
    page.clock.install()
    page.goto("/executions?dimension=north")
    box = page.get_by_role("checkbox").first
    box.check()
    page.clock.run_for(11_000)
    expect(page.locator("[data-live-state]")).to_have_text("live")
    expect(box).to_be_checked()
