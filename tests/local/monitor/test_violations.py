"""What a dataset violates of its baseline: each kind when it happens, none when nothing has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.local.monitor.image import BARE_CSV, Image, Outcome

ROWS = 3000


def customers(seed: int, rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "minutes": random.normal(180, 50, rows).round(1),
            "calls": random.poisson(4, rows),
            "charge": random.exponential(20, rows),
            "plan": random.choice(["yes", "no"], rows, p=[0.1, 0.9]),
            "state": random.choice([f"S{number}" for number in range(51)], rows),
            "code": np.where(random.random(rows) < 0.01, "none", random.integers(0, 9, rows).astype(str)),
            "phone": [f"{number:07d}-x" for number in random.integers(0, 10**7, rows)],
            "tail": [f"t{min(number, 500)}" for number in random.zipf(2, rows)],
        }
    )
    table["since"] = random.normal(5, 1, rows)
    table.loc[random.random(rows) < 0.05, "since"] = np.nan
    return table


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return Image(tmp_path_factory.mktemp("baseline")).run(customers(0))


def test_the_baseline_itself_violates_nothing(image: Image, baseline: Outcome) -> None:
    again = image.run(customers(0), against=baseline)
    assert again.violations == []
    assert again.message == "Completed: Job completed successfully with no violations."


@pytest.mark.parametrize("rows", [ROWS, 400])
def test_other_customers_of_the_same_kind_violate_nothing(image: Image, baseline: Outcome, rows: int) -> None:
    for seed in range(1, 26):
        assert image.run(customers(seed, rows), against=baseline).violations == []


def shift(**changes: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    return customers(1).assign(**changes)


def test_a_shifted_mean_says_how_far_it_moved(image: Image, baseline: Outcome) -> None:
    found = image.run(shift(minutes=lambda table: table.minutes + 25), against=baseline)
    assert found.checks == {("minutes", "baseline_drift_check")}
    said = found.said("minutes", "baseline_drift_check")
    assert "The mean moved from 178.301 to 204.882" in said
    assert "(+0.5" in said
    assert "baseline standard deviations" in said
    distance, threshold = said.rpartition("distance: ")[2].split(" exceeds threshold: ")
    assert 0.1 < float(distance) < 0.2
    assert float(threshold) == 0.1
    assert found.message == "CompletedWithViolations: Job completed successfully with 1 violations."


def test_a_wider_spread_is_drift_although_the_mean_stays(image: Image, baseline: Outcome) -> None:
    found = image.run(shift(minutes=lambda table: 180 + (table.minutes - 180) * 2), against=baseline)
    assert found.checks == {("minutes", "baseline_drift_check")}
    assert "the standard deviation from 49.7075 to 99." in found.said("minutes", "baseline_drift_check")


def test_a_new_category_is_named(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[:6, "plan"] = "maybe"
    found = image.run(table, against=baseline)
    assert found.checks == {("plan", "categorical_values_check")}
    said = found.said("plan", "categorical_values_check")
    assert said.startswith("7 of 3000 values are none of the 2 that the baseline has: 'maybe' (7).")
    assert "Only 99.77% of data" in said


def test_one_row_of_a_new_category_is_enough(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[0, "state"] = "S51"
    assert image.run(table, against=baseline).checks == {("state", "categorical_values_check")}


def test_a_category_that_takes_over_is_drift(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[:1500, "plan"] = "yes"
    found = image.run(table, against=baseline)
    assert found.checks == {("plan", "baseline_drift_check")}
    assert "made up " in found.said("plan", "baseline_drift_check")
    assert ", now 5" in found.said("plan", "baseline_drift_check")


def test_missing_values_say_how_many(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[:299, "minutes"] = np.nan
    table.loc[:299, "since"] = np.nan
    found = image.run(table, against=baseline)
    assert found.checks == {("minutes", "completeness_check"), ("since", "completeness_check")}
    said = found.said("minutes", "completeness_check")
    assert said.startswith("300 of 3000 values are missing. Completeness fell from 100.0% to 90.0%.")


def test_one_missing_value_in_a_complete_column_is_enough(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[0, "minutes"] = np.nan
    assert image.run(table, against=baseline).checks == {("minutes", "completeness_check")}


def test_a_column_that_lost_all_its_values_is_incomplete_only(image: Image, baseline: Outcome) -> None:
    found = image.run(shift(minutes=lambda table: np.nan, plan=lambda table: None), against=baseline)
    assert found.checks == {("minutes", "completeness_check"), ("plan", "completeness_check")}


def test_dropped_and_added_columns_are_named(image: Image, baseline: Outcome) -> None:
    found = image.run(customers(1).drop(columns=["calls"]).assign(surprise=1, other="x"), against=baseline)
    assert found.checks == {
        ("calls", "missing_column_check"),
        ("surprise", "extra_column_check"),
        ("other", "extra_column_check"),
    }
    said = found.said("calls", "missing_column_check")
    assert said.startswith("The baseline has a column 'calls', the current dataset has none.")
    assert said.endswith("Number of columns in current dataset: 10, Number of columns in baseline constraints: 9")


def test_columns_without_names_are_missed_by_their_number(image: Image) -> None:
    first = image.run("1,2,3\n4,5,6\n", form=BARE_CSV)
    assert image.run("1,2\n4,5\n", form=BARE_CSV, against=first).checks == {("_c2", "missing_column_check")}


@pytest.mark.parametrize(
    ("column", "value", "observed"),
    [
        ("minutes", "n/a", "10 of 3000 values are text"),
        ("calls", "2.5", "10 of 3000 values have a fraction"),
        ("calls", "many", "10 of 3000 values are text"),
    ],
)
def test_a_changed_type_says_what_the_values_are(
    image: Image, baseline: Outcome, column: str, value: str, observed: str
) -> None:
    table = customers(1).astype({column: object})
    table.loc[:9, column] = value
    found = image.run(table, against=baseline)
    assert found.checks == {(column, "data_type_check")}
    assert found.said(column, "data_type_check").startswith(observed)
    assert "Observed: Only 99.67% of data is" in found.said(column, "data_type_check")


def test_whole_numbers_are_no_violation_where_fractions_are_expected(image: Image, baseline: Outcome) -> None:
    found = image.run(shift(since=lambda table: table.since.round().astype("Int64")), against=baseline)
    assert ("since", "data_type_check") not in found.checks


def test_text_that_turned_into_numbers_has_changed_its_type(image: Image, baseline: Outcome) -> None:
    found = image.run(shift(phone=lambda table: range(len(table)), state=lambda table: 7), against=baseline)
    assert found.checks == {
        ("phone", "data_type_check"),
        ("state", "data_type_check"),
        ("state", "categorical_values_check"),
        ("state", "baseline_drift_check"),
    }
    assert found.said("phone", "data_type_check").startswith("All 3000 values are numbers now.")
    assert found.features["state"]["inferred_type"] == "Integral"
    assert "numerical_statistics" in found.features["state"]


def test_rare_text_among_numbers_may_be_absent(image: Image, baseline: Outcome) -> None:
    few = customers(1, 400)
    few.loc[few.code == "none", "code"] = "3"
    assert image.run(few, against=baseline).violations == []


def test_negative_numbers_where_the_baseline_had_none(image: Image, baseline: Outcome) -> None:
    table = customers(1)
    table.loc[:29, "charge"] *= -1
    found = image.run(table, against=baseline)
    assert found.checks == {("charge", "data_type_check")}
    assert found.said("charge", "data_type_check").startswith("30 of 3000 values are negative, the lowest is -")


def edited(baseline: Outcome, folder: Path, edit: Callable[[dict[str, Any]], Any]) -> Outcome:
    """The baseline with other constraints."""
    constraints = baseline.file("constraints.json")
    edit(constraints)
    (folder / "statistics.json").write_text((baseline.folder / "statistics.json").read_text())
    (folder / "constraints.json").write_text(json.dumps(constraints))
    return Outcome(0, "", folder)


def everything_shifted() -> pd.DataFrame:
    table = customers(1).assign(minutes=lambda table: table.minutes + 25, plan="maybe", calls=2.5)
    table.loc[:99, "since"] = np.nan
    return table


def test_thresholds_that_somebody_changed_are_kept(image: Image, baseline: Outcome, tmp_path: Path) -> None:
    def loosen(constraints: dict[str, Any]) -> None:
        config = constraints["monitoring_config"]
        config |= {"datatype_check_threshold": 0.0, "domain_content_threshold": 0.0}
        config["distribution_constraints"] |= {"comparison_threshold": 0.9, "categorical_comparison_threshold": 1.0}
        for feature in constraints["features"]:
            feature["completeness"] = 0.5

    assert image.run(everything_shifted(), against=edited(baseline, tmp_path, loosen)).violations == []


def test_a_stricter_completeness_than_the_baselines_allows_for_no_chance(
    image: Image, baseline: Outcome, tmp_path: Path
) -> None:
    def tighten(constraints: dict[str, Any]) -> None:
        (since,) = (feature for feature in constraints["features"] if feature["name"] == "since")
        since["completeness"] = 0.99

    found = image.run(customers(0), against=edited(baseline, tmp_path, tighten))
    assert found.checks == {("since", "completeness_check")}


def test_a_feature_may_have_thresholds_of_its_own(image: Image, baseline: Outcome, tmp_path: Path) -> None:
    def override(constraints: dict[str, Any]) -> None:
        for feature in constraints["features"]:
            if feature["name"] == "minutes":
                feature["monitoringConfigOverrides"] = {"distribution_constraints": {"perform_comparison": "Disabled"}}

    table = shift(minutes=lambda table: table.minutes + 25, charge=lambda table: table.charge + 25)
    found = image.run(table, against=edited(baseline, tmp_path, override))
    assert found.checks == {("charge", "baseline_drift_check")}


@pytest.mark.parametrize("switch", ["evaluate_constraints", "perform_comparison"])
def test_checks_can_be_switched_off(image: Image, baseline: Outcome, tmp_path: Path, switch: str) -> None:
    def disable(constraints: dict[str, Any]) -> None:
        config = constraints["monitoring_config"]
        (config if switch in config else config["distribution_constraints"])[switch] = "Disabled"

    found = image.run(everything_shifted(), against=edited(baseline, tmp_path, disable))
    assert not {check for _, check in found.checks} & {"baseline_drift_check"}
    assert bool(found.violations) == (switch == "perform_comparison")


def test_the_simple_distance_allows_for_no_chance(image: Image, baseline: Outcome, tmp_path: Path) -> None:
    def simple(constraints: dict[str, Any]) -> None:
        constraints["monitoring_config"]["distribution_constraints"] |= {
            "comparison_method": "Simple",
            "comparison_threshold": 0.05,
            "categorical_comparison_threshold": 0.9,
        }

    few = customers(1, 60)
    assert image.run(few, against=baseline).violations == []
    found = image.run(few, against=edited(baseline, tmp_path, simple))
    assert ("minutes", "baseline_drift_check") in found.checks


def test_chi_squared_finds_drift_by_its_p_value(image: Image) -> None:
    first = image.run(customers(0)[["plan", "calls"]], categorical_drift_method="ChiSquared")
    config = first.file("constraints.json")["monitoring_config"]["distribution_constraints"]
    assert config["categorical_drift_method"] == "ChiSquared"
    table = customers(1)[["plan", "calls"]]
    table.loc[:300, "plan"] = "yes"
    found = image.run(table, against=first)
    assert found.checks == {("plan", "baseline_drift_check")}
    assert "is below threshold: 0.1" in found.said("plan", "baseline_drift_check")


def test_without_statistics_everything_but_drift_is_checked(image: Image, baseline: Outcome, tmp_path: Path) -> None:
    found = image.run(everything_shifted(), baseline_constraints=str(baseline.folder / "constraints.json"))
    assert {check for _, check in found.checks} == {"data_type_check", "completeness_check", "categorical_values_check"}


def test_a_baseline_that_aws_made_is_understood(image: Image, tmp_path: Path) -> None:
    """No field of ours in it, and constraints in the short form that older images wrote."""
    statistics = {
        "version": 0.0,
        "dataset": {"item_count": 4},
        "features": [
            {
                "name": "age",
                "inferred_type": "Integral",
                "numerical_statistics": {
                    "common": {"num_present": 4, "num_missing": 0},
                    "mean": 2.5,
                    "sum": 10.0,
                    "std_dev": 1.118,
                    "min": 1.0,
                    "max": 4.0,
                    "distribution": {
                        "kll": {
                            "buckets": [{"lower_bound": 1.0, "upper_bound": 4.0, "count": 4.0}],
                            "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0, 2.0, 3.0, 4.0]]},
                        }
                    },
                },
            },
            {
                "name": "plan",
                "inferred_type": "String",
                "string_statistics": {"common": {"num_present": 4, "num_missing": 0}, "distinct_count": 2.0},
            },
        ],
    }
    constraints = {
        "version": 0.0,
        "features": [
            {"name": "age", "inferred_type": "Integral", "completeness": 1.0},
            {"name": "plan", "inferred_type": "String", "completeness": 1.0},
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Simple",
            },
        },
    }
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    given = Outcome(0, "", tmp_path)
    assert image.run("age,plan\n1,a\n2,b\n3,a\n4,b\n", against=given).violations == []
    found = image.run("age,plan\n11,5\n12,6\n13,7\n14,8\n", against=given)
    assert found.checks == {("age", "baseline_drift_check"), ("plan", "data_type_check")}
