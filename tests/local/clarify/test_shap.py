"""Shapley values: they sum to what they explain, agree with the definition, and take columns as they are."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xgboost

from contender.local.containers.booster import load_booster
from contender.local.containers.clarify import kernel, tree
from contender.local.containers.clarify.baseline import computed_baseline
from contender.local.containers.clarify.dataset import Dataset
from contender.local.containers.inference import Model
from tests.local.clarify.analyses import PREDICTOR, Analyse, FunctionModel

Matrix = npt.NDArray[np.float64]
WIDTH = 5


def texts(values: Any) -> npt.NDArray[np.object_]:
    return np.array([[str(value) for value in row] for row in values], dtype=object)


def by_definition(f: Callable[[list[str]], float], row: list[str], baseline: list[list[str]]) -> list[float]:
    """Shapley's formula over all subsets; an absent feature takes the baseline rows' values, on average."""
    m = len(row)

    def value(present: tuple[int, ...]) -> float:
        mixed = [[row[j] if j in present else other[j] for j in range(m)] for other in baseline]
        return float(np.mean([f(each) for each in mixed]))

    found = []
    for feature in range(m):
        others = [j for j in range(m) if j != feature]
        total = 0.0
        for size in range(m):
            weight = math.factorial(size) * math.factorial(m - size - 1) / math.factorial(m)
            for subset in itertools.combinations(others, size):
                total += weight * (value((*subset, feature)) - value(subset))
        found.append(total)
    return found


def rich(row: list[str]) -> float:
    """Text, numbers, a missing value, and interactions."""
    town, age, plan, calls = row
    base = {"Ulm": 1.0, "Bonn": -2.0}.get(town, 0.5) * (float(age) / 10 if age else 7.0)
    return base + (3.0 if plan == "gold" and float(calls) > 2 else 0.0) - float(calls) ** 2 / 10


def rich_scores(cells: npt.NDArray[np.object_]) -> Matrix:
    return np.array([[rich(list(row)), -rich(list(row)) / 2] for row in cells])


def test_kernel_shap_is_shapley_s_definition_on_text_and_missing_values() -> None:
    rows = [["Ulm", "30", "gold", "3"], ["Rome", "", "basic", "0"], ["Bonn", "40", "basic", "5"]]
    baseline = [["Bonn", "40", "basic", "1"], ["Ulm", "", "gold", "5"]]
    explained = kernel.explain(rich_scores, texts(rows), texts(baseline), None, False, 0)
    for number, row in enumerate(rows):
        by_hand = by_definition(rich, row, baseline)
        assert explained.values[number, :, 0] == pytest.approx(by_hand, abs=1e-9)
        assert explained.values[number, :, 1] == pytest.approx([-value / 2 for value in by_hand], abs=1e-9)
    expected = np.mean([rich(row) for row in baseline])
    assert explained.expected.tolist() == pytest.approx([expected, -expected / 2])


@pytest.mark.parametrize("num_samples", [64, 300, None])
def test_kernel_shap_sums_to_the_prediction_however_few_the_samples(num_samples: int | None) -> None:
    rng = np.random.default_rng(1)
    rows, baseline = texts(rng.random((4, 12))), texts(rng.random((2, 12)))
    weights = rng.random(12)

    def score(cells: npt.NDArray[np.object_]) -> Matrix:
        numbers = cells.astype(float)
        return (numbers @ weights + numbers[:, 0] * numbers[:, 1])[:, None]

    explained = kernel.explain(score, rows, baseline, num_samples, False, 0)
    assert explained.values.sum(axis=1)[:, 0] == pytest.approx(score(rows)[:, 0] - score(baseline).mean())
    assert explained.values.shape == (4, 12, 1)


def test_a_linear_model_s_values_are_its_terms() -> None:
    weights = np.array([2.0, -1.0, 0.0])
    rows, baseline = texts([[1.0, 5.0, 9.0]]), texts([[0.5, 1.0, 3.0]])
    explained = kernel.explain(lambda cells: (cells.astype(float) @ weights)[:, None], rows, baseline, None, False, 0)
    assert explained.values[0, :, 0] == pytest.approx([2 * 0.5, -1 * 4.0, 0.0])


def test_the_logit_is_in_log_odds_even_of_certainty() -> None:
    def score(cells: npt.NDArray[np.object_]) -> Matrix:
        return 1 / (1 + np.exp(-cells.astype(float).sum(axis=1)))[:, None]

    rows, baseline = texts([[1.0, -3.0]]), texts([[0.0, 0.5]])
    assert kernel.explain(score, rows, baseline, None, True, 0).values[0, :, 0] == pytest.approx([1.0, -3.5])
    certain = kernel.explain(lambda cells: np.ones((len(cells), 1)), rows, baseline, None, True, 0)
    assert np.isfinite(certain.values).all()


def test_a_seed_makes_the_same_values_twice() -> None:
    rng = np.random.default_rng(2)
    rows, baseline = texts(rng.random((2, 14))), texts(rng.random((1, 14)))

    def score(cells: npt.NDArray[np.object_]) -> Matrix:
        numbers = cells.astype(float)
        return np.prod(1 + numbers, axis=1)[:, None]

    def values(seed: int) -> Matrix:
        return kernel.explain(score, rows, baseline, 100, False, seed).values

    assert (values(3) == values(3)).all()
    assert (values(3) != values(4)).any()


@pytest.fixture(scope="module")
def rows() -> npt.NDArray[np.float32]:
    return np.random.default_rng(5).random((300, WIDTH)).astype(np.float32)


def serve(folder: Path, rows: npt.NDArray[np.float32], objective: str) -> tuple[Model, xgboost.Booster]:
    """A trained booster, and the model that the built-in algorithm's image makes of its file."""
    target = rows[:, 0] * rows[:, 1] + rows[:, 2]
    labels = target if objective.startswith("reg:squared") else (target > 0.7).astype(int)
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, label=labels), 10)
    (folder / "xgboost-model").write_bytes(bytes(booster.save_raw("ubj")))
    return load_booster(folder, {}), booster


