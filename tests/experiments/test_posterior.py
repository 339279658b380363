"""Chances to be the best: identities, and agreement with scipy's integrals."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from scipy import integrate, stats

from contender.experiments.arms import Arm
from contender.experiments.posterior import chances
from tests.experiments.counting import binary, real

NAMES = ("v1", "v2", "v3", "v4")


def random_arms(seed: int) -> dict[str, Arm]:
    random = Random(seed)
    base = 10 ** random.uniform(-3, -0.1)
    arms = {}
    for name in NAMES[: random.randint(2, 4)]:
        n = int(10 ** random.uniform(0, 5))
        arms[name] = binary(n, round(n * min(base * random.uniform(0.7, 1.3), 1)))
    return arms


def betas(arms: dict[str, Arm]) -> list[stats.rv_continuous]:
    return [stats.beta(1 + arm.successes, 1 + arm.n - arm.successes) for arm in arms.values()]


def integrated(densities: list[stats.rv_continuous], best: int) -> float:
    """P(best) by adaptive quadrature between the best one's own quantiles."""

    def density(x: float) -> float:
        return float(densities[best].pdf(x) * np.prod([d.cdf(x) for i, d in enumerate(densities) if i != best]))

    places = densities[best].ppf([1e-12, 1e-6, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-6, 1 - 1e-12])
    return sum(integrate.quad(density, a, b, epsabs=1e-13)[0] for a, b in pairwise(places))


@pytest.mark.parametrize("seed", range(12))
def test_chances_of_rates_agree_with_scipy(seed: int) -> None:
    arms = random_arms(seed)
    expected = [integrated(betas(arms), best) for best in range(len(arms))]
    assert list(chances(arms, "binary").values()) == pytest.approx(expected, abs=3e-6)


def test_the_chance_of_one_real_arm_beside_another_is_the_normal_one() -> None:
    random = Random(3)
    one, other = (real(random.gauss(mean, 2) for _ in range(2000)) for mean in (1.0, 1.1))
    error = math.sqrt(one.variance / one.n + other.variance / other.n)
    assert chances({"one": one, "other": other}, "real")["other"] == pytest.approx(
        stats.norm.cdf((other.mean - one.mean) / error), abs=2e-3
    )


@pytest.mark.parametrize("kind", ["binary", "real"])
def test_chances_sum_to_one_and_follow_the_names(kind: str) -> None:
    for seed in range(20):
        arms = random_arms(seed)
        found = chances(arms, kind)  # type: ignore[arg-type]
        assert sum(found.values()) == pytest.approx(1, abs=1e-12)
        turned = chances(dict(reversed(arms.items())), kind)  # type: ignore[arg-type]
        assert turned == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("kind", ["binary", "real"])
@pytest.mark.parametrize("arm", [Arm(), binary(1, 1), binary(1000, 0), binary(1000, 1000), Arm(4, 9, 9, 9)])
def test_arms_alike_have_the_same_chance(kind: str, arm: Arm) -> None:
    found = chances(dict.fromkeys(NAMES, arm), kind)  # type: ignore[arg-type]
    assert list(found.values()) == pytest.approx([0.25] * 4)


def test_rewards_that_never_vary_are_no_certainty_of_nothing() -> None:
    found = chances({"v1": real([1.0] * 50), "v2": real([2.0] * 50)}, "real")
    assert found["v2"] > 0.99
    assert chances({"v1": real([0.0] * 50), "v2": Arm()}, "real")["v2"] == pytest.approx(0.5)


def test_scaling_real_rewards_changes_no_chance() -> None:
    random = Random(5)
    rewards = {name: [random.lognormvariate(0, 1) for _ in range(40)] for name in NAMES}
    found = [
        chances({name: real(scale * r for r in values) for name, values in rewards.items()}, "real")
        for scale in (1, 1e6)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_chances_need_an_arm() -> None:
    with pytest.raises(ValueError, match="no arms"):
        chances({}, "binary")
