"""Reports of checks and evaluations as tables and bars, and what is no report after all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contender.studio.reports.known import told
from contender.studio.reports.report import Report


def report(path: str, document: Any) -> Report:
    found = told(path, json.dumps(document))
    assert found
    return found


def test_a_violation_tells_what_it_is_of_and_what_was_found() -> None:
    drift = {"feature_name": "Day Mins", "constraint_check_type": "baseline_drift_check", "description": "moved\nfar"}
    bias = {
        "facet": "Int'l Plan",
        "facet_value": "yes",
        "metric_name": "AD",
        "constraint_check_type": "bias_drift_check",
        "description": "Value 0.1 does not meet the constraint requirement: AD rose",
    }
    (table,) = report("output/constraint_violations.json", {"violations": [drift, bias]}).tables
    assert table.rows == (
        ("Day Mins", "baseline_drift_check", "Day Mins: moved far"),
        ("AD of Int'l Plan = yes", "bias_drift_check", "AD rose"),
    )


def test_no_violation_is_said() -> None:
    found = report("constraint_violations.json", {"violations": []})
    assert not found.tables[0].rows
    assert found.about == "No constraint is violated."


def test_bias_has_a_table_for_each_group_and_says_where_balance_is() -> None:
    metrics = [
        {"name": "DI", "description": "Disparate Impact (DI)", "value": 1.1},
        {"name": "FT", "description": "Flip Test (FT)", "value": None, "error": "not for text"},
    ]
    facets = {"Plan": [{"value_or_threshold": each, "metrics": metrics} for each in ("yes", "no")]}
    document = {
        "pre_training_bias_metrics": {"label": "Churn?", "label_value_or_threshold": "1", "facets": facets},
        "post_training_bias_metrics": {"label": "Churn?", "label_value_or_threshold": "1", "facets": facets},
    }
    tables = report("analysis.json", document).tables
    assert [table.title for table in tables][::2] == [
        "Bias before training: Plan = yes, for Churn? = 1",
        "Bias of the model's answers: Plan = yes, for Churn? = 1",
    ]
    assert tables[0].rows == (
        ("DI", "Disparate Impact (DI)", 1.1, 1, ""),
        ("FT", "Flip Test (FT)", None, 0, "not for text"),
    )
    assert tables[0].numbers == {2, 3}


def test_shap_values_are_bars_the_longest_first_and_the_table_has_them_all() -> None:
    values = {f"column {number}": number / 100 for number in range(60)}
    document = {"explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.2}}}}
    (chart,) = report("analysis.json", document).charts
    assert chart.table[0] == ["column 59", "0.59"]
    assert len(chart.table) == 60
    assert "The 40 largest of 60." in chart.about


def test_statistics_of_data_have_a_row_for_each_column() -> None:
    document = {
        "dataset": {"item_count": 3},
        "features": [
            {
                "name": "State",
                "inferred_type": "String",
                "string_statistics": {"common": {"num_present": 3, "num_missing": 0}, "distinct_count": 2.0},
            },
            {
                "name": "Mins",
                "inferred_type": "Fractional",
                "numerical_statistics": {
                    "common": {"num_present": 2, "num_missing": 1},
                    "mean": 1.5,
                    "std_dev": 0.5,
                    "min": 1.0,
                    "max": 2.0,
                },
            },
        ],
    }
    found = report("statistics.json", document)
    assert found.about == "Of 3 rows."
    assert found.tables[0].rows == (
        ("State", "String", 3, 0, 2.0, None, None, None, None),
        ("Mins", "Fractional", 2, 1, None, 1.5, 0.5, 1.0, 2.0),
    )


def test_statistics_of_a_model_have_metrics_and_a_confusion_matrix() -> None:
    measured = {
        "auc": {"value": 0.9, "standard_deviation": 0.01},
        "recall": {"value": 0.8, "standard_deviation": "NaN"},
        "confusion_matrix": {"0": {"0": 7, "1": 1}, "1": {"0": 2, "1": 5}},
    }
    metrics, matrix = report("statistics.json", {"binary_classification_metrics": measured}).tables
    assert metrics.rows == (("auc", 0.9, 0.01), ("recall", 0.8, None))
    assert matrix.rows == (("0", 7, 1), ("1", 2, 5))


def test_constraints_say_what_has_to_hold() -> None:
    features = [
        {
            "name": "Mins",
            "inferred_type": "Fractional",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        },
        {"name": "State", "inferred_type": "String", "string_constraints": {"domains": [f"s{n}" for n in range(14)]}},
    ]
    rows = report("constraints.json", {"features": features}).tables[0].rows
    assert rows[0] == ("Mins", "Fractional", 1.0, "not negative")
    assert rows[1][3].endswith("s11 and 2 more")
    model = {
        "binary_classification_constraints": {"auc": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}
    }
    assert report("constraints.json", model).tables[0].rows == (("auc", "at least", 0.9),)


def test_an_evaluation_puts_the_champion_beside_the_challenger_and_the_rules_first() -> None:
    document = {
        "dataset": {"item_count": 163},
        "binary_classification_metrics": {
            "auc": {"value": 0.92, "standard_deviation": 0.02},
            "confusion_matrix": {"0": {"0": 7, "1": 1}, "1": {"0": 2, "1": 5}},
        },
        "champion": {"version": "1", "auc": {"value": 0.9}},
        "difference": {"auc": 0.02},
        "gate": {
            "reason": "Passed",
            "rules": {"auc": {"figure": 0.92, "limit": 0.75, "verdict": "passed", "sentence": "reaches the floor"}},
        },
    }
    found = report("evaluation/evaluation.json", document)
    rules, metrics = found.tables
    assert rules.rows == (("auc", "passed", 0.92, 0.75, "reaches the floor"),)
    assert metrics.columns[3] == "Champion v1"
    assert metrics.rows == (("auc", 0.92, 0.02, 0.9, 0.02),)
    assert found.about == "On 163 held-out rows. Passed"


def test_an_evaluation_without_a_champion_is_told_too() -> None:
    document = {"binary_classification_metrics": {"auc": {"value": 0.92}}, "champion": None}
    (metrics,) = report("evaluation.json", document).tables
    assert metrics.rows == (("auc", 0.92, None, None, None),)


@pytest.mark.parametrize("name", ["evaluation", "constraint_violations", "analysis", "statistics", "constraints"])
@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '"text"', "null", "{}", '{"features": 3}', '{"violations": [3]}', '{"explanations": 3}'],
)
def test_what_only_has_the_name_of_a_report_is_none(name: str, text: str) -> None:
    assert told(f"{name}.json", text) is None


def test_other_files_are_no_reports() -> None:
    assert told("metrics.json", '{"violations": []}') is None
