"""Model quality: AWS's published example, scikit-learn by hand, violations in words, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from contender.local.containers.monitor.last_words import EXIT_REFUSED
from tests.local.monitor.image import BARE_CSV, CSV, JSON_LINES, Image, Outcome

BINARY = {
    "analysis_type": "MODEL_QUALITY",
    "problem_type": "BinaryClassification",
    "ground_truth_attribute": "label",
    "probability_attribute": "score",
}
MULTICLASS = {
    "analysis_type": "MODEL_QUALITY",
    "problem_type": "MulticlassClassification",
    "ground_truth_attribute": "label",
    "inference_attribute": "guess",
}
REGRESSION = {**MULTICLASS, "problem_type": "Regression"}


def values(outcome: Outcome, kind: str) -> dict[str, float]:
    figures = outcome.file("statistics.json")[f"{kind}_metrics"]
    return {name: figure["value"] for name, figure in figures.items() if "value" in figure}


def scored(seed: int = 0, rows: int = 2000, skill: float = 0.4) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    label = (random.random(rows) < 0.3).astype(int)
    return pd.DataFrame({"label": label, "score": skill * label + (1 - skill) * random.random(rows)})


def test_the_binary_example_that_aws_publishes(image: Image) -> None:
    """docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html"""
    variables = {**BINARY, "inference_attribute": "guess"}
    found = image.run("label,guess,score\n0,0,0.1\n0,1,0.6\n0,1,0.7\n1,1,0.9\n", **variables)
    metrics_file = found.file("statistics.json")["binary_classification_metrics"]
    assert found.file("statistics.json")["dataset"]["item_count"] == 4
    assert metrics_file["confusion_matrix"] == {"0": {"0": 1, "1": 2}, "1": {"0": 0, "1": 1}}
    published = {
        "recall": 1.0,
        "precision": 0.3333333333333333,
        "accuracy": 0.5,
        "recall_best_constant_classifier": 1.0,
        "precision_best_constant_classifier": 0.25,
        "accuracy_best_constant_classifier": 0.25,
        "true_positive_rate": 1.0,
        "true_negative_rate": 0.33333333333333337,
        "false_positive_rate": 0.6666666666666666,
        "false_negative_rate": 0.0,
        "auc": 1.0,
        "f0_5": 0.3846153846153846,
        "f1": 0.5,
        "f2": 0.7142857142857143,
        "f0_5_best_constant_classifier": 0.29411764705882354,
        "f1_best_constant_classifier": 0.4,
        "f2_best_constant_classifier": 0.625,
    }
    for name, value in published.items():
        assert metrics_file[name] == {"value": pytest.approx(value), "standard_deviation": "NaN"}, name


def test_the_multiclass_example_that_aws_publishes(image: Image) -> None:
    cells = {("0", "0"): 1180, ("0", "1"): 510, ("1", "0"): 268, ("1", "1"): 138}
    rows = "".join(f"{actual},{guess}\n" * count for (actual, guess), count in cells.items())
    found = image.run(f"label,guess\n{rows}", **MULTICLASS)
    expected = {
        "accuracy": 0.6288167938931297,
        "weighted_recall": 0.6288167938931297,
        "weighted_precision": 0.6983172269629505,
        "weighted_f0_5": 0.6803947317178771,
        "weighted_f1": 0.6571162346664904,
        "weighted_f2": 0.6384024354394601,
        "accuracy_best_constant_classifier": 0.19370229007633588,
        "weighted_recall_best_constant_classifier": 0.19370229007633588,
        "weighted_precision_best_constant_classifier": 0.03752057718081697,
        "weighted_f0_5_best_constant_classifier": 0.04473443104152011,
        "weighted_f1_best_constant_classifier": 0.06286421244683643,
        "weighted_f2_best_constant_classifier": 0.10570313141262414,
    }
    assert values(found, "multiclass_classification") == pytest.approx(expected)
    matrix = found.file("statistics.json")["multiclass_classification_metrics"]["confusion_matrix"]
    assert matrix == {"0": {"0": 1180, "1": 510}, "1": {"0": 268, "1": 138}}


def test_binary_metrics_agree_with_scikit_learn(image: Image) -> None:
    table = scored()
    found = image.run(table, **BINARY)
    guess = (table.score > 0.5).astype(int)
    figures = values(found, "binary_classification")
    assert figures["auc"] == pytest.approx(metrics.roc_auc_score(table.label, table.score))
    assert figures["precision"] == pytest.approx(metrics.precision_score(table.label, guess))
    assert figures["recall"] == pytest.approx(metrics.recall_score(table.label, guess))
    assert figures["accuracy"] == pytest.approx(metrics.accuracy_score(table.label, guess))
    assert figures["f2"] == pytest.approx(metrics.fbeta_score(table.label, guess, beta=2))
    assert figures["true_negative_rate"] == pytest.approx(
        ((guess == 0) & (table.label == 0)).sum() / (1 - table.label).sum()
    )
    curve = found.file("statistics.json")["binary_classification_metrics"]["receiver_operating_characteristic_curve"]
    area = np.trapezoid(curve["true_positive_rates"], curve["false_positive_rates"])
    assert area == pytest.approx(figures["auc"], abs=0.002)


def test_multiclass_metrics_agree_with_scikit_learn(image: Image) -> None:
    random = np.random.default_rng(1)
    table = pd.DataFrame({"label": random.choice(list("abcd"), 300), "guess": random.choice(list("abc"), 300)})
    figures = values(image.run(table, **MULTICLASS), "multiclass_classification")
    options = {"average": "weighted", "zero_division": 0.0}
    for name, beta in {"f0_5": 0.5, "f1": 1, "f2": 2}.items():
        expected = metrics.fbeta_score(table.label, table.guess, beta=beta, **options)
        assert figures[f"weighted_{name}"] == pytest.approx(expected)
    assert figures["weighted_precision"] == pytest.approx(metrics.precision_score(table.label, table.guess, **options))
    assert figures["weighted_recall"] == pytest.approx(metrics.recall_score(table.label, table.guess, **options))


def test_curves_stay_short(image: Image) -> None:
    figures = image.run(scored(rows=20_000), **BINARY).file("statistics.json")["binary_classification_metrics"]
    for curve in ("receiver_operating_characteristic_curve", "precision_recall_curve"):
        for points in figures[curve].values():
            assert 100 < len(points) <= 1000


def test_a_model_that_is_never_positive_divides_by_nothing(image: Image) -> None:
    found = image.run(
        "label,guess\n0,0\n1,0\n", **{**BINARY, "inference_attribute": "guess", "probability_attribute": ""}
    )
    figures = values(found, "binary_classification")
    assert (figures["precision"], figures["recall"], figures["f1"]) == (0, 0, 0)
    assert "auc" not in figures


def test_multiclass_takes_names_and_numbers_in_any_spelling(image: Image) -> None:
    found = image.run("label,guess\n10,10.0\n9,9\n2,2\n", **MULTICLASS)
    matrix = found.file("statistics.json")["multiclass_classification_metrics"]["confusion_matrix"]
    assert list(matrix) == ["2", "9", "10"]
    assert values(found, "multiclass_classification")["accuracy"] == 1
    assert (
        values(image.run("label,guess\ncat,dog\ndog,dog\n", **MULTICLASS), "multiclass_classification")["accuracy"]
        == 0.5
    )


def test_regression_agrees_with_numpy(image: Image) -> None:
    random = np.random.default_rng(1)
    table = pd.DataFrame({"label": random.normal(0, 3, 500)})
    table["guess"] = table.label + random.normal(0, 1, 500)
    error = table.guess - table.label
    expected = {
        "mae": error.abs().mean(),
        "mse": (error**2).mean(),
        "rmse": np.sqrt((error**2).mean()),
        "r2": 1 - (error**2).sum() / ((table.label - table.label.mean()) ** 2).sum(),
    }
    found = image.run(table, **REGRESSION)
    assert values(found, "regression") == pytest.approx(expected)
    limits = found.file("constraints.json")["regression_constraints"]
    assert limits["mae"] == {"threshold": pytest.approx(expected["mae"]), "comparison_operator": "GreaterThanThreshold"}
    assert limits["r2"]["comparison_operator"] == "LessThanThreshold"


def test_r2_of_a_constant_truth_is_not_a_number_and_no_constraint(image: Image) -> None:
    found = image.run("label,guess\n1,2\n1,1\n", **REGRESSION)
    assert values(found, "regression")["r2"] == "NaN"
    assert "r2" not in found.file("constraints.json")["regression_constraints"]


def test_deviations_need_200_rows_and_are_those_of_samples_of_80_percent(image: Image) -> None:
    def deviation(rows: int) -> Any:
        return image.run(scored(rows=rows), **BINARY).file("statistics.json")["binary_classification_metrics"][
            "accuracy"
        ]["standard_deviation"]

    assert deviation(199) == "NaN"
    # of a share p in a sample of m out of n without putting back: p (1 - p) / m × (n - m) / (n - 1)
    rows = 20_000
    accuracy = values(image.run(scored(rows=rows), **BINARY), "binary_classification")["accuracy"]
    expected = np.sqrt(accuracy * (1 - accuracy) / (0.8 * rows) * 0.2)
    assert 0.2 * expected < deviation(rows) < 3 * expected


def test_the_same_predictions_violate_nothing(image: Image) -> None:
    first = image.run(scored(), **BINARY)
    assert image.run(scored(), against=first, **BINARY).violations == []


def test_the_last_bit_of_a_figure_violates_nothing(image: Image, tmp_path: Path) -> None:
    auc = values(image.run(scored(), **BINARY), "binary_classification")["auc"]
    for threshold, count in ((np.nextafter(auc, 1), 0), (auc + 1e-6, 1)):
        limits = {"auc": {"threshold": float(threshold), "comparison_operator": "LessThanThreshold"}}
        (tmp_path / "own.json").write_text(json.dumps({"version": 0.0, "binary_classification_constraints": limits}))
        found = image.run(scored(), baseline_constraints=str(tmp_path / "own.json"), **BINARY)
        assert len(found.violations) == count


def test_a_limit_without_the_baselines_figures_is_told_as_a_limit(image: Image, tmp_path: Path) -> None:
    """A schedule has constraints alone; a limit that leaves a margin is not what the metric was."""
    limits = {"auc": {"threshold": 0.9999, "comparison_operator": "LessThanThreshold"}}
    (tmp_path / "own.json").write_text(json.dumps({"version": 0.0, "binary_classification_constraints": limits}))
    (found,) = image.run(scored(), baseline_constraints=str(tmp_path / "own.json"), **BINARY).violations
    assert found["description"].startswith("auc is 0.9")
    assert "below its limit 0.9999. Metric auc with" in found["description"]


def test_flipped_labels_say_which_metrics_fell_and_how_far(image: Image) -> None:
    first = image.run(scored(), **BINARY)
    found = image.run(scored().assign(label=lambda table: 1 - table.label), against=first, **BINARY)
    fallen = {each["metric_name"]: each for each in found.violations}
    assert {"auc", "accuracy", "recall", "false_positive_rate"} <= fallen.keys()
    auc = fallen["auc"]
    assert auc["constraint_check_type"] == "LessThanThreshold"
    assert auc["description"].startswith("auc fell from 0.9")
    assert "Metric auc with 0.0" in auc["description"]
    assert " +/- " in auc["description"]
    assert fallen["false_positive_rate"]["description"].startswith("false_positive_rate rose from ")
    assert fallen["false_positive_rate"]["constraint_check_type"] == "GreaterThanThreshold"
    assert found.message == f"CompletedWithViolations: Job completed successfully with {len(fallen)} violations."


def test_thresholds_that_somebody_changed_are_kept(image: Image, tmp_path: Path) -> None:
    limits = {"auc": {"threshold": 0.2, "comparison_operator": "LessThanThreshold"}}
    (tmp_path / "own.json").write_text(json.dumps({"version": 0.0, "binary_classification_constraints": limits}))
    found = image.run(scored(3), baseline_constraints=str(tmp_path / "own.json"), **BINARY)
    assert found.violations == []


@pytest.mark.parametrize(
    ("header", "attributes"),
    [
        (False, ("_c0", "_c1")),
        (False, ("0", "1")),
        (True, ("label", "score")),
        (True, ("0", "1")),
    ],
)
def test_columns_are_found_by_name_and_by_position(image: Image, header: bool, attributes: tuple[str, str]) -> None:
    text = scored().to_csv(index=False, header=header)
    variables = {**BINARY, "ground_truth_attribute": attributes[0], "probability_attribute": attributes[1]}
    found = image.run(text, form=CSV if header else BARE_CSV, **variables)
    assert values(found, "binary_classification")["auc"] == pytest.approx(
        metrics.roc_auc_score(scored().label, scored().score)
    )


@pytest.mark.parametrize("truth", ["truth.label", "$.truth.label", "$['truth']['label']"])
def test_columns_of_json_are_found_by_json_path(image: Image, truth: str) -> None:
    lines = io.StringIO()
    for row in scored().itertuples():
        print(json.dumps({"truth": {"label": bool(row.label)}, "score": row.score}), file=lines)
    found = image.run(lines.getvalue(), form=JSON_LINES, **{**BINARY, "ground_truth_attribute": truth})
    assert values(found, "binary_classification")["auc"] > 0.9


@pytest.mark.parametrize(
    ("changes", "text", "said"),
    [
        ({"problem_type": "Ranking"}, "label,score\n", "problem_type 'Ranking' is none of BinaryClassification"),
        ({"ground_truth_attribute": ""}, "label,score\n", "ground_truth_attribute is not set"),
        ({"probability_attribute": ""}, "label,score\n", "inference_attribute is not set"),
        ({"probability_threshold_attribute": "half"}, "label,score\n", "'half' is not a number"),
        (
            {"ground_truth_attribute": "truth"},
            "label,score\n0,1\n",
            "'truth' is no column of the dataset; it has label, score",
        ),
        ({"probability_attribute": "7"}, "label,score\n0,1\n", "probability_attribute '7' is no column"),
        ({}, "label,score\n", "the dataset has no rows"),
        ({}, "label,score\nyes,0.1\nno,0.2\n", "holds 'yes'; BinaryClassification takes the labels 0 and 1"),
        ({}, "label,score\n0,0.1\n2,0.2\n", "holds '2'; BinaryClassification takes the labels 0 and 1"),
        ({}, "label,score\n1,0.1\n1,0.2\n", "holds the label 1 only"),
        ({}, "label,score\n0,low\n1,0.2\n", "'score' (probability_attribute) holds 'low', which is not a number"),
        ({}, "label,score\n0,\n1,0.2\n", "'score' (probability_attribute) has no value in 1 of 2 rows"),
        ({}, "label,score\n0,inf\n1,0.2\n", "holds an infinite number"),
        (
            {**REGRESSION, "probability_attribute": ""},
            "label,guess\n1,x\n",
            "'guess' (inference_attribute) holds 'x', which is not a number",
        ),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(image: Image, changes: dict[str, str], text: str, said: str) -> None:
    found = image.run(text, **{**BINARY, **changes})
    assert found.code == 255
    assert said in found.message
    assert "\n" not in found.message
    assert not found.folder.exists()


def test_a_baseline_of_another_problem_is_refused(image: Image) -> None:
    first = image.run(scored(), **BINARY)
    found = image.run("label,guess\n1,2\n", against=first, **REGRESSION)
    assert "is not a constraints file of Regression" in found.message


def test_a_constraint_on_what_is_not_measured_is_refused(image: Image) -> None:
    first = image.run(scored(), **BINARY)
    table = scored().assign(guess=lambda table: (table.score > 0.5).astype(int))
    variables = {**BINARY, "inference_attribute": "guess", "probability_attribute": ""}
    found = image.run(table, against=first, **variables)
    assert "limit 'auc', which this analysis does not measure" in found.message


def test_a_column_of_names_is_no_column_of_labels(image: Image) -> None:
    table = pd.DataFrame({"label": [f"customer {number}" for number in range(1001)], "guess": "customer 1"})
    outcome = image.run(table, **MULTICLASS)
    assert outcome.code == EXIT_REFUSED
    assert "1001 different labels, such as 'customer 0' and 'customer 999'" in outcome.message
