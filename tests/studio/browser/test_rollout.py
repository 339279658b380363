"""The rollout's page in a browser: what it tells of a challenger, and that what is asked there comes about."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from contender.config import load
from contender.rollout.ledger import Ledger
from contender.rollout.state import Phase, State
from contender.studio.access import Access
from contender.tick_call import ring
from tests.project import NAMES, Project, until
from tests.studio.browser.conftest import Look
from tests.studio.serving import served

CHARTS = ("shares", "sequence", "posterior", "cumulative", "rate")


def ledger(story: Project) -> Ledger:
    return Ledger(story.clients("dynamodb"), NAMES.table("rollouts"))


def weights(story: Project, dimension: str) -> dict[str, float]:
    endpoint = story.clients("sagemaker").describe_endpoint(EndpointName=NAMES.endpoint(dimension))
    return {each["VariantName"]: each["CurrentWeight"] for each in endpoint["ProductionVariants"]}


def looked(story: Project) -> State:
    """What is decided of west after a look, which would otherwise come within a minute."""
    ring(story.clients("lambda"), NAMES, {"Dimension": "west", "Stage": ""})
    state = ledger(story).state(NAMES.endpoint("west"))
    assert state is not None
    return state


def test_a_rollout_under_way_tells_what_is_seen_decided_and_next(page: Page, look: Look) -> None:
    page.goto("/dimensions/north/rollout")
    expect(page.get_by_role("heading", level=1)).to_have_text("north: v1 is champion, v2 challenges it")
    challenger = page.get_by_label("Challenger v2", exact=True)
    expect(challenger).to_contain_text("30.0%, step 1 of 1")
    expect(challenger).to_contain_text("with 100,000 counted requests each at least")
    expect(challenger.get_by_role("progressbar", name="counted requests of v2")).to_be_visible()
    for chart in CHARTS:
        expect(page.locator(f"#chart-{chart} svg")).to_be_visible()
    expect(page.get_by_role("region", name="Table of guardrails")).to_contain_text("latency_p95")
    expect(page.locator("#main")).to_contain_text("Users went where the shares send them")
    page.get_by_text("Numbers of: v2 minus v1").click()
    expect(page.locator("#chart-sequence tbody tr").first).to_be_visible()
    look("rollout")


def test_the_timeline_tells_each_decision_and_what_was_seen(page: Page) -> None:
    page.goto("/dimensions/north/rollout")
    timeline = page.locator(".timeline")
    expect(timeline.locator("li").last).to_contain_text("v1 serves first, without an experiment")
    expect(timeline).to_contain_text("v1 100 %, v2 0 % → v1 70 %, v2 30 %")
    newest = timeline.locator("li").first
    newest.get_by_text("What was seen").click()
    expect(newest).to_contain_text("thin_sample")
    page.goto("/dimensions/north/rollout?before=3")
    expect(timeline.locator("li")).to_have_count(2)


def test_where_nothing_serves_it_says_what_to_do(page: Page, look: Look) -> None:
    page.goto("/dimensions/nowhere/rollout")
    expect(page.locator(".empty")).to_contain_text("contender data upload DIR")
    look("rollout-empty")


def test_a_person_pauses_resumes_promotes_and_goes_back(page: Page, story: Project, look: Look) -> None:
    endpoint = NAMES.endpoint("west")
    page.goto("/dimensions/west/rollout")
    page.get_by_label("Reason for: Pause").fill('the <b>"fair"</b>')
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="paused: ")).to_contain_text('the <b>"fair"</b>')
    expect(page.get_by_label("Champion", exact=True)).to_contain_text("Paused")
    state = ledger(story).state(endpoint)
    assert state is not None
    assert state.paused
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_label("Champion", exact=True)).to_contain_text("go on")

    page.get_by_role("button", name="Promote v2…").click()
    confirmation = page.get_by_role("region", name="Promote v2?")
    expect(confirmation).to_contain_text("would be done: shift shares of contender-west to v1 0.0%, v2 100.0%")
    assert weights(story, "west") == pytest.approx({"v1": 0.7, "v2": 0.3})  # nothing was done yet
    look("rollout-confirm")
    confirmation.get_by_label("Reason").fill("it is better")
    confirmation.get_by_role("button", name="Promote v2 now").click()
    expect(page.get_by_role("status").filter(has_text="v2 is promoted")).to_be_visible()
    until(lambda: weights(story, "west").get("v2") == 1.0, "v2 to have all traffic")
    until(lambda: looked(story).champion == 2, "v2 to be champion")
    # The page is not opened again: it follows by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text("west: v2 is champion")
    expect(page.locator(".timeline")).to_contain_text("it is better")
    until(lambda: looked(story) and weights(story, "west") == {"v2": 1.0}, "v1 to leave")

    page.get_by_role("button", name="Start v1…").click()
    page.get_by_role("button", name="Start v1 now").click()
    until(lambda: looked(story).shares == {1: 0.3, 2: 0.7}, "v1 to begin")
    expect(page.get_by_label("Challenger v1", exact=True)).to_contain_text("30.0%, step 1 of 1")
    page.get_by_role("button", name="Roll back v1…").click()
    page.get_by_role("button", name="Roll back v1 now").click()
    until(lambda: not looked(story).active, "v1 to leave")
    expect(page.get_by_role("heading", level=1)).to_have_text("west: v2 is champion")
    state = ledger(story).state(endpoint)
    assert state is not None
    assert (state.tracks[-1].version, state.tracks[-1].phase) == (1, Phase.ROLLED_BACK)
    page.goto("/dimensions/west/rollout?experiment=1&version=2")
    expect(page.get_by_role("heading", level=2, name="Experiment 1: v2 against v1")).to_be_visible()


def test_a_button_of_a_page_that_is_out_of_date_does_nothing(page: Page, story: Project) -> None:
    page.goto("/dimensions/north/rollout?confirm=rollback&of=2")
    page.evaluate("document.querySelector('button[name=seen]').value = 'v2 is Baking'")
    before = ledger(story).state(NAMES.endpoint("north"))
    page.get_by_role("button", name="Roll back v2 now").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was done, for v2 is Ramping")
    assert ledger(story).state(NAMES.endpoint("north")) == before


def test_a_page_that_only_looks_has_no_forms_and_does_nothing(browser: Browser, story: Project) -> None:
    settings = load(story.folder / "contender.yaml", environ={})
    with served(settings, story.clients, Access()) as address, browser.new_context(base_url=address) as context:
        page = context.new_page()
        page.goto("/dimensions/north/rollout?confirm=promote&of=2")
        expect(page.locator("form[method]")).to_have_count(0)  # Vega makes forms of its own
        expect(page.locator("#main")).to_contain_text("contender studio --allow-actions")
        answer = page.request.post("/dimensions/north/rollout", form={"verb": "pause"})
        assert answer.status == 403


def test_a_form_of_no_session_is_refused(page: Page, story: Project) -> None:
    page.goto("/dimensions/north/rollout")
    for token in ({}, {"form_token": "wrong"}):
        answer = page.request.post("/dimensions/north/rollout", form={"verb": "pause", "seen": "it goes on", **token})
        assert answer.status == 403
        assert re.search("not one of this session", answer.text())
    state = ledger(story).state(NAMES.endpoint("north"))
    assert state is not None
    assert not state.paused
