"""DeLong's test: its definition, its published example, the bootstrap, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from tests.steps.chain import load

delong = load("evaluate/delong.py")

# Albumin, total protein and K-G score of 43 patients with ovarian cancer, and who was helped by surgery: the data of
# DeLong et al. 1988, as the SAS/STAT User's Guide prints them (LOGISTIC, "Comparing Receiver Operating Characteristic
# Curves"), with the results there.
PATIENTS = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def patients() -> tuple[np.ndarray, np.ndarray]:
    """Who was helped, and the three tests; a low K-G score is a good one."""
    table = np.array(PATIENTS.split(), dtype=float).reshape(-1, 4)
    return table[:, 3], np.vstack([table[:, 0], table[:, 1], 10 - table[:, 2]])


def scores(seed: int, rows: int = 400, models: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels and correlated scores with ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows).astype(float)
    common = labels + random.normal(0, 1.2, rows)
    return labels, np.round(np.vstack([common + random.normal(0, 0.5, rows) for _ in range(models)]), 1)


def binormal(
    champion: float, challenger: float, rows: int, correlation: float, seed: int
) -> Iterator[list[np.ndarray]]:
    """Samples without end: labels, the challenger's scores and the champion's, of models with these true AUCs."""
    random = np.random.default_rng(seed)
    labels = np.repeat([1.0, 0.0], [rows // 2, rows - rows // 2])
    apart = [np.sqrt(2) * stats.norm.ppf(auc) * labels for auc in (challenger, champion)]
    while True:
        one, other = random.normal(size=(2, rows))
        yield [labels, correlation * one + np.sqrt(1 - correlation**2) * other + apart[0], one + apart[1]]


def pass_rate(champion: float, challenger: float, rows: int, correlation: float, runs: int = 1500) -> float:
    """How often a margin of 0.02 at alpha 0.05 lets the challenger pass."""
    samples = binormal(champion, challenger, rows, correlation, seed=rows)
    lower = [delong.difference(*sample, 0.05)["lower"] for sample, _ in zip(samples, range(runs), strict=False)]
    return float(np.mean(np.array(lower) > -0.02))


def slow_delong(labels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong et al. 1988 by its definition: every positive against every negative."""
    positive, negative = values[:, labels == 1], values[:, labels == 0]
    wins = (positive[:, :, None] > negative[:, None, :]) + 0.5 * (positive[:, :, None] == negative[:, None, :])
    v10, v01 = wins.mean(axis=2), wins.mean(axis=1)
    return wins.mean(axis=(1, 2)), np.cov(v10) / positive.shape[1] + np.cov(v01) / negative.shape[1]


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_its_definition_and_auc_with_scikit_learn(seed: int) -> None:
    labels, values = scores(seed)
    aucs, covariance = delong.delong(labels, values)
    expected, expected_covariance = slow_delong(labels, values)
    assert aucs == pytest.approx(expected)
    assert aucs == pytest.approx([roc_auc_score(labels, row) for row in values])
    assert covariance == pytest.approx(expected_covariance)


def test_agrees_with_the_published_example() -> None:
    labels, (albumin, protein, kg_score) = patients()
    aucs, covariance = delong.delong(labels, np.vstack([albumin, kg_score, protein]))
    assert aucs == pytest.approx([0.7366, 0.7258, 0.6478], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.0927, 0.1028, 0.1000], abs=5e-5)
    published = {"albumin": (albumin, 0.0108, 0.0953, 0.9102), "protein": (protein, -0.0780, 0.1046, 0.4561)}
    for test, gap, error, p_value in published.values():
        found = delong.difference(labels, test, kg_score, 0.05)
        assert (found["auc"], found["standard_error"]) == pytest.approx((gap, error), abs=5e-5)
        assert found["p_value"] == pytest.approx(p_value, abs=5e-5)


def test_agrees_with_the_bootstrap() -> None:
    labels, challenger, champion = next(binormal(0.9, 0.88, rows=600, correlation=0.8, seed=3))
    found = delong.difference(labels, challenger, champion, 0.05)
    random = np.random.default_rng(4)
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    gaps = []
    for _ in range(2000):
        rows = np.concatenate([random.choice(positive, len(positive)), random.choice(negative, len(negative))])
        aucs, _ = delong.delong(labels[rows], np.vstack([challenger[rows], champion[rows]]))
        gaps.append(aucs[0] - aucs[1])
    assert found["standard_error"] == pytest.approx(np.std(gaps, ddof=1), rel=0.06)
    limits = np.quantile(gaps, [0.05, 0.95])
    assert [found["lower"], found["upper"]] == pytest.approx(limits, abs=0.15 * (limits[1] - limits[0]))


