"""Metrics of a model's predictions on examples worked by hand; several are those of AWS's own pages."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from contender.local.containers.clarify import posttraining
from contender.local.containers.clarify.counts import Confusion, Undefined

# the confusion matrices of AWS's pages on RD, SD and AD
A, D = Confusion(tp=65, fp=10, fn=5, tn=20), Confusion(tp=20, fp=5, fn=7, tn=18)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("DPPL", 75 / 100 - 25 / 50),
        ("DI", (25 / 50) / (75 / 100)),
        ("DCA", 70 / 75 - 27 / 25),  # observed over predicted positives
        ("DCR", 23 / 25 - 30 / 25),  # observed over predicted negatives, d less a
        ("SD", 18 / 23 - 20 / 30),
        ("RD", 65 / 70 - 20 / 27),
        ("DAR", 65 / 75 - 20 / 25),
        ("DRR", 18 / 25 - 20 / 25),
        ("AD", 85 / 100 - 38 / 50),
        ("TE", 7 / 5 - 5 / 10),
    ],
)
def test_by_hand(name: str, by_hand: float) -> None:
    assert posttraining.METRICS[name](A, D) == pytest.approx(by_hand)


def test_generalized_entropy_by_hand() -> None:
    # benefits: 1 for 123 rows that are right, 2 for 15 false positives, 0 for 12 false negatives
    n = 150
    mean = (123 * 1 + 15 * 2 + 12 * 0) / n
    benefits = [1.0] * 123 + [2.0] * 15 + [0.0] * 12
    by_hand = sum((benefit / mean) ** 2 - 1 for benefit in benefits) / (2 * n)
    assert posttraining.generalized_entropy(A, D) == pytest.approx(by_hand)


def test_generalized_entropy_is_none_where_the_model_is_right_and_undefined_where_nobody_benefits() -> None:
    assert posttraining.generalized_entropy(Confusion(3, 0, 0, 4), Confusion(1, 0, 0, 2)) == 0.0
    with pytest.raises(Undefined, match="false negatives"):
        posttraining.generalized_entropy(Confusion(0, 0, 3, 0), Confusion(0, 0, 2, 0))


def test_examples_of_aws() -> None:
    # conditional acceptance: observed 70 and 20, predicted 60 and 30 → 70/60 - 20/30 = 1/2
    a, d = Confusion(tp=60, fp=0, fn=10, tn=30), Confusion(tp=20, fp=10, fn=0, tn=20)
    assert posttraining.conditional_acceptance(a, d) == pytest.approx(0.5)
    # conditional rejection: observed 50 and 40, predicted 60 and 30 → 40/30 - 50/60 = 1/2
    a, d = Confusion(tp=40, fp=0, fn=10, tn=50), Confusion(tp=10, fp=10, fn=0, tn=30)
    assert posttraining.conditional_rejection(a, d) == pytest.approx(0.5)
    # acceptance rates: 35 of 70 against 40 of 100
    a, d = Confusion(tp=35, fp=35, fn=0, tn=0), Confusion(tp=40, fp=60, fn=0, tn=0)
    assert posttraining.acceptance_rates(a, d) == pytest.approx(0.10)
    # treatment equality: 5/2 - 8/6, with equal accuracies
    a, d = Confusion(tp=50, fp=6, fn=8, tn=36), Confusion(tp=20, fp=2, fn=5, tn=23)
    assert posttraining.treatment_equality(a, d) == pytest.approx(5 / 2 - 8 / 6)
    assert posttraining.accuracy_difference(a, d) == pytest.approx(0.0)


@pytest.mark.parametrize("name", ["DPPL", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE"])
def test_changing_places_turns_differences(name: str) -> None:
    metric = posttraining.METRICS[name]
    assert metric(D, A) == pytest.approx(-metric(A, D))


def test_changing_places_inverts_the_ratio_and_keeps_the_entropy() -> None:
    assert posttraining.disparate_impact(D, A) == pytest.approx(1 / posttraining.disparate_impact(A, D))
    assert posttraining.generalized_entropy(D, A) == pytest.approx(posttraining.generalized_entropy(A, D))


@pytest.mark.parametrize("name", ["DPPL", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE"])
def test_equal_facets_do_not_differ(name: str) -> None:
    twice = Confusion(A.tp * 2, A.fp * 2, A.fn * 2, A.tn * 2)
    assert posttraining.METRICS[name](A, twice) == pytest.approx(0.0, abs=1e-12)


def test_nothing_of_nothing_is_zero_and_something_of_nothing_infinite() -> None:
    no_false_positives = Confusion(tp=5, fp=0, fn=2, tn=5)
    perfect = Confusion(tp=5, fp=0, fn=0, tn=5)
    assert posttraining.treatment_equality(A, no_false_positives) == math.inf
    assert posttraining.treatment_equality(no_false_positives, no_false_positives) == 0.0
    assert posttraining.treatment_equality(A, perfect) == pytest.approx(0 - 5 / 10)
    nobody_predicted = Confusion(tp=0, fp=0, fn=4, tn=4)
    assert posttraining.disparate_impact(nobody_predicted, A) == math.inf


def test_conditional_disparity_of_predictions() -> None:
    # predicted: d has 3 of 4 rejections and 1 of 4 acceptances
    sensitive = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    predicted = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=bool)
    everybody = {"all": np.ones(8, dtype=bool)}
    found = posttraining.compute("CDDPL", sensitive, ~predicted, predicted, everybody, pd.DataFrame())
    assert found == pytest.approx(3 / 4 - 1 / 4)


def flip(sensitive: list[int], predicted: list[int], values: list[float]) -> float:
    features = pd.DataFrame({"x": values})
    return posttraining.flip_test(np.array(sensitive, dtype=bool), np.array(predicted, dtype=bool), features)


def test_flip_test_by_hand() -> None:
    # nine or fewer others: the one nearest neighbour decides. Of d, 0.1 is refused where its neighbour 0.0 is favoured
    # (F+), 5.1 too (F+), 9.1 is favoured where its neighbour 9.0 is refused (F-), 9.2 agrees: (2 - 1) / 4
    sensitive = [0, 0, 0, 1, 1, 1, 1]
    predicted = [1, 1, 0, 0, 0, 1, 0]
    assert flip(sensitive, predicted, [0.0, 5.0, 9.0, 0.1, 5.1, 9.1, 9.2]) == pytest.approx((2 - 1) / 4)


def test_flip_test_asks_five_neighbours_of_many() -> None:
    # ten others: of the five nearest to 0, three are favoured, so the one row of d, which is refused, flips
    sensitive = [0] * 10 + [1]
    predicted = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert flip(sensitive, predicted, [3.0, 4.0, 5.0, 1.0, 2.0, *range(50, 55), 0.0]) == pytest.approx(1.0)


def test_flip_test_says_which_columns_it_cannot_compare() -> None:
    features = pd.DataFrame({"x": [1, 2], "town": ["Ulm", "Bonn"]})
    with pytest.raises(Undefined, match="town"):
        posttraining.flip_test(np.array([True, False]), np.array([True, False]), features)
