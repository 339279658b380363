"""Assignment: the same variant for the same user, by the shares, and few movers when they change."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from scipy import stats

from contender.experiments.assignment import Assignment, assign

USERS = [f"user-{number}" for number in range(20_000)]


def assigned(shares: dict[str, float], experiment: str = "contender-SM-1-e1") -> list[str]:
    return [assign(experiment, user, shares).variant for user in USERS]


@pytest.mark.parametrize(
    "shares",
    [
        {"v1": 0.5, "v2": 0.5},
        {"v1": 0.99, "v2": 0.01},
        {"v1": 0.7, "v2": 0.2, "v3": 0.1},
        {f"v{i}": 0.1 for i in range(10)},
    ],
)
def test_users_are_divided_by_the_shares(shares: dict[str, float]) -> None:
    counts = Counter(assigned(shares))
    expected = [share * len(USERS) for share in shares.values()]
    assert stats.chisquare([counts[name] for name in shares], expected).pvalue > 0.001


def test_a_user_stays_while_the_shares_stay_and_whatever_their_order() -> None:
    shares = {"v1": 0.6, "v2": 0.3, "v3": 0.1}
    assert assigned(shares) == assigned(dict(reversed(shares.items())))


def test_another_experiment_divides_the_same_users_anew() -> None:
    shares = {"v1": 0.5, "v2": 0.5}
    both = Counter(zip(assigned(shares), assigned(shares, "contender-SM-1-e2"), strict=True))
    table = [[both["v1", "v1"], both["v1", "v2"]], [both["v2", "v1"], both["v2", "v2"]]]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_experiment_and_user_are_not_run_together() -> None:
    shares = {f"v{i}": 1.0 for i in range(10)}
    pairs = [("e1", f"1{number}") for number in range(200)], [("e11", str(number)) for number in range(200)]
    one, other = ([assign(experiment, user, shares).variant for experiment, user in each] for each in pairs)
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 50


@pytest.mark.parametrize(
    ("before", "after", "excess"),
    [
        ({"v1": 0.9, "v2": 0.1}, {"v1": 0.75, "v2": 0.25}, 1.0),
        ({"v1": 0.5, "v2": 0.5}, {"v1": 1.0, "v2": 0.0}, 1.0),
        ({"v1": 1.0}, {"v1": 0.9, "v2": 0.1}, 1.0),
        ({"v1": 0.5, "v2": 0.5}, {"v1": 0.45, "v2": 0.45, "v3": 0.1}, 1.0),
        ({"v1": 0.5, "v2": 0.3, "v3": 0.2}, {"v1": 0.4, "v2": 0.4, "v3": 0.2}, 1.35),
        ({"v1": 0.4, "v2": 0.3, "v3": 0.2, "v4": 0.1}, {"v1": 0.1, "v2": 0.2, "v3": 0.3, "v4": 0.4}, 1.35),
    ],
)
def test_few_users_move_when_shares_change(before: dict[str, float], after: dict[str, float], excess: float) -> None:
    """No scheme moves fewer than the total variation of the shares; between two variants, or to a new one, none do."""
    names = {*before, *after}
    least = sum(abs(before.get(name, 0) - after.get(name, 0)) for name in names) / 2
    moved = sum(a != b for a, b in zip(assigned(before), assigned(after), strict=True)) / len(USERS)
    assert moved <= excess * least + 4 * math.sqrt(least * (1 - least) / len(USERS))


def test_nobody_moves_to_a_variant_whose_share_fell() -> None:
    moves = Counter(zip(assigned({"v1": 0.6, "v2": 0.4}), assigned({"v1": 0.5, "v2": 0.5}), strict=True))
    assert moves["v2", "v1"] == 0


def test_a_variant_without_a_share_is_never_chosen() -> None:
    assert set(assigned({"v1": 0.0, "v2": 1.0, "v3": -0.1})) == {"v2"}


def test_the_propensity_is_the_variants_part_of_all_shares() -> None:
    assert assign("e1", "ann", {"v2": 0.3}) == Assignment("v2", 1.0)
    found = assign("e1", "ann", {"v1": 2.0, "v2": 6.0})
    assert found.propensity == {"v1": 0.25, "v2": 0.75}[found.variant]


def test_any_text_is_a_user() -> None:
    for user in ("", "Zoë", "\0", "\ud800", "x" * 10_000):
        assert assign("e1", user, {"v1": 1.0}).variant == "v1"


@pytest.mark.parametrize("shares", [{}, {"v1": 0.0}])
def test_no_share_at_all_is_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="contender-SM-1-e1"):
        assign("contender-SM-1-e1", "ann", shares)
