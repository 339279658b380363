"""The rollout's page over a world in memory: what it offers, what it asks of the tick, and what it refuses."""

from __future__ import annotations

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from contender.config import Settings
from contender.experiments.goal import Goal
from contender.experiments.guardrails import Guardrail
from contender.lambdas import tick
from contender.measurements.counts import bucket_key
from contender.rollout.spec import Spec
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Desk
from contender.studio.kept import Kept
from tests.lambdas.fakes import FakeTables
from tests.lambdas.world import PATIENT, SETTINGS, World
from tests.project import until

PAGE = "/dimensions/A/rollout"
PATIENCE_S = 20.0
GOAL = Goal(minimum_sample=50, maximum_duration_s=86_400.0, n_star=500.0)


class Tick:
    """The Lambda function, called in this process."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == "contender-tick"
        event = json.loads(Payload)
        self.asked.append(event)
        answer = tick.answer(SETTINGS, self.world.clients, event, {})
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::123456789012:user/ada"}


class CloudWatch:
    def get_paginator(self, operation: str) -> CloudWatch:
        return self

    def paginate(self, *, MetricDataQueries: list[dict[str, Any]], **window: Any) -> list[dict[str, Any]]:
        return [{"MetricDataResults": [{"Id": each["Id"], "Values": [10.0]} for each in MetricDataQueries]}]


class Site:
    """A browser's session on the page of a world."""

    def __init__(self, world: World, *, allow_actions: bool = True) -> None:
        self.world, self.tick = world, Tick(world)
        services = {
            "sagemaker": world.sagemaker,
            "dynamodb": world.tables,
            "lambda": self.tick,
            "sts": Sts(),
            "cloudwatch": CloudWatch(),
        }
        connect: Any = services.__getitem__
        self.desk = Desk(Settings(), connect, clock=lambda: world.now, kept=Kept(lambda: world.now))
        self._browser = TestClient(studio(self.desk, Access(allow_actions)), base_url="http://127.0.0.1")

    def ask(self, address: str = PAGE, form: dict[str, str] | None = None) -> Response:
        """What the page answers, where it leads after a form."""
        return self._browser.get(address) if form is None else self._browser.post(address, data=form)

    def get(self, query: str = "") -> str:
        answer = self.ask(f"{PAGE}{query}")
        assert answer.status_code == 200
        return answer.text

    def form(self, page: str, button: str) -> dict[str, str]:
        """What the browser sends when the button with these words is pressed."""
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
            if f">{button}</button>" in form:
                named = re.findall(r'<input[^>]*? name="([^"]*)"[^>]*?(?: value="([^"]*)")?>', form)
                pressed = re.findall(r'<button[^>]* name="([^"]*)" value="([^"]*)"', form)
                return dict(named) | dict(pressed)
        raise AssertionError(f"there is no button {button!r}")

    def buttons(self, page: str) -> list[str]:
        return re.findall(r"<button[^>]*>([^<]*)</button>", page)

    def press(self, button: str, query: str = "", **fields: str) -> str:
        answer = self.ask(form=self.form(self.get(query), button) | fields)
        assert answer.status_code == 200
        return answer.text


def world(spec: Spec = PATIENT) -> World:
    """v1 is champion, v2 has its first share."""
    world = World()
    world.roll_out()
    world.roll_out()
    world.set(spec)
    assert world.phases == {2: "Ramping"}
    return world


def count(world: World, hours: int) -> None:
    """Requests and rewards of so many hours, the challenger's better."""
    start = world.now.replace(minute=0, second=0, microsecond=0)
    for hour in range(hours):
        for variant, n, positive in (("v1", 90, 9), ("v2", 10, 4)):
            numbers = {
                "n": n,
                "users": n,
                "expected_n": n,
                "expected_users": n,
                "lat_40": n,
                "conversions:reward": positive,
                "positive:reward": positive,
                "sum:reward": positive,
                "squares:reward": positive,
            }
            key = {
                "pk": {"S": "contender-A-e1"},
                "sk": {"S": bucket_key(variant, start + timedelta(hours=hour))},
            }
            item = key | {name: {"N": str(value)} for name, value in numbers.items()}
            world.tables.tables["contender-experiments"][key["pk"]["S"], key["sk"]["S"]] = item
    world.sagemaker.now = start + timedelta(hours=hours + 1)


