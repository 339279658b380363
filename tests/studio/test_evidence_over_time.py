"""What counts said over time: at the end what the tick decides by, and at each moment what it would have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contender.experiments.evidence import totals
from contender.experiments.goal import Goal, Method, standing
from contender.experiments.intervals import difference
from contender.experiments.judge import judge
from contender.rollout.evidence import evidence
from contender.rollout.state import Phase, State, Track
from contender.studio.reading.questions import Question
from contender.studio.views.evidence_over_time import MOMENTS, moments
from tests.rollout.test_evidence import HOUR, SPEC, START, hours

GOAL = Goal(alpha=0.04, minimum_sample=10, n_star=500.0)


def question(*versions: int) -> Question:
    """v2 against v1, beside other challengers."""
    tracks = tuple(Track(v, Phase.RAMPING, 1, START, START, START, "step", "") for v in versions or (2,))
    state = State("contender-A", "A", experiment=1, champion=1, tracks=tracks)
    return Question(1, 1, tracks[0], state)


def shares(count: int) -> list[float]:
    """Three stretches of shares, so that strata are compared."""
    return [0.1] * (count // 3) + [0.3] * (count // 3) + [0.1] * (count - 2 * (count // 3))


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 200])
@pytest.mark.parametrize("method", ["confidence_sequence", "msprt", "expected_loss"])
def test_the_last_moment_is_what_the_tick_decides_by(count: int, method: Method) -> None:
    goal, buckets, now = replace(GOAL, method=method), hours(*shares(count)), START + (count + 1) * HOUR
    found = moments(replace(SPEC, goal=goal), goal, buckets, question(), now)
    seen = evidence(replace(SPEC, goal=goal), buckets, now)
    assert found[-1].standing == standing(goal, seen.strata, "v1", "v2", goal.alpha)
    verdict = judge(goal, (), seen, "v1", "v2", 0.0)
    numbers = found[-1].standing.interval
    assert verdict.numbers["estimate"] == numbers.estimate
    assert (verdict.numbers.get("lower"), verdict.numbers.get("upper")) == (numbers.lower, numbers.upper)
    if method == "confidence_sequence":
        assert numbers == difference(seen.strata, "v1", "v2", "binary", goal.alpha, goal.n_star)
    assert found[-1].arms == totals(seen.strata)
    assert found[-1].at == START + count * HOUR


@pytest.mark.parametrize("count", [0, 1, 59, 60, 61, 200, 1000])
def test_there_are_as_many_moments_as_a_chart_shows(count: int) -> None:
    found = moments(SPEC, GOAL, hours(*shares(count)), question(), START + (count + 1) * HOUR)
    assert min(count, MOMENTS) * 0.5 <= len(found) <= MOMENTS
    assert [moment.at for moment in found] == sorted({moment.at for moment in found})


def test_each_moment_is_what_was_known_then() -> None:
    buckets = hours(*shares(30))
    for moment in moments(SPEC, GOAL, buckets, question(), START + 31 * HOUR):
        known = {key: counts for key, counts in buckets.items() if key[1] + HOUR <= moment.at}
        strata = evidence(SPEC, known, moment.at).strata
        assert moment.standing == standing(GOAL, strata, "v1", "v2", GOAL.alpha)


def test_requests_whose_rewards_may_still_come_are_not_counted() -> None:
    spec: Any = replace(SPEC, reward_window_s=7200.0)
    found = moments(spec, GOAL, hours(*shares(9)), question(), START + 9 * HOUR)
    assert found[-1].at == START + 7 * HOUR
    assert moments(spec, GOAL, hours(0.1), question(), START + timedelta(seconds=1)) == ()


def test_challengers_at_the_same_time_share_the_level() -> None:
    alone, beside = (
        moments(SPEC, GOAL, hours(*shares(30)), asked, START + 31 * HOUR)[-1].standing.interval
        for asked in (question(2), question(2, 3))
    )
    assert beside.upper - beside.lower > alone.upper - alone.lower
