"""Draws of whole batches have the distribution of the requests they stand for."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from scipy import stats

from contender.experiments.draws import binomial, multinomial, normal_sums

DRAWS = 20_000


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (20, 0.1), (99, 0.1), (100, 0.1), (60, 0.5), (1000, 0.02), (500, 0.83)])
def test_binomial_draws_follow_scipys_distribution(n: int, p: float) -> None:
    random = Random(1)
    seen = Counter(binomial(random, n, p) for _ in range(DRAWS))
    observed: list[float] = []
    expected: list[float] = []
    count, mass = 0.0, 0.0
    for k in range(n + 1):
        count, mass = count + seen[k], mass + DRAWS * float(stats.binom.pmf(k, n, p))
        if mass >= 10:  # cells of fewer are joined with the next
            observed, expected, count, mass = [*observed, count], [*expected, mass], 0.0, 0.0
    observed[-1] += count
    expected[-1] += mass
    assert stats.chisquare(observed, expected).pvalue > 0.001


@pytest.mark.parametrize(
    ("n", "p", "successes"), [(0, 0.5, 0), (10, 0.0, 0), (10, 1.0, 10), (10, -0.1, 0), (10, 1.1, 10)]
)
def test_certain_outcomes_need_no_chance(n: int, p: float, successes: int) -> None:
    assert binomial(Random(1), n, p) == successes


def test_multinomial_draws_split_everything_by_the_shares() -> None:
    random = Random(2)
    shares = {"v1": 0.7, "v2": 0.1, "v3": 0.2}
    sums: Counter[str] = Counter()
    for _ in range(1000):
        counts = multinomial(random, 100, shares)
        assert sum(counts.values()) == 100
        sums.update(counts)
    assert (
        stats.chisquare([sums[name] for name in shares], [100_000 * share for share in shares.values()]).pvalue > 0.01
    )


def test_multinomial_draws_survive_shares_that_rounding_left_below_one() -> None:
    shares = {"v1": 0.1 + 0.2, "v2": 0.7 - 1e-9}
    assert sum(multinomial(Random(3), 1000, shares).values()) == 1000


def test_normal_sums_have_the_moments_of_single_draws() -> None:
    random = Random(4)
    sums = [normal_sums(random, 25, 3.0, 2.0) for _ in range(DRAWS)]
    averages = [total / 25 for total, _ in sums]
    variances = [(squares - total**2 / 25) / 24 for total, squares in sums]
    assert stats.kstest(averages, stats.norm(3.0, 2.0 / math.sqrt(25)).cdf).pvalue > 0.01
    assert stats.kstest([24 * variance / 4 for variance in variances], stats.chi2(24).cdf).pvalue > 0.01
    assert abs(stats.pearsonr(averages, variances).statistic) < 0.03


def test_normal_sums_of_nothing_and_of_one() -> None:
    assert normal_sums(Random(5), 0, 3.0, 2.0) == (0.0, 0.0)
    total, squares = normal_sums(Random(5), 1, 3.0, 2.0)
    assert squares == pytest.approx(total**2)