def margins(booster: xgboost.Booster, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = booster.predict(xgboost.DMatrix(rows), output_margin=True)
    return found


@pytest.mark.parametrize("objective", ["binary:logistic", "reg:squarederror"])
def test_tree_shap_sums_to_the_margin(tmp_path: Path, rows: npt.NDArray[np.float32], objective: str) -> None:
    model, booster = serve(tmp_path, rows, objective)
    found = tree.margin_booster(model, objective == "binary:logistic", {})
    assert found is not None
    for baseline in (None, texts(rows[:3])):
        explained = tree.explain(found, texts(rows[:50]), baseline)
        assert explained is not None
        assert explained.method == "exact TreeSHAP"
        sums = explained.values[:, :, 0].sum(axis=1) + explained.expected[0]
        assert sums == pytest.approx(margins(booster, rows[:50]), abs=1e-4)
    assert explained.expected[0] == pytest.approx(margins(booster, rows[:3]).mean(), abs=1e-4)


def test_tree_shap_and_kernel_shap_agree(tmp_path: Path, rows: npt.NDArray[np.float32]) -> None:
    model, booster = serve(tmp_path, rows, "binary:logistic")
    explained_rows, baseline = texts(rows[:5]), texts(rows[10:11])
    exact = tree.explain(booster, explained_rows, baseline)
    assert exact is not None

    def score(cells: npt.NDArray[np.object_]) -> Matrix:
        body = "\n".join(",".join(row) for row in cells).encode()
        return np.array([[float(line)] for line in model.invoke(body, "text/csv", "text/csv").body.split()])

    # five columns are few enough for every coalition to be asked
    asked = kernel.explain(score, explained_rows, baseline, None, True, 0)
    assert asked.values == pytest.approx(exact.values, abs=1e-3)
    assert asked.expected == pytest.approx(exact.expected, abs=1e-4)


def test_only_a_bare_booster_s_own_margin_is_left_to_trees(tmp_path: Path, rows: npt.NDArray[np.float32]) -> None:
    logistic, _ = serve(tmp_path, rows, "binary:logistic")
    assert tree.margin_booster(logistic, True, {}) is not None
    assert tree.margin_booster(logistic, False, {}) is None  # probabilities are asked for
    assert tree.margin_booster(logistic, True, {"SAGEMAKER_INFERENCE_OUTPUT": "labels"}) is None
    assert tree.margin_booster(FunctionModel(lambda row: 1.0), True, {}) is None
    regression, _ = serve(tmp_path, rows, "reg:squarederror")
    assert tree.margin_booster(regression, False, {}) is not None
    assert tree.margin_booster(regression, True, {}) is None


def test_missing_values_take_the_trees_own_way(tmp_path: Path, rows: npt.NDArray[np.float32]) -> None:
    holes = rows.copy()
    holes[::3, 0] = np.nan
    _, booster = serve(tmp_path, holes, "binary:logistic")
    cells = texts(holes[:6])
    cells[cells == "nan"] = ""
    for baseline in (None, cells[1:2]):
        explained = tree.explain(booster, cells, baseline)
        assert explained is not None
        sums = explained.values[:, :, 0].sum(axis=1) + explained.expected[0]
        assert sums == pytest.approx(margins(booster, holes[:6]), abs=1e-4)


def test_trees_do_not_explain_text(tmp_path: Path, rows: npt.NDArray[np.float32]) -> None:
    _, booster = serve(tmp_path, rows, "binary:logistic")
    assert tree.explain(booster, texts([["a", 1, 2, 3, 4]]), None) is None
    assert tree.explain(booster, texts([[1, 2]]), None) is None


DATA = "town,age,approved\nUlm,30,1\nUlm,40,0\nBonn,50,1\nBonn,61,1\n"


def shap(**fields: Any) -> dict[str, Any]:
    return {"label": "approved", **PREDICTOR, "methods": {"shap": fields}}


def score(row: list[str]) -> float:
    return (0.5 if row[0] == "Bonn" else 0.1) + float(row[1]) / 1000


def test_writes_global_and_local_values_in_the_format_of_aws(analyse: Analyse) -> None:
    baseline = [["Ulm", 50]]
    analysis = analyse(shap(baseline=baseline, save_local_shap_values=True), DATA, score)
    # against (Ulm, 50): the town adds 0.4 to the rows of Bonn, the age a thousandth of the years beyond 50
    assert analysis["explanations"] == {
        "kernel_shap": {
            "label0": {
                "global_shap_values": {
                    "town": pytest.approx((0 + 0 + 0.4 + 0.4) / 4),
                    "age": pytest.approx((0.020 + 0.010 + 0.0 + 0.011) / 4),
                },
                "expected_value": pytest.approx(0.15),
            }
        }
    }
    local = pd.read_csv(analyse.output / "explanations_shap" / "out.csv")
    assert list(local) == ["town_label0", "age_label0"]
    assert local["age_label0"].tolist() == pytest.approx([-0.020, -0.010, 0.0, 0.011])
    assert not (analyse.output / "explanations_shap" / "baseline.csv").exists()


@pytest.mark.parametrize(("method", "by_hand"), [("median", -0.005), ("mean_sq", (400 + 100 + 0 + 121) / 4e6)])
def test_other_aggregations(analyse: Analyse, method: str, by_hand: float) -> None:
    analysis = analyse(shap(baseline=[["Ulm", 50]], agg_method=method), DATA, score)
    found = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert found["age"] == pytest.approx(by_hand)
    assert not (analyse.output / "explanations_shap" / "out.csv").exists()


def test_identifies_rows_by_the_join_source_and_outputs_by_their_labels(analyse: Analyse) -> None:
    config = shap(baseline=[["Ulm"]], save_local_shap_values=True, features_to_explain=["town"])
    config["predictor"] = {**config["predictor"], "label_headers": ["no", "yes"]}
    config["joinsource_name_or_index"] = "age"
    analysis = analyse(config, DATA, lambda row: "0.75,0.25" if row[0] == "Ulm" else "0.5,0.5")
    explained = analysis["explanations"]["kernel_shap"]
    assert {name: section["global_shap_values"] for name, section in explained.items()} == {
        "no": {"town": 0.125},
        "yes": {"town": 0.125},
    }
    local = pd.read_csv(analyse.output / "explanations_shap" / "out.csv")
    assert local.to_dict("list") == {
        "age": [30, 40, 50, 61],
        "town_no": [0.0, 0.0, -0.25, -0.25],
        "town_yes": [0.0, 0.0, 0.25, 0.25],
    }


def test_makes_a_baseline_of_the_dataset_and_keeps_it(analyse: Analyse) -> None:
    analyse(shap(num_clusters=1), DATA, score)
    baseline = pd.read_csv(analyse.output / "explanations_shap" / "baseline.csv")
    assert baseline.to_dict("list") == {"town": ["Bonn"], "age": [45]}  # most frequent (first by name), mean


def dataset(cells: dict[str, list[str]]) -> Dataset:
    return Dataset(pd.DataFrame(cells, dtype=object), tuple(cells), None, None, None)


def test_a_computed_baseline_finds_clear_clusters_by_itself() -> None:
    rng = np.random.default_rng(0)
    x = [*rng.normal(0, 0.1, 40), *rng.normal(100, 0.1, 60)]
    found = computed_baseline(dataset({"x": [str(v) for v in x], "town": ["Ulm"] * 40 + ["Bonn"] * 60}), None, 0)
    assert sorted(found.to_numpy().tolist()) == [
        [pytest.approx(0, abs=0.1), "Ulm"],
        [pytest.approx(100, abs=0.1), "Bonn"],
    ]


def test_a_computed_baseline_is_one_row_where_nothing_clusters() -> None:
    x = np.random.default_rng(0).normal(size=(200, 6))
    found = computed_baseline(dataset({f"x{j}": [str(v) for v in x[:, j]] for j in range(6)}), None, 0)
    assert found.shape == (1, 6)
    assert found.iloc[0].tolist() == pytest.approx(x.mean(axis=0))


def test_a_computed_baseline_has_at_most_a_row_for_every_different_row() -> None:
    assert computed_baseline(dataset({"x": ["1", "1", "2"]}), 5, 0)["x"].tolist() == [1, 2]


def test_a_bare_booster_is_explained_from_file_to_file(analyse: Analyse, rows: npt.NDArray[np.float32]) -> None:
    (analyse.root / "model").mkdir()
    model, booster = serve(analyse.root / "model", rows, "binary:logistic")
    data = "\n".join(",".join(map(str, row)) for row in rows[:20]) + "\n"
    config = {**PREDICTOR, "methods": {"shap": {"use_logit": True, "save_local_shap_values": True}}}
    analysis = analyse(config, data, model)
    expected = analysis["explanations"]["kernel_shap"]["label0"]["expected_value"]
    local = pd.read_csv(analyse.output / "explanations_shap" / "out.csv")
    assert (local.sum(axis=1) + expected).tolist() == pytest.approx(margins(booster, rows[:20]).tolist(), abs=1e-4)
    assert os.listdir(analyse.output / "explanations_shap") == ["out.csv"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"baseline": [["Ulm"]]}, "has 1 values, but the dataset has 2 features"),
        ({"baseline": ["Ulm"]}, "must be a list of values"),
        ({"baseline": "baseline.csv"}, "must be an S3 URI"),
        ({"features_to_explain": ["twon"]}, "features_to_explain 'twon' is not a column"),
    ],
)
def test_says_in_one_line_what_it_cannot_use(analyse: Analyse, fields: dict[str, Any], words: str) -> None:
    assert words in analyse.refused(shap(**fields), DATA, score)


def test_the_logit_of_a_quantity_is_refused(analyse: Analyse) -> None:
    said = analyse.refused(shap(use_logit=True, baseline=[["Ulm", 50]]), DATA, lambda row: float(row[1]))
    assert said == "use_logit needs probabilities, but the model scores from 50 to 50"


def test_scores_that_are_labels_need_a_place(analyse: Analyse) -> None:
    config = shap()
    config["predictor"] = {**config["predictor"], "label": 0}
    assert "predictor.probability must say" in analyse.refused(config, DATA, lambda row: "yes")
