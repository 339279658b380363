"""Numbers over time: only what was known at a moment counts at that moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contender.experiments.evidence import totals
from contender.report.series import Series
from tests.report.records import LATER_S, RATES, record

SERIES = Series(record())


def test_rewards_add_up_to_what_was_received() -> None:
    received = {"v1": 0.0, "v2": 0.0}
    for request in SERIES.record.requests:
        received[request.variant] += sum(amount for _, amount in request.rewards)
    assert {variant: line.values[-1] for variant, line in SERIES.cumulative_rewards().items()} == received
    for line in SERIES.cumulative_rewards().values():
        assert list(line.values) == sorted(line.values)
        assert list(line.times_s) == sorted(line.times_s)


def test_a_reward_counts_from_its_own_time_on() -> None:
    assert all(arm.successes == 0 for arm in SERIES.arms(LATER_S * 0.9).values())
    assert SERIES.arms(LATER_S * 0.9)["v1"].n > 0
    rates = {variant: line.values[-1] for variant, line in SERIES.reward_rates().items()}
    assert rates == pytest.approx(RATES, abs=0.06)


def test_requests_whose_rewards_may_still_come_are_not_judged_yet() -> None:
    goal = replace(SERIES.record.goal, reward_window_s=LATER_S)
    waiting = Series(replace(SERIES.record, goal=goal))
    early = waiting.arms(10.0)
    assert sum(arm.n for arm in early.values()) == sum(arm.n for arm in SERIES.arms(10.0 - LATER_S).values())
    assert early["v2"].rate > SERIES.arms(10.0)["v2"].rate
    assert waiting.totals() == SERIES.totals()


def test_strata_are_stretches_of_equal_shares_and_lose_no_request() -> None:
    strata = SERIES.strata(SERIES.end_s)
    assert [stratum.shares["v2"] for stratum in strata] == [0.2, 0.5]
    assert totals(strata) == SERIES.arms(SERIES.end_s)


def test_shares_are_those_that_requests_were_assigned_by() -> None:
    lines = SERIES.shares()
    assert lines["v2"].values == (0.2, 0.5, 0.5)
    assert [sum(values) for values in zip(*(line.values for line in lines.values()), strict=True)] == [1.0, 1.0, 1.0]


def test_the_band_narrows_around_the_difference_and_leaves_zero() -> None:
    band = SERIES.band()
    widths = [upper - lower for lower, upper in zip(band.lower, band.upper, strict=True)]
    assert widths[-1] < widths[len(widths) // 2]
    assert band.lower[-1] > 0
    assert band.estimates[-1] == pytest.approx(RATES["v2"] - RATES["v1"], abs=0.1)


def test_posteriors_are_densities_that_sharpen() -> None:
    looks = SERIES.posteriors()
    for look in looks:
        for found in look.values():
            assert np.trapezoid(found.density, found.rewards) == pytest.approx(1, abs=0.01)
    assert looks[-1]["v1"].density.max() > looks[0]["v1"].density.max()


def test_a_ranking_counts_every_known_answer_once() -> None:
    for variant, found in SERIES.rankings().items():
        assert found.n == sum(request.variant == variant for request in SERIES.record.requests)
        assert found.accuracy == pytest.approx(RATES[variant], abs=0.06)
        assert found.auc > 0.5


def test_a_record_of_one_request_has_series_too() -> None:
    series = Series(record(1))
    assert series.band().times_s == ()
    assert list(series.rankings()) == ["v1"]
    assert np.isnan(series.rankings()["v1"].auc)
