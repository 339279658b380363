"""Partial dependence by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.clarify.analyses import PREDICTOR, Analyse

DATA = "town,age,approved\nUlm,20,1\nUlm,30,0\nBonn,60,1\nUlm,25,1\n"


def score(row: list[str]) -> float:
    return (0.5 if row[0] == "Bonn" else 0.1) + float(row[1]) / 1000


def config(shap: dict[str, Any] | None = None, **pdp: Any) -> dict[str, Any]:
    methods = {"pdp": pdp} if shap is None else {"pdp": pdp, "shap": shap}
    return {"label": "approved", **PREDICTOR, "methods": methods}


def test_means_over_the_rows_at_the_middle_of_each_bucket(analyse: Analyse) -> None:
    found = analyse(config(features=["age"], grid_resolution=2), DATA, score)["explanations"]["pdp"]
    # buckets 20 to 40 and 40 to 60; one of four rows is of Bonn: 0.2 + a thousandth of the age
    assert found == [
        {
            "feature_name": "age",
            "data_type": "numerical",
            "feature_values": [30.0, 50.0],
            "data_distribution": [0.75, 0.25],
            "model_predictions": [pytest.approx([0.23, 0.25])],
        }
    ]


def test_every_category(analyse: Analyse) -> None:
    found = analyse(config(features=[0]), DATA, score)["explanations"]["pdp"][0]
    assert (found["data_type"], found["feature_values"], found["data_distribution"]) == (
        "categorical",
        ["Ulm", "Bonn"],
        [0.75, 0.25],
    )
    mean_age = (20 + 30 + 60 + 25) / 4 / 1000
    assert found["model_predictions"] == [pytest.approx([0.1 + mean_age, 0.5 + mean_age])]


def test_takes_the_features_that_matter_most(analyse: Analyse) -> None:
    analysis = analyse(config({"baseline": [["Ulm", 20]]}, top_k_features=1), DATA, score)
    assert [entry["feature_name"] for entry in analysis["explanations"]["pdp"]] == ["town"]


def test_a_label_names_the_curve(analyse: Analyse) -> None:
    asked = config(features=["age"])
    asked["predictor"] = {**asked["predictor"], "label_headers": ["yes"]}
    assert analyse(asked, DATA, score)["explanations"]["pdp"][0]["label_headers"] == ["yes"]


def test_free_text_has_no_curve(analyse: Analyse) -> None:
    data = "name,x\n" + "".join(f"person {n},{n}\n" for n in range(60))
    found = analyse({**PREDICTOR, "methods": {"pdp": {"features": ["name"]}}}, data, lambda row: 0.5)
    entry = found["explanations"]["pdp"][0]
    assert (entry["data_type"], "not supported for PDP" in entry["error"]) == ("free_text", True)
    assert "feature_values" not in entry


def test_an_unknown_feature_is_one_line(analyse: Analyse) -> None:
    said = analyse.refused(config(features=["agge"]), DATA, score)
    assert "pdp feature 'agge' is not a column of the dataset; did you mean 'age'?" in said
