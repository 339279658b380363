"""The endpoint's page in a browser: a dimension with a challenger that customers ask, and a request that is seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from contender.studio.pages.endpoint import EVERY_S
from tests.project import NAMES, Project, table, until
from tests.studio.browser.conftest import Look


def test_variants_stand_beside_each_other_with_shares_requests_and_latencies(page: Page, look: Look) -> None:
    page.goto("/dimensions/north/endpoint")
    champion, challenger = page.locator("#variant-v1"), page.locator("#variant-v2")
    expect(champion).to_contain_text("Champion")
    expect(champion).to_contain_text("70.0%")
    expect(challenger).to_contain_text("Challenger")
    expect(challenger).to_contain_text("30.0%")
    expect(champion.get_by_role("link", name="v1")).to_have_attribute("href", "/dimensions/north/models/1")
    expect(page.locator("#chart-invocations svg")).to_be_visible()
    expect(page.locator("#chart-latency-p95 svg")).to_be_visible()
    expect(page.locator("#chart-errors")).to_contain_text("No request failed")
    look("endpoint")


def test_what_led_to_the_config_and_what_was_asked_is_told(page: Page) -> None:
    page.goto("/dimensions/north/endpoint")
    configs = page.get_by_role("region", name="Configs")
    expect(configs.locator("tbody tr").first).to_contain_text("v2 0%")
    expect(configs.locator("tbody tr").first).to_contain_text("the endpoint serves v1")
    captured = page.get_by_role("region", name="Captured requests")
    expect(captured).to_contain_text("probability")
    assert 0 < captured.locator("tbody tr").count() <= 20  # those of the newest files, however few these hold
    page.get_by_role("navigation", name="Variant whose requests").get_by_role("link", name="v2").click()
    expect(captured.locator("tbody td:nth-child(2)").first).to_have_text("v2")
    expect(captured.locator("tbody td:nth-child(2)", has_text="v1")).to_have_count(0)


def test_another_window_has_other_periods(page: Page) -> None:
    page.goto("/dimensions/north/endpoint")
    page.get_by_role("link", name="week").click()
    expect(page.get_by_role("region", name="Variants")).to_contain_text("the last week, by two hours")
    expect(page).to_have_url(re.compile("window=week"))


def test_a_request_is_seen_without_reloading(page: Page, story: Project) -> None:
    page.clock.install()
    page.goto("/dimensions/west/endpoint")
    header, row = table("west", 3).decode().splitlines()[:2]
    label = header.split(",").index("Churn?")
    values = row.split(",")
    story.clients("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAMES.endpoint("west"),
        Body=",".join(values[:label] + values[label + 1 :]),
        ContentType="text/csv",
        InferenceId="seen-without-reloading",
    )

    def seen() -> bool:
        page.clock.run_for((EVERY_S + 1) * 1000)
        return "seen-without-reloading" in page.locator("#main").inner_text()

    until(seen, "the request to be on the page")
    expect(page.locator("#variant-v1, #variant-v2")).to_have_count(2)


def test_a_dimension_that_does_not_exist_is_said_to(page: Page) -> None:
    answer = page.request.get("/dimensions/nowhere/endpoint")
    assert answer.status == 404
    assert "there is no dimension" in answer.text()
