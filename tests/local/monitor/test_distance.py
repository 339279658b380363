"""Distances between distributions: identities, symmetry, and agreement with scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from contender.local.containers.monitor import distance
from contender.local.containers.monitor.numbers import Numbers, Sketch


def sketch(values: np.ndarray) -> Sketch:
    numbers = Numbers()
    numbers.update(np.array(values, dtype="float64"))
    return numbers.sketch()


def test_the_simple_distance_is_the_kolmogorov_smirnov_statistic() -> None:
    random = np.random.default_rng(1)
    for shift in (0, 0.1, 3):
        first, second = random.normal(0, 1, 1500), random.normal(shift, 1, 900)
        gap, n, m = distance.numerical(sketch(first), sketch(second))
        assert (n, m) == (1500, 900)
        assert gap.distance == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)


def test_ties_and_infinities_are_compared_as_scipy_does() -> None:
    random = np.random.default_rng(2)
    first, second = random.integers(0, 5, 1000), random.integers(1, 6, 1200)
    gap, _, _ = distance.numerical(sketch(first), sketch(second))
    assert gap.distance == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)
    endless, _, _ = distance.numerical(sketch([1.0, math.inf]), sketch([1.0, 2.0]))
    assert endless.distance == 0.5


def test_large_samples_are_right_within_the_sketches_error() -> None:
    random = np.random.default_rng(3)
    first, second = random.normal(0, 1, 400_000), random.normal(0.2, 1.1, 300_000)
    gap, _, _ = distance.numerical(sketch(first), sketch(second))
    assert gap.distance == pytest.approx(stats.ks_2samp(first, second).statistic, abs=0.005)


def test_a_distribution_lies_nowhere_from_itself_and_as_far_from_another_as_that_from_it() -> None:
    random = np.random.default_rng(4)
    first, second = sketch(random.random(700)), sketch(random.random(500) ** 2)
    assert distance.numerical(first, first)[0].distance == 0
    assert distance.numerical(first, second)[0].distance == distance.numerical(second, first)[0].distance
    assert distance.categorical({"a": 3, "b": 1}, {"a": 6, "b": 2}, 8).distance == 0


def test_the_gap_tells_where_it_is() -> None:
    gap = distance.categorical({"a": 50, "b": 50}, {"a": 20, "b": 50, "c": 30}, 100)
    assert gap == distance.Gap(pytest.approx(0.3), "a", 0.5, 0.2)


def test_values_of_no_category_count_into_the_shares() -> None:
    assert distance.categorical({"a": 10}, {"a": 5}, 20).distance == 0.75


def test_the_robust_distance_leaves_out_what_two_samples_differ_by_chance() -> None:
    assert distance.robust(0.5, 100, 100) == pytest.approx(0.5 - 1.8 * math.sqrt(200 / 10_000))
    assert distance.robust(0.01, 100, 100) == 0
    assert distance.robust(0.5, 10**9, 10**9) == pytest.approx(0.5, abs=1e-4)


def test_c_alpha_stands_for_the_level_that_deequ_names() -> None:
    assert 2 * math.exp(-2 * distance.C_ALPHA**2) == pytest.approx(0.003, abs=0.0002)


def test_chi_squared_agrees_with_scipy_where_no_category_is_rare() -> None:
    baseline, current = {"a": 500, "b": 300, "c": 200}, {"a": 450, "b": 330, "c": 220}
    expected = stats.chisquare([450, 330, 220], [500, 300, 200]).pvalue
    assert distance.chi_squared(baseline, current) == pytest.approx(expected)


def test_chi_squared_joins_rare_categories() -> None:
    baseline = {"a": 500, "b": 480, "c": 12, "d": 8}
    current = {"a": 50, "b": 45, "c": 4, "d": 1}
    # 1.2 and 0.8 are expected of c and d: joined they expect 2, still under 5 but now the one of three; a fifth of
    # three categories is none, so that one is joined with b
    expected = stats.chisquare([50, 50], [50, 50]).pvalue
    assert distance.chi_squared(baseline, current) == pytest.approx(expected)


def test_chi_squared_needs_two_categories() -> None:
    assert math.isnan(distance.chi_squared({"a": 10}, {"a": 10}))
    assert math.isnan(distance.chi_squared({"a": 3, "b": 4}, {"a": 3, "b": 4}))
    assert math.isnan(distance.chi_squared({"a": 300, "b": 400}, {"c": 3}))
