"""Confidence sequences and mSPRT of the difference of two means: formulas, symmetry, strata, and rates of error."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from random import Random

import pytest
from scipy import optimize

from contender.experiments import msprt
from contender.experiments.arms import Arm, Kind
from contender.experiments.evidence import Stratum, totals
from contender.experiments.goal import Goal, standing
from contender.experiments.intervals import compare, difference, mixture_width, width
from tests.experiments.counting import binary, binomial, drawn, pair, real

ALPHA = 0.05
KINDS: tuple[Kind, ...] = ("binary", "real")


def test_the_width_is_the_papers() -> None:
    n, n_star = 3000, 10_000
    rho = math.sqrt((-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / n_star)
    paper = math.sqrt(2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / ALPHA))
    assert width(n, n_star, ALPHA) / math.sqrt(n) == pytest.approx(paper)


def test_the_bounds_are_about_the_tightest_possible_at_n_star() -> None:
    best = optimize.minimize_scalar(lambda ratio: mixture_width(ratio, ALPHA), bounds=(0.1, 1000), method="bounded")
    assert width(10_000, 10_000, ALPHA) <= 1.001 * best.fun


@pytest.mark.parametrize("kind", KINDS)
def test_of_one_even_stratum_it_is_the_plain_difference(kind: Kind) -> None:
    a, b = binary(4000, 400), binary(4000, 480)
    found = difference([pair(a, b)], "v1", "v2", kind, ALPHA, n_star=10_000)
    assert found.estimate == pytest.approx(0.02)
    assert (found.champion, found.challenger, found.n) == pytest.approx((0.1, 0.12, 8000))
    error = math.sqrt(a.of(kind)[1] / a.n + b.of(kind)[1] / b.n)
    assert found.error == pytest.approx(error, rel=1e-3)
    assert found.upper - found.estimate == pytest.approx(error * width(8000, 10_000, ALPHA), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_exchanging_the_two_turns_the_interval_round(kind: Kind) -> None:
    strata = [pair(binary(900, 90), binary(100, 14)), pair(binary(300, 20), binary(310, 45))]
    one, other = (difference(strata, *names, kind, ALPHA) for names in (("v1", "v2"), ("v2", "v1")))
    assert (one.estimate, one.lower, one.upper) == pytest.approx((-other.estimate, -other.upper, -other.lower))


def test_splitting_a_stratum_by_chance_changes_little() -> None:
    random = Random(1)
    parts = [
        pair(drawn(random, 500, lambda r: r.gauss(1, 2)), drawn(random, 500, lambda r: r.gauss(1, 2))) for _ in range(8)
    ]
    whole = sum(parts[1:], parts[0])
    split, joined = (difference(strata, "v1", "v2", "real", ALPHA) for strata in (parts, [whole]))
    assert split.estimate == pytest.approx(joined.estimate, abs=1e-9)
    assert split.upper - split.lower == pytest.approx(joined.upper - joined.lower, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [4, 12])
def test_strata_of_a_few_requests_tell_how_uncertain_they_are_together(kind: Kind, size: int) -> None:
    """Each knows little of its own variance: two requests, half of it."""
    scores = []
    for seed in range(100):
        random = Random(seed)
        strata = [
            pair(binary(size / 2, binomial(random, size // 2, 0.2)), binary(size / 2, binomial(random, size // 2, 0.2)))
            for _ in range(60)
        ]
        found = compare(strata, "v1", "v2", kind)
        scores.append(found.estimate / found.error)
    assert 0.8 < statistics.pstdev(scores) < 1.2


def test_scaling_rewards_scales_the_interval() -> None:
    random = Random(2)
    a, b = ([random.lognormvariate(0, 1) for _ in range(300)] for _ in range(2))
    euros, cents = (
        difference([pair(real(s * r for r in a), real(s * r for r in b))], "v1", "v2", "real", ALPHA) for s in (1, 100)
    )
    assert (cents.lower, cents.upper) == pytest.approx((100 * euros.lower, 100 * euros.upper))


def test_a_stratum_without_one_of_the_two_is_left_out() -> None:
    known = pair(binary(500, 50), binary(500, 60))
    others = [Stratum({"v1": 1.0}, {"v1": binary(900, 800)}), pair(binary(900, 800), Arm()), Stratum({}, {})]
    assert difference([*others, known], "v1", "v2", "binary", ALPHA) == difference([known], "v1", "v2", "binary", ALPHA)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "strata", [[], [pair(Arm(), Arm())], [pair(binary(50, 0), binary(50, 0))], [pair(binary(1, 1), binary(1, 1))]]
)
def test_nothing_is_known_where_nothing_varied(kind: Kind, strata: list[Stratum]) -> None:
    found = difference(strata, "v1", "v2", kind, ALPHA)
    assert (found.lower, found.upper) == (-math.inf, math.inf)
    assert msprt.p_value(found, 0.01) == 1


def test_an_arm_without_successes_is_not_certain_to_have_none() -> None:
    found = difference([pair(binary(900, 9), binary(100, 0))], "v1", "v2", "binary", ALPHA)
    assert found.upper > 0.02


def test_the_p_value_is_johari_s_and_its_interval_agrees_with_it() -> None:
    n, a, b, tau = 2500, 0.10, 0.13, 0.01
    found = compare([pair(binary(n, n * a), binary(n, n * b))], "v1", "v2", "binary")
    v = n * found.error**2
    mixture = math.sqrt(v / (v + n * tau**2)) * math.exp(n**2 * tau**2 * (b - a) ** 2 / (2 * v * (v + n * tau**2)))
    p = msprt.p_value(found, tau)
    assert p == pytest.approx(1 / mixture)
    assert v == pytest.approx(a * (1 - a) + b * (1 - b), rel=1e-4)
    assert msprt.interval(found, tau, p).lower == pytest.approx(0, abs=1e-9)


def test_the_effect_expected_of_real_rewards_is_a_tenth_of_their_deviation() -> None:
    random = Random(3)
    arms = [drawn(random, 2000, lambda r: r.gauss(50, 7)) for _ in range(2)]
    assert msprt.expected_effect(compare([pair(*arms)], "v1", "v2", "real"), "real") == pytest.approx(0.7, rel=0.05)


Draw = Callable[[Random], float]


def rate(p: float) -> Draw:
    return lambda random: float(random.random() < p)


def lognormal(sigma: float) -> Draw:
    return lambda random: random.lognormvariate(0, sigma)


def rare_amounts(random: Random) -> float:
    return random.lognormvariate(0, 1.2) if random.random() < 0.05 else 0.0


def decided(goal: Goal, random: Random, draws: tuple[Draw, Draw], share: float, looks: int, batch: int) -> str:
    """What a look after every batch comes to first, of an experiment in which the challenger gets this share."""
    so_far = pair(Arm(), Arm())
    for _ in range(looks):
        n = binomial(random, batch, share)
        so_far += pair(drawn(random, batch - n, draws[0]), drawn(random, n, draws[1]))
        shown = standing(goal, [so_far], "v1", "v2", goal.alpha).shown
        if shown in ("better", "worse"):
            return shown
    return "unknown"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("binary", rate(0.01)),
        ("binary", rate(0.3)),
        ("real", lognormal(1.0)),
        ("real", lognormal(1.5)),
        ("real", rare_amounts),
    ],
)
def test_equal_variants_are_seldom_told_apart_however_often_one_looks(kind: Kind, draw: Draw, share: float) -> None:
    """120 runs of 40 looks: at a true rate of 5 %, more than 12 wrong ones would come up once in a hundred times."""
    goal = Goal(kind=kind, minimum_sample=30)
    wrong = sum(decided(goal, Random(seed), (draw, draw), share, 40, 100) != "unknown" for seed in range(120))
    assert wrong <= 12


@pytest.mark.parametrize("method", ["confidence_sequence", "msprt"])
def test_a_better_variant_is_found(method: str) -> None:
    goal = Goal(method=method, minimum_sample=50)  # type: ignore[arg-type]
    found = [decided(goal, Random(seed), (rate(0.10), rate(0.14)), 0.5, 60, 150) for seed in range(25)]
    assert found.count("better") >= 23
    assert "worse" not in found


def drifting(seed: int) -> list[Stratum]:
    """Equal variants whose rate rises from 5 to 20 % while the challenger's share does, from 10 to 50 %."""
    random, strata = Random(seed), []
    for step, share in enumerate((0.1, 0.25, 0.5)):
        for part in range(6):
            p = 0.05 + 0.15 * (6 * step + part) / 17
            n = binomial(random, 400, share)
            strata.append(
                pair(
                    binary(400 - n, binomial(random, 400 - n, p)),
                    binary(n, binomial(random, n, p)),
                    v1=1 - share,
                    v2=share,
                )
            )
    return strata


def test_a_base_rate_that_drifts_while_shares_change_makes_nobody_better() -> None:
    goal, runs = Goal(minimum_sample=100), 60
    told = {"by strata": 0, "pooled": 0}
    for seed in range(runs):
        strata = drifting(seed)
        pooled = [Stratum({}, totals(strata))]
        told["by strata"] += standing(goal, strata, "v1", "v2", ALPHA).shown == "better"
        told["pooled"] += standing(goal, pooled, "v1", "v2", ALPHA).shown == "better"
    assert told["by strata"] == 0
    assert told["pooled"] > runs / 2, "the problem is not one that strata are needed for"
