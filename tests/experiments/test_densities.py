"""The curves of what is believed of a mean reward: whole, with their peak where it belongs, as scipy has them."""

from __future__ import annotations

import pytest
from scipy import stats

from contender.experiments.arms import Arm
from contender.experiments.densities import Curve, area, densities


def binary(n: int, successes: int) -> Arm:
    return Arm(n, successes, float(successes), float(successes))


def peak(curve: Curve) -> float:
    return max(curve, key=lambda point: point[1])[0]


@pytest.mark.parametrize(("n", "successes"), [(0, 0), (1, 1), (50, 0), (50, 50), (300, 40), (1_000_000, 1_200)])
def test_a_curve_of_successes_is_whole_and_as_scipy_has_it(n: int, successes: int) -> None:
    curve = densities({"v1": binary(n, successes)}, "binary")["v1"]
    assert area(curve) == pytest.approx(1.0, abs=2e-3)
    expected = stats.beta(1 + successes, 1 + n - successes)
    assert [y for _, y in curve] == pytest.approx([expected.pdf(x) for x, _ in curve], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("n", "successes"), [(50, 0), (50, 50), (300, 40), (1_000_000, 1_200)])
def test_the_likeliest_rate_is_the_one_that_was_seen(n: int, successes: int) -> None:
    curve = densities({"v1": binary(n, successes)}, "binary")["v1"]
    step = curve[1][0] - curve[0][0]
    assert peak(curve) == pytest.approx(successes / n, abs=step)


def test_a_curve_of_real_rewards_is_whole_and_peaks_at_the_mean() -> None:
    arms = {"v1": Arm(400, 400, 1_000.0, 3_000.0), "v2": Arm(400, 400, 1_200.0, 4_500.0)}
    for name, curve in densities(arms, "real").items():
        assert area(curve) == pytest.approx(1.0, abs=1e-6)
        assert peak(curve) == pytest.approx(arms[name].mean, rel=1e-2)


def test_nothing_is_believed_of_nobody() -> None:
    assert densities({}, "real") == densities({}, "binary") == {}