def charts(page: str) -> dict[str, dict[str, Any]]:
    found = re.findall(r'id="chart-(\w+)">.*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def test_a_dimension_without_a_version_is_told_how_to_get_one() -> None:
    assert "contender data upload DIR" in Site(World()).get()
    unapproved = World()
    unapproved.register("PendingManualApproval")
    assert "v1 waits for approval" in (page := Site(unapproved).get())
    assert "/dimensions/A/models#version-1" in page
    assert "contender models approve A 1" in page


def test_what_is_paused_says_so_beside_its_name() -> None:
    site = Site(world())
    heading = site.press("Pause").partition("<h1>")[2].partition("</h1>")[0]
    assert "Paused" in heading
    assert "Paused" not in site.press("Resume").partition("<h1>")[2].partition("</h1>")[0]


def test_a_guardrail_that_nothing_was_counted_for_has_no_figures() -> None:
    site = Site(world(replace(PATIENT, guardrails=(Guardrail("latency_p95", 1.5, minimum_sample=5),))))
    assert '<td class="number">–</td><td class="number">–</td>' in site.get()


def test_a_reason_says_when_it_was_told() -> None:
    page = Site(world()).get()
    told = re.search(r'as decided (<time datetime="[^"]+">)', page)
    assert told is not None
    assert told[1] in page.partition('<ol class="timeline">')[2]


def test_rollouts_that_are_not_deployed_are_said_to_be() -> None:
    bare = World(tables=FakeTables("contender-rollouts"))
    bare.register()
    del bare.tables.tables["contender-rollouts"]
    assert "rollouts are not deployed: <code>contender deploy</code>" in Site(bare).get()


def test_what_fits_the_state_is_offered() -> None:
    site = Site(world())
    assert site.buttons(site.get()) == ["Pause", "Promote v2…", "Roll back v2…"]
    page = site.press("Pause", reason="the fair opens")
    assert site.buttons(page) == ["Resume", "Promote v2…", "Roll back v2…"]
    assert "asked by" in page
    assert "(user/ada): “the fair opens”" in page
    assert site.world.state.paused
    site.press("Resume")
    assert not site.world.state.paused


def test_a_promotion_is_rehearsed_and_then_done() -> None:
    site = Site(world())
    page = site.get("?confirm=promote&of=2")
    assert "would be done: shift shares of contender-A to v1 0.0%, v2 100.0%" in page
    assert site.buttons(page) == ["Promote v2 now"]
    assert site.world.phases == {2: "Ramping"}
    page = site.press("Promote v2 now", "?confirm=promote&of=2", reason="<b>better</b>")
    assert "v2 is promoted: " in page
    assert "&lt;b&gt;better&lt;/b&gt;" in page
    assert "<b>better" not in page
    assert site.world.state.shares == {1: 0.0, 2: 1.0}
    assert [asked["DryRun"] for asked in site.tick.asked] == [True, True, False]


def test_a_button_that_is_pressed_twice_acts_once() -> None:
    site = Site(world())
    form = site.form(site.get("?confirm=promote&of=2"), "Promote v2 now")
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda _: site.ask(form=form).status_code, range(2)))
    assert pages == [200, 200]
    assert len([asked for asked in site.tick.asked if not asked["DryRun"]]) == 1
    site.world.run_out()
    assert site.world.phases == {2: "Baking"}
    answer = site.ask(form=form).text  # much later, in another tab: it does not end the baking
    assert "nothing was done, for v2 is Baking" in answer
    assert site.world.phases == {2: "Baking"}


def test_what_the_tick_refuses_is_one_line_of_the_page() -> None:
    site = Site(world())
    page = site.press("Pause", verb="start", version="7", seen="v7 has not begun")
    assert re.search(r'role="alert"><p>contender-A has no v7: the registry has v1, v2</p>', page)
    page = site.press("Pause", verb="explode")
    assert "there is no action &#39;explode&#39;: use start, pause" in page
    page = site.press("Pause", version="x")
    assert "version &#39;x&#39; is no number" in page


def test_a_page_that_only_looks_offers_nothing_and_does_nothing() -> None:
    site = Site(world(), allow_actions=False)
    page = site.get("?confirm=promote&of=2")
    assert "<form" not in page
    assert "contender studio --allow-actions" in page
    assert site.ask(form={"verb": "pause"}).status_code == 403
    assert site.tick.asked == []


@pytest.mark.parametrize("token", [{}, {"form_token": "guessed"}])
def test_a_form_of_another_session_is_refused(token: dict[str, str]) -> None:
    site = Site(world())
    site.get()
    answer = site.ask(form={"verb": "pause", "version": "", "seen": "it goes on", **token})
    assert answer.status_code == 403
    assert not site.world.state.paused


def test_a_rolled_back_version_may_be_started_and_an_earlier_champion_promoted() -> None:
    site = Site(world())
    site.press("Roll back v2 now", "?confirm=rollback&of=2")
    site.world.pass_time(120.0)
    page = site.get()
    assert site.buttons(page) == ["Pause", "Start v2…", "Promote v2…"]
    assert "the last was v2" in page
    assert "Experiment 1: v2 against v1" in page
    site.press("Start v2 now", "?confirm=start&of=2")
    site.world.pass_time(120.0)
    assert site.world.phases == {2: "Ramping"}


