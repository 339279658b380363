"""Sample data: the same when asked for again, and different where it should be."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from contender.errors import DataError
from contender.sample_data import COLUMNS, dimension_names, generate, write

PHONE = COLUMNS.index("Phone")
NUMBERS = [place for place, column in enumerate(COLUMNS) if column.endswith(("Mins", "Calls", "Charge", "Message"))]
PLANS = [COLUMNS.index(column) for column in ("Int'l Plan", "VMail Plan")]


def matrix(rows: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    numbers = [[float(row[place]) for place in NUMBERS] + [row[place] == "yes" for place in PLANS] for row in rows]
    return np.array(numbers, dtype=float), np.array([row[-1] == "True." for row in rows])


def fit(rows: list[list[str]]) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(*matrix(rows))


def auc(model: HistGradientBoostingClassifier, rows: list[list[str]]) -> float:
    features, labels = matrix(rows)
    return float(roc_auc_score(labels, model.predict_proba(features)[:, 1]))


def test_the_same_arguments_give_the_same_rows() -> None:
    assert generate("region-1", 200, 7) == generate("region-1", 200, 7)
    assert generate("region-1", 200, 7) != generate("region-1", 200, 8)


def test_has_the_columns_of_telecom_churn_and_both_classes_about_evenly() -> None:
    rows = generate("region-1", 1000, 7)
    assert {len(row) for row in rows} == {len(COLUMNS)} == {22}
    assert {row[0] for row in rows} == {"region-1"}
    assert {row[-1] for row in rows} == {"True.", "False."}
    assert sum(row[-1] == "True." for row in rows) / 1000 == pytest.approx(0.5, abs=0.08)
    assert all(row for row in rows)


def test_a_phone_belongs_to_one_customer_who_is_the_same_in_the_next_upload() -> None:
    first, second = (generate("region-1", 1000, seed) for seed in (7, 8))
    who = {row[PHONE]: row[1:7] for row in first}
    assert len(who) == 1000
    shared = [row for row in second if row[PHONE] in who]
    assert 400 < len(shared) < 600
    assert all(who[row[PHONE]] == row[1:7] for row in shared)


def test_a_larger_upload_holds_the_same_customers() -> None:
    small = {row[PHONE]: row[1:7] for row in generate("region-1", 500, 7)}
    large = {row[PHONE]: row[1:7] for row in generate("region-1", 2000, 7)}
    shared = small.keys() & large.keys()
    assert shared
    assert all(small[phone] == large[phone] for phone in shared)


def test_dimensions_leave_for_different_reasons() -> None:
    train, test, other = generate("region-1", 3000, 7), generate("region-1", 1000, 8), generate("region-2", 1000, 8)
    model = fit(train)
    assert auc(model, test) > 0.9
    assert auc(model, other) < auc(model, test) - 0.1


def test_drift_makes_yesterdays_model_worse_and_leaves_something_to_learn() -> None:
    yesterday = fit(generate("region-1", 3000, 7))
    calm, changed = generate("region-1", 1500, 8), generate("region-1", 1500, 8, drift=0.6)
    assert auc(yesterday, changed) < auc(yesterday, calm) - 0.05
    assert auc(fit(generate("region-1", 3000, 9, drift=0.6)), changed) > 0.85


def test_writes_a_file_per_dimension(tmp_path: Path) -> None:
    paths = write(tmp_path, dimension_names(3), 150, 7)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [f"region-{n}/churn-7.csv" for n in (1, 2, 3)]
    with paths[0].open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert rows[1:] == generate("region-1", 150, 7)


@pytest.mark.parametrize(("rows", "drift"), [(99, 0.0), (200, 1.5), (200, -0.1)])
def test_what_makes_no_sense_is_refused(rows: int, drift: float) -> None:
    with pytest.raises(DataError):
        generate("region-1", rows, 7, drift)
