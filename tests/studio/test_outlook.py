"""What comes next in a rollout, as its page says it."""

from __future__ import annotations

from typing import Any

from contender.experiments.evidence import Evidence
from contender.experiments.goal import Goal
from contender.rollout.observation import Verb
from contender.rollout.spec import DimensionSpec, Pins, Spec, StrategySpec
from contender.studio.views.outlook import headline, outlook, progress
from tests.rollout.dimension import Dimension, a_spec, ramping


def said(dimension: Dimension, version: int = 2) -> str:
    return " ".join(outlook(dimension.spec, dimension.state, dimension.track(version), dimension.now))


def spec(**changes: Any) -> Spec:
    return a_spec(**changes)


def test_a_step_says_what_the_next_one_waits_for() -> None:
    dimension = ramping(spec())
    assert "Step 2 of 2 gives it 50 %: 500 requests in this one, not before 2026-11-21 12:15:00 UTC." in said(dimension)
    dimension.ticks(12, requests=5_000)
    assert dimension.track().step == 2
    assert "After this last step it is promoted, if no guardrail fires" in said(dimension)


def test_a_goal_says_when_it_is_decided_at_the_latest() -> None:
    dimension = ramping(spec(goal=Goal(minimum_sample=1_000, maximum_duration_s=3_600)))
    words = said(dimension)
    assert "with 1,000 counted requests each at least" in words
    assert "if it has not by 2026-11-21 13:04:00 UTC, a person is asked" in words


def test_a_strategy_says_that_it_sets_the_shares() -> None:
    dimension = ramping(spec(goal=Goal(), strategy=StrategySpec("Thompson"), bucket_s=60.0))
    assert "Thompson sets the shares anew every 60 s" in said(dimension)


def test_approval_and_dry_run_are_said_beforehand() -> None:
    words = said(ramping(spec(goal=Goal(), approval="manual")))
    assert "a person has to approve it" in words
    dimension = ramping(spec(goal=Goal()))
    dimension.spec = spec(goal=Goal(), dry_run=True)
    assert "recorded only" in said(dimension)


def test_a_pause_and_pins_say_what_they_stop() -> None:
    dimension = ramping(spec())
    dimension.ask(Verb.PAUSE)
    assert said(dimension).startswith("It is paused")
    pinned = ramping(spec())
    pinned.spec = spec(dimensions={"SM-1": DimensionSpec(Pins(challengers=(2,)))})
    assert "pinned as a challenger" in said(pinned)


def test_a_promotion_and_a_rollback_say_where_they_are() -> None:
    dimension = ramping(spec(bake_s=60.0, drain_s=10.0))
    dimension.ask(Verb.PROMOTE)
    assert headline(dimension.state) == "v1 is champion, v2 takes over"
    assert "v1 then stands by for 60 s" in said(dimension)
    dimension.tick(10.0)
    assert headline(dimension.state) == "v1 is champion, v2 has taken over and is watched"
    assert "v2 becomes champion at the first look after 2026-11-21 12:" in said(dimension)
    dimension.ask(Verb.ROLLBACK)
    assert headline(dimension.state) == "v1 is champion, v2 rolls back"
    assert "v2 leaves the endpoint 10 s after the endpoint has changed" in said(dimension)
    dimension.ticks(3)
    assert headline(dimension.state) == "v1 is champion"
    assert "It gets no traffic unless a person starts it; v1 serves." in said(dimension)


def test_progress_counts_requests_since_the_step_began_and_towards_a_conclusion() -> None:
    dimension = ramping(spec(goal=Goal(minimum_sample=1_000, maximum_duration_s=3_600)))
    dimension.tick(60.0, requests=1_000)
    evidence = Evidence(tuple(dimension.strata), tuple(dimension.strata))
    found = progress(dimension.spec, dimension.state, dimension.track(), evidence, dimension.now)
    assert [(part.what, part.done, part.of) for part in found] == [
        ("requests in step 1", 100, 500),
        ("time in step 1", 60.0, 600.0),
        ("counted requests of v1", 900, 1_000),
        ("counted requests of v2", 100, 1_000),
        ("time until a person is asked", 120.0, 3_600),
    ]
    assert not any(part.reached for part in found)
