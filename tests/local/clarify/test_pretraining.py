"""Metrics of the data on examples worked by hand; several are those of AWS's own pages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contender.local.containers.clarify import pretraining
from contender.local.containers.clarify.counts import Labels, Undefined

# facet a: 80 of 100 accepted; facet d: 15 of 50 accepted, the loans of AWS's page on KL
A, D = Labels(80, 20), Labels(15, 35)


def rows(*counts: tuple[int, bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Sensitive and positive, from (how many, sensitive, positive)."""
    sensitive = np.concatenate([np.full(n, s) for n, s, _ in counts])
    positive = np.concatenate([np.full(n, p) for n, _, p in counts])
    return sensitive, positive


def test_class_imbalance() -> None:
    assert pretraining.class_imbalance(A, D) == pytest.approx((100 - 50) / 150)


def test_difference_of_proportions() -> None:
    assert pretraining.difference_of_proportions(A, D) == pytest.approx(0.8 - 0.3)


def test_kullback_leibler_is_the_example_of_aws() -> None:
    by_hand = 0.8 * math.log(0.8 / 0.3) + 0.2 * math.log(0.2 / 0.7)
    assert pretraining.kullback_leibler(A, D) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.53, abs=0.005)


def test_jensen_shannon() -> None:
    # P = (0.55, 0.45)
    from_a = 0.8 * math.log(0.8 / 0.55) + 0.2 * math.log(0.2 / 0.45)
    from_d = 0.3 * math.log(0.3 / 0.55) + 0.7 * math.log(0.7 / 0.45)
    assert pretraining.jensen_shannon(A, D) == pytest.approx((from_a + from_d) / 2)


def test_norms() -> None:
    assert pretraining.lp_norm(A, D) == pytest.approx(math.sqrt(0.5**2 + 0.5**2))
    assert pretraining.total_variation(A, D) == pytest.approx((0.5 + 0.5) / 2)
    assert pretraining.kolmogorov_smirnov(A, D) == pytest.approx(0.5)


def test_demographic_disparity_is_the_example_of_aws() -> None:
    # women are 46 % of the rejected and 32 % of the accepted: 0.46 - 0.32
    sensitive, positive = rows((46, True, False), (54, False, False), (32, True, True), (68, False, True))
    everybody = {"all": np.ones(200, dtype=bool)}
    assert pretraining.conditional_disparity(sensitive, positive, everybody) == pytest.approx(0.14)


def test_conditional_disparity_weighs_groups_by_their_size() -> None:
    # law, 40 rows: d has 6 of 10 rejections and 6 of 30 acceptances, 0.6 - 0.2 = 0.4
    # art, 10 rows: d has 1 of 5 rejections and 2 of 5 acceptances, 0.2 - 0.4 = -0.2
    law = rows((6, True, False), (4, False, False), (6, True, True), (24, False, True))
    art = rows((1, True, False), (4, False, False), (2, True, True), (3, False, True))
    sensitive, positive = (np.concatenate(pair) for pair in zip(law, art, strict=True))
    groups = {"law": np.arange(50) < 40, "art": np.arange(50) >= 40}
    by_hand = (40 * 0.4 + 10 * -0.2) / 50
    assert pretraining.conditional_disparity(sensitive, positive, groups) == pytest.approx(by_hand)


def test_a_group_without_rejections_has_none_of_facet_d() -> None:
    # all five accepted, two of them of facet d: 0 - 2/5; the other group: 1/1 - 0/1
    sensitive, positive = rows((2, True, True), (3, False, True), (1, True, False), (1, False, True))
    groups = {"one": np.arange(7) < 5, "two": np.arange(7) >= 5}
    assert pretraining.conditional_disparity(sensitive, positive, groups) == pytest.approx((5 * -0.4 + 2 * 1.0) / 7)


@pytest.mark.parametrize("name", ["KL", "JS", "LP", "TVD", "KS", "DPL"])
def test_equal_facets_have_no_distance(name: str) -> None:
    assert pretraining.METRICS[name](Labels(6, 4), Labels(3, 2)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("name", "sign"), [("JS", 1), ("LP", 1), ("TVD", 1), ("KS", 1), ("CI", -1), ("DPL", -1)])
def test_changing_places_keeps_distances_and_turns_differences(name: str, sign: int) -> None:
    metric = pretraining.METRICS[name]
    assert metric(D, A) == pytest.approx(sign * metric(A, D))


def test_an_outcome_that_facet_d_never_has_is_infinitely_surprising() -> None:
    assert pretraining.kullback_leibler(Labels(1, 1), Labels(2, 0)) == math.inf
    assert pretraining.kullback_leibler(Labels(2, 0), Labels(1, 1)) == pytest.approx(math.log(2))
    # P = (0.75, 0.25): (0.5 ln(0.5/0.75) + 0.5 ln(0.5/0.25) + 1 ln(1/0.75)) / 2
    by_hand = (0.5 * math.log(2 / 3) + 0.5 * math.log(2) + math.log(4 / 3)) / 2
    assert pretraining.jensen_shannon(Labels(1, 1), Labels(2, 0)) == pytest.approx(by_hand)


@pytest.mark.parametrize(("sensitive", "words"), [(False, "Facet set is empty"), (True, "Negated facet set is empty")])
def test_an_empty_facet_leaves_every_metric_undefined(sensitive: bool, words: str) -> None:
    positive = np.array([True, False, True])
    for name in pretraining.DESCRIPTIONS:
        with pytest.raises(Undefined, match=words):
            pretraining.compute(name, np.full(3, sensitive), positive, {"all": np.ones(3, dtype=bool)})


def test_conditional_disparity_needs_a_group_variable() -> None:
    with pytest.raises(Undefined, match="Group variable"):
        pretraining.compute("CDDL", np.array([True, False]), np.array([True, False]), {})
