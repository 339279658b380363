"""The bias sections of analysis.json, from files to figures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.clarify.analyses import FACET, LABEL, LOANS, POST, PRE, PREDICTOR, Analyse, FunctionModel, metrics

BOTH: dict[str, Any] = {"methods": {**PRE["methods"], **POST["methods"]}}


def test_writes_the_format_of_aws(analyse: Analyse) -> None:
    analysis = analyse({**LABEL, **FACET, "methods": {"pre_training_bias": {"methods": ["CI", "DPL"]}}})
    # Ulm is three of six rows, with one of three approved against three of three
    assert analysis == {
        "version": "1.0",
        "pre_training_bias_metrics": {
            "label": "approved",
            "label_value_or_threshold": "1",
            "facets": {
                "town": [
                    {
                        "value_or_threshold": "Ulm",
                        "metrics": [
                            {"name": "CI", "description": "Class Imbalance (CI)", "value": 0.0},
                            {
                                "name": "DPL",
                                "description": "Difference in Positive Proportions in Labels (DPL)",
                                "value": pytest.approx(3 / 3 - 1 / 3),
                            },
                        ],
                    }
                ]
            },
        },
    }


def test_a_facet_without_values_is_measured_for_each_of_them(analyse: Analyse) -> None:
    analysis = analyse({**LABEL, "facet": [{"name_or_index": "town"}, {"name_or_index": 2}], **PRE})
    facets = analysis["pre_training_bias_metrics"]["facets"]
    assert {name: [group["value_or_threshold"] for group in groups] for name, groups in facets.items()} == {
        "town": ["Ulm", "Bonn"],
        "plan": ["basic", "gold"],
    }
    assert metrics(analysis, "pre_training", "town", 0)["DPL"] == -metrics(analysis, "pre_training", "town", 1)["DPL"]


def test_a_threshold_is_an_exclusive_lower_bound(analyse: Analyse) -> None:
    analysis = analyse({**LABEL, "facet": [{"name_or_index": "age", "value_or_threshold": [45]}], **PRE})
    group = analysis["pre_training_bias_metrics"]["facets"]["age"][0]
    assert group["value_or_threshold"] == "(45, 60]"
    assert metrics(analysis, "pre_training", "age")["CI"] == pytest.approx((4 - 2) / 6)


def test_a_missing_value_makes_no_quantity_of_a_label_or_facet_of_whole_numbers(analyse: Analyse) -> None:
    senior = "senior,approved\n1,1\n1,0\n,1\n0,\n0,1\n0,0\n"
    analysis = analyse({**LABEL, "facet": [{"name_or_index": "senior", "value_or_threshold": [1]}], **PRE}, senior)
    section = analysis["pre_training_bias_metrics"]
    assert section["label_value_or_threshold"] == "1"
    assert section["facets"]["senior"][0]["value_or_threshold"] == "1"
    assert metrics(analysis, "pre_training", "senior")["DPL"] == pytest.approx(2 / 4 - 1 / 2)


def test_an_infinite_value_is_the_upper_end_of_an_interval(analyse: Analyse) -> None:
    data = LOANS.replace("Bonn,60", "Bonn,inf")
    analysis = analyse({**LABEL, "facet": [{"name_or_index": "age", "value_or_threshold": [45]}], **PRE}, data)
    assert analysis["pre_training_bias_metrics"]["facets"]["age"][0]["value_or_threshold"] == "(45, inf]"


def test_several_values_are_categories_even_of_numbers(analyse: Analyse) -> None:
    analysis = analyse({**LABEL, "facet": [{"name_or_index": "age", "value_or_threshold": [30, 40, 50]}], **PRE})
    assert analysis["pre_training_bias_metrics"]["facets"]["age"][0]["value_or_threshold"] == "30,40,50"
    assert metrics(analysis, "pre_training", "age")["CI"] == 0.0


def test_a_group_variable_makes_the_conditional_disparity(analyse: Analyse) -> None:
    without = metrics(analyse({**LABEL, **FACET, **PRE}), "pre_training", "town")
    assert without["CDDL"] is None
    found = metrics(analyse({**LABEL, **FACET, **PRE, "group_variable": "plan"}), "pre_training", "town")
    # basic: Ulm has 1 of 1 rejections and 1 of 2 acceptances; gold: 1 of 1 and 0 of 2
    assert found["CDDL"] == pytest.approx((3 * (1 - 0.5) + 3 * (1 - 0)) / 6)


def test_an_empty_group_has_no_values_and_says_why(analyse: Analyse) -> None:
    nobody = {"facet": [{"name_or_index": "town", "value_or_threshold": ["Rome"]}]}
    analysis = analyse({**LABEL, **nobody, **PRE})
    for metric in analysis["pre_training_bias_metrics"]["facets"]["town"][0]["metrics"]:
        assert metric["value"] is None
        assert "Facet set is empty" in metric["error"]


def test_infinity_is_written_as_text(analyse: Analyse) -> None:
    # all of Bonn is approved, but Ulm is not: from Ulm to Bonn there is a rejection that never happens
    bonn = {"facet": [{"name_or_index": "town", "value_or_threshold": ["Bonn"]}]}
    assert metrics(analyse({**LABEL, **bonn, **PRE}), "pre_training", "town")["KL"] == "Infinity"


def test_measures_a_models_predictions(analyse: Analyse) -> None:
    # predicted: those older than 42, so Ulm never and Bonn always
    analysis = analyse({**LABEL, **FACET, **BOTH, **PREDICTOR}, model=lambda row: 0.9 if int(row[1]) > 42 else 0.1)
    found = metrics(analysis, "post_training", "town")
    assert found["DPPL"] == 1.0
    assert found["DI"] == 0.0
    assert found["AD"] == pytest.approx(1 - 2 / 3)
    assert found["RD"] == 1.0
    assert found["FT"] is None
    assert metrics(analysis, "pre_training", "town")["DPL"] == pytest.approx(2 / 3)
    assert analyse.asked[0].model_name == "loans"


def test_the_model_gets_the_features_as_they_stand_in_the_file(analyse: Analyse) -> None:
    model = FunctionModel(lambda row: 0.9)
    data = 'id,town,age,approved\n007,"Ulm, south",1.50,1\n008,Bonn,,0\n'
    facet = {"facet": [{"name_or_index": "town", "value_or_threshold": ["Bonn"]}]}
    analyse({**LABEL, **facet, **POST, **PREDICTOR, "excluded_columns": ["id"]}, data, model)
    assert model.requests == [b'"Ulm, south",1.50\nBonn,\n']


def test_the_threshold_of_a_probability(analyse: Analyse) -> None:
    def score(row: list[str]) -> float:
        return int(row[1]) / 100

    half = metrics(analyse({**LABEL, **FACET, **POST, **PREDICTOR}, model=score), "post_training", "town")
    assert half["DPPL"] == pytest.approx(1 / 3)  # only 60: what equals the threshold is not above it
    config = {**LABEL, **FACET, **POST, **PREDICTOR, "probability_threshold": 0.39}
    assert metrics(analyse(config, model=score), "post_training", "town")["DPPL"] == pytest.approx(1 - 1 / 3)


def test_a_text_label_needs_to_know_whose_probability_it_is(analyse: Analyse) -> None:
    data = LOANS.replace(",1\n", ",yes\n").replace(",0\n", ",no\n")
    config: dict[str, Any] = {"label": "approved", "label_values_or_threshold": ["yes"], **FACET, **POST, **PREDICTOR}
    assert "label_headers" in analyse.refused(config, data, lambda row: 0.9 if row[0] == "Bonn" else 0.1)
    for header, score in (("yes", 0.9), ("no", 0.1)):
        config["predictor"] = {**PREDICTOR["predictor"], "label_headers": [header]}
        analysis = analyse(config, data, lambda row, score=score: score if row[0] == "Bonn" else 1 - score)
        assert metrics(analysis, "post_training", "town")["DPPL"] == 1.0


def test_the_most_probable_of_many_classes(analyse: Analyse) -> None:
    data = "x,y\n1,cat\n2,dog\n3,fish\n4,cat\n"
    config = {
        "label": "y",
        "label_values_or_threshold": ["cat", "dog"],
        "facet": [{"name_or_index": "x", "value_or_threshold": [1, 2]}],
        **POST,
        "predictor": {"model_name": "m", "accept_type": "text/csv", "label_headers": ["cat", "dog", "fish"]},
    }
    scores = {"1": "0.5,0.3,0.2", "2": "0.1,0.2,0.7", "3": "0.1,0.1,0.8", "4": "0.2,0.7,0.1"}
    found = metrics(analyse(config, data, lambda row: scores[row[0]]), "post_training", "x")
    # positive predictions: row 1 (cat) of the facet, row 4 (dog) of the others
    assert found["DPPL"] == 0.0
    assert found["RD"] == pytest.approx(1 / 1 - 1 / 2)


def test_a_model_that_answers_labels_and_probabilities(analyse: Analyse) -> None:
    predictor = {"model_name": "m", "accept_type": "text/csv", "label": 0, "probability": 1}
    config = {**LABEL, **FACET, **POST, "predictor": predictor}
    analysis = analyse(config, model=lambda row: '1,"[0.2, 0.8]"' if row[0] == "Bonn" else '0,"[0.9, 0.1]"')
    assert metrics(analysis, "post_training", "town")["DPPL"] == 1.0


def test_a_quantity_is_compared_with_the_label_s_own_threshold(analyse: Analyse) -> None:
    data = "town,rooms,price\nUlm,1,100.5\nUlm,2,200.5\nBonn,3,300.5\nBonn,4,400.5\n"
    config = {"label": "price", "label_values_or_threshold": [250], **FACET, **BOTH, **PREDICTOR}
    analysis = analyse(config, data, lambda row: 150 * int(row[1]))
    assert analysis["post_training_bias_metrics"]["label_value_or_threshold"] == "(250, 400.5]"
    # predicted above 250: 300, 450, 600; observed: 300.5 and 400.5
    assert metrics(analysis, "post_training", "town")["AD"] == pytest.approx(1 - 1 / 2)


def test_predictions_may_stand_in_the_dataset(analyse: Analyse) -> None:
    data = "town,approved,guess\nUlm,1,0\nUlm,0,0\nBonn,1,1\nBonn,0,1\n"
    found = metrics(analyse({**LABEL, **FACET, **POST, "predicted_label": "guess"}, data), "post_training", "town")
    assert (found["DPPL"], found["AD"]) == (1.0, 0.0)


def test_falls_back_to_single_rows(analyse: Analyse) -> None:
    model = FunctionModel(lambda row: 0.9 if row[0] == "Bonn" else 0.1, most_rows=1)
    analysis = analyse({**LABEL, **FACET, **POST, **PREDICTOR}, model=model)
    assert metrics(analysis, "post_training", "town")["DPPL"] == 1.0
    assert len(model.requests) == 7


@pytest.mark.parametrize(
    ("change", "data", "words"),
    [
        ({"label": "aproved"}, LOANS, "label 'aproved' is not a column of the dataset; did you mean 'approved'?"),
        ({"facet": [{"name_or_index": "twon"}]}, LOANS, "facet 'twon' is not a column of the dataset; did you mean"),
        ({"facet": [{"name_or_index": 7}]}, LOANS, "facet 7 is no column's index: the dataset has 4 columns"),
        ({"facet": [{"name_or_index": "approved"}]}, LOANS, "is the label itself"),
        ({"facet": [{"name_or_index": "age"}]}, LOANS, "Threshold values must be provided"),
        ({"facet": [{"name_or_index": "age", "value_or_threshold": ["old"]}]}, LOANS, "'old' cannot be a value"),
        ({"group_variable": "plam"}, LOANS, "group_variable 'plam' is not a column"),
        ({"label_values_or_threshold": [2]}, LOANS, "has no row that label_values_or_threshold [2] calls positive"),
        ({}, LOANS.replace(",0\n", ",1\n"), "has one class: all 6 rows are positive"),
        ({}, LOANS.replace(",1\n", ",0\n"), "its values are 0"),
        ({}, "town,age,plan,approved\nUlm,30,gold,\nBonn,40,gold,\n", "the label 'approved' has no value in any row"),
        ({}, "town,age,plan,approved\n,30,gold,1\n,40,gold,0\n", "the facet 'town' has no value in any row"),
        ({"headers": ["a", "b"]}, LOANS, "2 headers, 4 columns"),
        ({}, "town,age,plan,approved\n", "has no rows"),
        ({}, "", "has no rows"),
        ({}, LOANS + "Ulm,1,2,3,4,5\n", "is not CSV that can be read"),
    ],
)
def test_says_in_one_line_what_it_cannot_use(analyse: Analyse, change: Any, data: str, words: str) -> None:
    assert words in analyse.refused({**LABEL, **FACET, **PRE, **change}, data)


def test_a_model_without_a_positive_prediction_is_refused(analyse: Analyse) -> None:
    said = analyse.refused({**LABEL, **FACET, **POST, **PREDICTOR}, model=lambda row: 0.1)
    assert "the model predicts none of the 6 rows as approved 1" in said


def test_a_model_that_fails_is_one_line(analyse: Analyse) -> None:
    said = analyse.refused({**LABEL, **FACET, **POST, **PREDICTOR}, model=FunctionModel(lambda row: 1, most_rows=0))
    assert said == "the model loans answered 400: too many rows"
