"""Chances to be best, expected losses and value remaining: identities, and agreement with scipy's integrals."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from scipy import integrate, stats

from contender.experiments.arms import Arm
from contender.experiments.posterior import beliefs, chance_to_beat, chances, expected_loss
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


@pytest.mark.parametrize("seed", range(6))
def test_losses_of_rates_agree_with_scipy(seed: int) -> None:
    arms = random_arms(seed)
    densities = betas(arms)
    places = sorted(
        {0.0, 1.0, *np.concatenate([d.ppf([1e-9, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-9]) for d in densities])}
    )
    below = sum(
        integrate.quad(lambda x: float(np.prod([d.cdf(x) for d in densities])), a, b, epsabs=1e-13)[0]
        for a, b in pairwise(places)
    )
    expected = [1 - below - float(d.mean()) for d in densities]
    assert list(expected_loss(arms, "binary").values()) == pytest.approx(expected, abs=1e-6)


def test_a_real_chance_to_beat_is_the_normal_one() -> None:
    random = Random(3)
    one, other = (real(random.gauss(mean, 2) for _ in range(2000)) for mean in (1.0, 1.1))
    error = math.sqrt(one.variance / one.n + other.variance / other.n)
    assert chance_to_beat(one, other, "real") == pytest.approx(
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


def test_the_losses_of_two_differ_by_their_means() -> None:
    arms = {"v1": binary(300, 30), "v2": binary(500, 65)}
    losses = expected_loss(arms, "binary")
    assert losses["v1"] - losses["v2"] == pytest.approx(66 / 502 - 31 / 302, abs=1e-7)
    assert min(losses.values()) > 0


def test_value_remaining_is_the_quantile_of_what_another_may_earn_more() -> None:
    arms = {"v1": binary(1000, 100), "v2": binary(1000, 110), "v3": binary(50, 4)}
    draws = [d.rvs(200_000, random_state=np.random.default_rng(i)) for i, d in enumerate(betas(arms))]
    leader = list(arms).index(max(chances(arms, "binary").items(), key=lambda item: item[1])[0])
    remaining = np.quantile(np.max(draws, axis=0) / draws[leader] - 1, 0.95)
    assert beliefs(arms, "binary").value_remaining() == pytest.approx(float(remaining), rel=0.03)


def test_nothing_remains_when_one_is_surely_best() -> None:
    assert beliefs({"v1": binary(10_000, 100), "v2": binary(10_000, 900)}, "binary").value_remaining() == 0


def test_beliefs_need_an_arm() -> None:
    with pytest.raises(ValueError, match="no arms"):
        chances({}, "binary")