def test_counts_become_charts_tables_and_a_verdict() -> None:
    spec = replace(PATIENT, goal=GOAL, guardrails=(Guardrail("error_rate", 0.01), Guardrail("latency_p95", 1.5)))
    site = Site(world(spec))
    count(site.world, 12)
    page = site.get()
    drawn = charts(page)
    assert drawn.keys() == {"shares", "sequence", "posterior", "cumulative", "rate"}
    assert len(drawn["sequence"]["data"]["values"]) == 12
    assert drawn["cumulative"]["data"]["values"][-1]["reward"] == 48
    assert "v2 converts 40.0 % against 10.0 % of v1" in page
    assert '<progress max="50" value="50"' in page
    assert "1 point above v1" in page
    assert "1.5 times v1&#39;s" in page
    assert "Users went where the shares send them" in page


def test_counts_that_take_long_to_read_are_shown_as_they_were_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(world(replace(PATIENT, goal=GOAL)))
    may_go_on, query = Event(), site.world.tables.query

    def slowly(**request: Any) -> dict[str, Any]:
        assert not request["TableName"].endswith("-experiments") or may_go_on.wait(PATIENCE_S)
        return query(**request)

    def counted() -> int:
        return len(charts(site.get())["sequence"]["data"]["values"])

    count(site.world, 2)
    assert counted() == 2
    now = site.world.now
    count(site.world, 2)
    site.world.sagemaker.now = now + timedelta(seconds=70)
    monkeypatch.setattr(site.world.tables, "query", slowly)
    assert counted() == 2
    may_go_on.set()
    until(lambda: counted() == 4, "the new counts to be read")


def test_a_question_that_is_over_keeps_its_last_verdict_about_the_goal() -> None:
    site = Site(world(replace(PATIENT, goal=GOAL, bake_s=60.0)))
    count(site.world, 2)
    site.world.tick()
    site.press("Promote v2 now", "?confirm=promote&of=2")
    site.world.pass_time(300.0)
    assert site.world.phases == {2: "Promoted"}
    page = site.get("?experiment=1&version=2")
    assert "v2 has 20 counted requests beside 180 of v1" in page
    assert "The last verdict of this question" in page


def test_other_methods_show_what_they_decide_with() -> None:
    titles: dict[Any, str] = {"msprt": "p-value of mSPRT", "expected_loss": "Expected loss"}
    for method, title in titles.items():
        site = Site(world(replace(PATIENT, goal=replace(GOAL, method=method))))
        count(site.world, 6)
        page = site.get()
        assert "method" in charts(page)
        assert f"<b>{title}</b>" in page


def test_nothing_counted_leaves_one_sentence_in_the_place_of_all_charts() -> None:
    page = Site(world(replace(PATIENT, goal=GOAL))).get()
    assert charts(page).keys() == {"shares"}
    assert page.count("send requests and rewards through the API") == 1
    assert "No reward was counted yet." not in page
    assert "no users were counted yet" in page.lower()


def test_without_a_goal_the_page_says_so() -> None:
    assert "No goal is set, so rewards decide nothing" in Site(world()).get()


def test_where_nobody_asks_through_the_api_cloudwatch_counts() -> None:
    site = Site(world(replace(PATIENT, guardrails=(Guardrail("error_rate", 0.01, minimum_sample=5),))))
    page = site.get()
    assert "counted by CloudWatch, which knows requests and errors" in page
    assert "100.0 %" in page  # all ten failed


def test_older_decisions_are_a_page_of_their_own() -> None:
    site = Site(world())
    for _ in range(30):
        site.press("Pause")
        site.press("Resume")
    page = site.get()
    assert page.count('<li id="decision-') == 50
    older = re.search(r'href="\?before=(\d+)">Older decisions', page)
    assert older is not None
    page = site.get(f"?before={older[1]}")
    assert f"Decisions before number {older[1]}" in page
    assert 'id="decision-1"' in page
    assert "data-every" not in page
    assert "There is no decision before number 1." in site.get("?before=1")


@pytest.mark.parametrize("query", ["?before=x", "?experiment=-1&version=", "?version=999", "?confirm=explode&of=2"])
def test_an_address_that_says_nonsense_is_as_if_it_said_nothing(query: str) -> None:
    assert 'id="decisions"' in Site(world()).get(query)


def test_a_name_that_cannot_be_a_dimension_is_not_found() -> None:
    answer = Site(World()).ask("/dimensions/%3Cb%3E/rollout")
    assert answer.status_code == 404
    assert "<b>" not in answer.text.partition("<main")[2].replace("<b></b>", "")


def test_how_often_it_looks_follows_what_happens() -> None:
    def every(page: str) -> str:
        return str(re.findall(r'data-every="(\d+)"', page)[0])

    site = Site(World())
    assert every(site.get()) == "15"
    site = Site(world())
    assert every(site.get()) == "5"
    assert every(site.press("Promote v2 now", "?confirm=promote&of=2")) == "2"
