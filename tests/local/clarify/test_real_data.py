"""Clarify on churn data and a model of the project's own steps, script and all."""

from __future__ import annotations

import csv
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contender.local.containers.inference import Model, load
from tests.local.clarify.analyses import Analyse, metrics
from tests.steps.chain import Chain

ROWS, EXPLAINED = 600, 25
BIAS: dict[str, Any] = {
    "label": "Churn?",
    "label_values_or_threshold": ["True."],
    "facet": [{"name_or_index": "Int'l Plan", "value_or_threshold": ["yes"]}],
    "group_variable": "VMail Plan",
}
PREDICTOR = {"predictor": {"model_name": "churn", "accept_type": "text/csv", "label_headers": ["True."]}}
METHODS = {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}}


@pytest.fixture(scope="module")
def table(real_data: Path) -> list[dict[str, str]]:
    """Rows of the customers without what the model is not given."""
    path = sorted(real_data.glob("training/*/*.csv"))[0]
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in ("Dimension", "Phone")} for row in rows]


@pytest.fixture(scope="module")
def model(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    chain = Chain(tmp_path_factory.mktemp("churn"))
    chain.upload(sorted(real_data.glob("training/*/*.csv"))[0].read_bytes())
    assert chain.preprocess() == 0
    assert chain.train().package() == 0
    unpacked = chain.root / "unpacked"
    with tarfile.open(next((chain.root / "artifact").rglob("*.tar.gz"))) as tar:
        tar.extractall(unpacked, filter="data")
    return load(unpacked, os.environ)


def as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_bias_agrees_with_pandas(analyse: Analyse, table: list[dict[str, str]], model: Model) -> None:
    rows = table[:ROWS]
    analysis = analyse({**BIAS, **PREDICTOR, "methods": METHODS}, as_csv(rows), model)
    frame = pd.DataFrame(rows)
    features = [name for name in frame if name != "Churn?"]
    body = frame[features].to_csv(index=False, header=False).encode()
    predicted = pd.Series(model.invoke(body, "text/csv", "text/csv").body.split()).astype(float) > 0.5
    churned, sensitive = frame["Churn?"] == "True.", frame["Int'l Plan"] == "yes"
    before, after = (metrics(analysis, stage, "Int'l Plan") for stage in ("pre_training", "post_training"))
    assert before["CI"] == pytest.approx(((~sensitive).sum() - sensitive.sum()) / ROWS)
    assert before["DPL"] == pytest.approx(churned[~sensitive].mean() - churned[sensitive].mean())
    assert after["DPPL"] == pytest.approx(predicted[~sensitive].mean() - predicted[sensitive].mean())
    right = predicted == churned
    assert after["AD"] == pytest.approx(right[~sensitive].mean() - right[sensitive].mean())
    assert [name for name, value in {**before, **after}.items() if value is None] == ["FT"]  # states are text


def test_flipped_labels_are_told_and_unchanged_data_is_not(
    analyse: Analyse, table: list[dict[str, str]], model: Model
) -> None:
    rows = table[:ROWS]
    config = {**BIAS, "methods": {"pre_training_bias": {"methods": "all"}}}
    baseline = analyse(config, as_csv(rows))
    analyse(config, as_csv(rows), baseline=baseline)
    assert analyse.read("constraint_violations.json")["violations"] == []
    flipped = [
        {**row, "Churn?": "True."} if row["Int'l Plan"] == "yes" and n % 2 else row for n, row in enumerate(rows)
    ]
    analyse(config, as_csv(flipped), baseline=baseline)
    moved = {
        each["metric_name"]: each["description"] for each in analyse.read("constraint_violations.json")["violations"]
    }
    assert 'of the facet "Int\'l Plan" = yes' in moved["DPL"]
    assert "CI" not in moved


def test_explanations_of_text_columns_sum_to_the_predictions(
    analyse: Analyse, table: list[dict[str, str]], model: Model
) -> None:
    rows = table[:EXPLAINED]
    methods = {"shap": {"num_samples": 256, "save_local_shap_values": True, "num_clusters": 1}}
    config = {"label": "Churn?", **PREDICTOR, "methods": methods}
    baseline = analyse(config, as_csv(rows), model)
    explained = baseline["explanations"]["kernel_shap"]["True."]
    local = pd.read_csv(analyse.output / "explanations_shap" / "out.csv")
    features = [name for name in rows[0] if name != "Churn?"]
    body = pd.DataFrame(rows)[features].to_csv(index=False, header=False).encode()
    probabilities = np.array(model.invoke(body, "text/csv", "text/csv").body.split(), dtype=float)
    assert list(local) == [f"{name}_True." for name in features]
    assert (local.sum(axis=1) + explained["expected_value"]).to_numpy() == pytest.approx(probabilities)
    assert list(explained["global_shap_values"]) == features
    analyse(config, as_csv(rows), model, baseline)
    assert analyse.read("constraint_violations.json")["violations"] == []