def test_scores_turned_round_give_the_other_way_round() -> None:
    labels, values = scores(1)
    there, back = delong.delong(labels, values), delong.delong(labels, -values)
    assert there[0] == pytest.approx(1 - back[0])
    assert there[1] == pytest.approx(back[1])


def test_the_difference_is_antisymmetric_and_agrees_with_the_normal_distribution() -> None:
    labels, (one, other) = scores(2)
    there, back = delong.difference(labels, one, other, 0.05), delong.difference(labels, other, one, 0.05)
    assert there["auc"] == pytest.approx(-back["auc"])
    assert (there["lower"], there["upper"]) == pytest.approx((-back["upper"], -back["lower"]))
    assert there["p_value"] == pytest.approx(2 * stats.norm.sf(abs(there["auc"]) / there["standard_error"]))


def test_on_many_rows_of_a_middling_auc_the_limits_are_the_plain_ones() -> None:
    labels, challenger, champion = next(binormal(0.75, 0.75, rows=20_000, correlation=0.5, seed=1))
    found = delong.difference(labels, challenger, champion, 0.05)
    reach = stats.norm.ppf(0.95) * found["standard_error"]
    assert found["lower"] == pytest.approx(found["auc"] - reach, abs=0.02 * reach)
    assert found["upper"] == pytest.approx(found["auc"] + reach, abs=0.02 * reach)


def test_the_test_of_no_difference_holds_its_level() -> None:
    samples = (scores(seed + 1000, rows=200) for seed in range(400))
    rejected = [delong.difference(labels, *values, 0.05)["p_value"] < 0.05 for labels, values in samples]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize(
    ("champion", "rows", "correlation"),
    [(0.8, 60, 0.9), (0.9, 150, 0.8), (0.97, 60, 0.95), (0.97, 750, 0.9), (0.985, 150, 0.95), (0.985, 750, 0.9)],
)
def test_who_loses_the_whole_margin_passes_no_more_often_than_alpha(
    champion: float, rows: int, correlation: float
) -> None:
    """0.05, and two standard errors of the simulation; the plain limit's rate is up to 0.15 here."""
    assert pass_rate(champion, champion - 0.02, rows, correlation) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1500)


def test_an_equal_challenger_passes_and_a_worse_one_does_not_on_750_rows() -> None:
    assert pass_rate(0.97, 0.97, 750, 0.9, runs=300) > 0.95
    assert pass_rate(0.97, 0.93, 750, 0.9, runs=300) == 0


def test_a_model_does_not_differ_from_itself() -> None:
    labels, (values,) = scores(3, models=1)
    result = delong.difference(labels, values, np.exp(values), 0.05)
    assert (result["auc"], result["p_value"]) == (0, 1)
    assert (result["lower"], result["upper"]) == (0, 0)


@pytest.mark.parametrize(("rows", "most"), [(4, 0.9), (40, 0.2), (400, 0.02)])
def test_two_perfect_models_may_still_differ_where_rows_are_few(rows: int, most: float) -> None:
    """All in order shows no variance; that is no proof."""
    labels = np.repeat([1.0, 0.0], rows // 2)
    result = delong.difference(labels, labels + np.linspace(0, 0.1, rows), labels - np.linspace(0, 0.1, rows), 0.05)
    assert result["auc"] == 0
    assert -most < result["lower"] < -most / 10


def test_models_that_answer_everyone_alike_are_compared() -> None:
    labels, (values,) = scores(4, models=1)
    result = delong.difference(labels, np.zeros(len(values)), values, 0.05)
    assert result["lower"] < result["auc"] < result["upper"] < 0


@pytest.mark.parametrize("probability", [0.001, 0.3, 0.5, 0.975, 0.9999])
def test_normal_quantile_agrees_with_scipy(probability: float) -> None:
    assert delong.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), abs=1e-9)


def test_midranks_agree_with_scipy() -> None:
    values = np.random.default_rng(4).integers(0, 20, 100).astype(float)
    assert delong.midranks(values) == pytest.approx(stats.rankdata(values))


def test_a_hundred_thousand_rows_fit() -> None:
    """By ranks, as Sun and Xu do it; comparing every pair would take 20 GB."""
    labels, values = scores(6, rows=100_000)
    delong.delong(labels, values)
