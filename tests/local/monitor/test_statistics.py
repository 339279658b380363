"""Statistics and suggested constraints of a dataset, beside what pandas and numpy say of it."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest

from contender.local.containers.monitor.profile import profile
from contender.local.containers.monitor.statistics import Statistics
from tests.local.monitor.image import BARE_CSV, CSV, JSON_LINES, Image


def a_table(rows: int, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "amount": random.normal(1e6, 3, rows),
            "tiny": random.exponential(1e-9, rows),
            "count": random.integers(-5, 40, rows),
            "huge": random.integers(2**62, 2**63 - 1, rows),
            "plan": random.choice(["yes", "no"], rows),
            "city": random.choice(["Zürich", "東京", 'the "Big" one', "a, b", "two\nlines"], rows),
            "flag": random.choice([True, False], rows),
        }
    )
    table.loc[random.random(rows) < 0.1, "amount"] = np.nan
    table.loc[random.random(rows) < 0.2, "city"] = None
    return table


@pytest.mark.parametrize("rows", [1, 2, 37, 5000])
@pytest.mark.parametrize("column", ["amount", "tiny", "count", "huge"])
def test_moments_agree_with_pandas(image: Image, rows: int, column: str) -> None:
    table = a_table(rows, seed=rows)
    expected = table[column].dropna().astype("float64")
    found = image.run(table).features[column]
    numbers = found["numerical_statistics"]
    assert numbers["common"] == {"num_present": len(expected), "num_missing": rows - len(expected)}
    assert numbers["mean"] == pytest.approx(expected.mean(), rel=1e-13)
    assert numbers["sum"] == pytest.approx(expected.sum(), rel=1e-13)
    assert numbers["std_dev"] == pytest.approx(expected.std(ddof=0), rel=1e-9, abs=1e-12)
    assert (numbers["min"], numbers["max"]) == (expected.min(), expected.max())


def test_text_agrees_with_pandas(image: Image) -> None:
    table = a_table(3000)
    features = image.run(table).features
    for column in ("plan", "city"):
        text = features[column]["string_statistics"]
        counts = {bucket["value"]: bucket["count"] for bucket in text["distribution"]["categorical"]["buckets"]}
        assert counts == table[column].value_counts().to_dict()
        assert text["distinct_count"] == table[column].nunique()
        assert text["common"]["num_missing"] == table[column].isna().sum()


@pytest.mark.parametrize("distinct", [999, 1000, 1001, 30_000])
def test_distinct_values_are_counted_exactly_however_many_they_are(image: Image, distinct: int) -> None:
    numbers = np.random.default_rng(0).permutation(np.arange(40_000) % distinct)
    found = image.run("id\n" + "".join(f"u{number}\n" for number in numbers)).features["id"]["string_statistics"]
    assert found["distinct_count"] == distinct
    assert ("distribution" in found) == (distinct <= 1000)


@pytest.mark.parametrize(
    ("values", "inferred"),
    [
        (["1", "-2", "+3", " 4", "007"], "Integral"),
        (["1", "2.5"], "Fractional"),
        (["1e5", ".5", "5.", "-1E-3"], "Fractional"),
        (["1", "inf"], "Fractional"),
        (["12345678901234567890123456789"], "Integral"),
        (["1", "x"], "String"),
        (["1", "true"], "String"),
        (["true", "false"], "String"),
        (["0x10", "3"], "String"),
        (["1,000"], "String"),
        (["2024-01-31"], "String"),
        (["1_000"], "String"),
        (["--1", "2"], "String"),
        (["", "NaN", "nan"], "Unknown"),
        (["", "1"], "Integral"),
        (["NaN", "1.5"], "Fractional"),
    ],
)
def test_types_are_inferred_from_every_value(image: Image, values: list[str], inferred: str) -> None:
    found = image.run("id,a\n" + "".join(f'{row},"{value}"\n' for row, value in enumerate(values)))
    assert found.features["a"]["inferred_type"] == inferred
    assert found.constraints["a"]["inferred_type"] == inferred


def test_text_after_megabytes_of_numbers_makes_the_whole_column_text(image: Image) -> None:
    lines = [f"{row % 7},{row}" for row in range(1_500_000)]
    found = image.run("few,many\n" + "\n".join([*lines, "late,1", "late,x"]))
    few, many = found.features["few"], found.features["many"]
    assert (few["inferred_type"], many["inferred_type"]) == ("String", "String")
    buckets = few["string_statistics"]["distribution"]["categorical"]["buckets"]
    expected = {str(digit): len(range(digit, 1_500_000, 7)) for digit in range(7)} | {"late": 2}
    assert {bucket["value"]: bucket["count"] for bucket in buckets} == expected
    assert few["data_types"] == {"Integral": 1_500_000, "Fractional": 0, "String": 2}
    assert many["string_statistics"]["distinct_count"] == pytest.approx(1_500_001, rel=0.01)


def test_infinities_count_as_ieee_754_has_it(image: Image) -> None:
    one = image.run("a,b\n1,inf\ninf,-inf\n2,1\n").features
    assert one["a"]["numerical_statistics"]["mean"] == "Infinity"
    assert one["a"]["numerical_statistics"]["std_dev"] == "NaN"
    assert (one["a"]["numerical_statistics"]["min"], one["a"]["numerical_statistics"]["max"]) == (1, "Infinity")
    assert one["b"]["numerical_statistics"]["mean"] == "NaN"
    assert one["b"]["numerical_statistics"]["min"] == "-Infinity"


@pytest.mark.parametrize("values", [[1e308, 1e308, -1e308], [math.inf], [math.inf, -math.inf]])
def test_numbers_beyond_what_buckets_can_span_do_no_harm(image: Image, values: list[float]) -> None:
    found = image.run("a\n" + "".join(f"{value}\n" for value in values)).features["a"]["numerical_statistics"]
    assert float(found["max"]) == max(values)
    assert found["distribution"]["kll"]["buckets"] == []


def test_a_column_without_values_is_unknown(image: Image) -> None:
    found = image.run("a,b\n1,\n2,\n")
    assert found.features["b"]["inferred_type"] == "Unknown"
    assert found.constraints["b"] == {"name": "b", "inferred_type": "Unknown", "completeness": 0.0}


def test_columns_without_a_name_are_called_by_their_number(image: Image) -> None:
    assert list(image.run("1,x\n2,y\n", form=BARE_CSV).features) == ["_c0", "_c1"]
    assert list(image.run("a,,b\n1,2,3\n").features) == ["a", "_c1", "b"]


def test_csv_is_read_as_spreadsheets_write_it(image: Image) -> None:
    found = image.run('\ufeff"a ""x""","b\nc"\r\n"1","say ""hi"", twice"\r\n2,"line\nbreak"\r\n'.encode())
    assert list(found.features) == ['a "x"', "b\nc"]
    buckets = found.features["b\nc"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert {bucket["value"] for bucket in buckets} == {'say "hi", twice', "line\nbreak"}


def test_every_file_of_the_folder_is_read(image: Image, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    (folder / "deeper").mkdir(parents=True)
    (folder / "part-0.csv").write_text("a,b\n1,x\n")
    (folder / "deeper" / "part-1.csv").write_text("b,a\ny,3\n")
    (folder / "empty.csv").write_text("")
    (folder / "_SUCCESS").write_text("not data")
    found = image.run(folder)
    assert found.file("statistics.json")["dataset"]["item_count"] == 2
    assert found.features["a"]["numerical_statistics"]["sum"] == 4


@pytest.mark.parametrize(("name", "form"), [("data.csv.gz", CSV), ("data.jsonl.gz", JSON_LINES)])
def test_compressed_files_are_read(image: Image, tmp_path: Path, name: str, form: str) -> None:
    text = "a,b\n1,x\n2,y\n" if form == CSV else '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    found = image.run(tmp_path / name, form)
    assert found.features["a"]["numerical_statistics"]["sum"] == 3
    assert found.features["b"]["string_statistics"]["distinct_count"] == 2


def test_json_lines_are_read_as_flat_columns(image: Image) -> None:
    lines = '{"a": 1, "b": {"c": "x", "d": [1.5, null]}}\n\n{"a": 2.0, "b": {"c": ""}, "late": true}\n'
    found = image.run(lines, form=JSON_LINES)
    types = {name: feature["inferred_type"] for name, feature in found.features.items()}
    assert types == {"a": "Fractional", "b.c": "String", "b.d.0": "Fractional", "b.d.1": "Unknown", "late": "String"}
    assert found.features["late"]["string_statistics"]["common"] == {"num_present": 1, "num_missing": 1}
    assert found.features["b.c"]["string_statistics"]["common"] == {"num_present": 1, "num_missing": 1}


@pytest.mark.parametrize("form", ['{"json": {"lines": false}}', '{"Json": {"Line": false}}'])
def test_one_json_document_is_its_list_of_rows(image: Image, form: str) -> None:
    found = image.run('[{"a": 1},\n {"a": NaN}, {"a": Infinity}]', form)
    assert found.file("statistics.json")["dataset"]["item_count"] == 3
    assert found.features["a"]["numerical_statistics"]["common"] == {"num_present": 2, "num_missing": 1}


def test_json_and_csv_of_the_same_rows_agree(image: Image) -> None:
    table = a_table(500).drop(columns=["flag"])
    from_csv = image.run(table)
    from_json = image.run(table.to_json(orient="records", lines=True, double_precision=15), form=JSON_LINES)
    assert from_csv.constraints.keys() == from_json.constraints.keys()
    for name, feature in from_csv.constraints.items():
        assert from_json.constraints[name] == feature


def test_sketch_and_buckets_follow_the_distribution(image: Image) -> None:
    values = np.random.default_rng(3).gamma(2, 10, 60_000)
    kll = image.run(pd.DataFrame({"a": values})).features["a"]["numerical_statistics"]["distribution"]["kll"]
    weights = [2**height * len(level) for height, level in enumerate(kll["sketch"]["data"])]
    assert sum(weights) == len(values)
    expected, bounds = np.histogram(values, bins=10)
    assert [bucket["lower_bound"] for bucket in kll["buckets"]] == pytest.approx(list(bounds[:-1]))
    assert kll["buckets"][-1]["upper_bound"] == values.max()
    counts = np.array([bucket["count"] for bucket in kll["buckets"]])
    assert counts.sum() == len(values)
    assert np.abs(counts - expected).max() < 0.01 * len(values)


def test_buckets_of_few_values_are_exact(image: Image) -> None:
    values = np.random.default_rng(3).integers(0, 11, 1500)
    kll = image.run(pd.DataFrame({"a": values})).features["a"]["numerical_statistics"]["distribution"]["kll"]
    assert [bucket["count"] for bucket in kll["buckets"]] == list(np.histogram(values, bins=10)[0])


def test_blocks_are_joined_as_if_they_were_one() -> None:
    values = np.random.default_rng(5).normal(1e8, 1, 10_000)

    def read(size: int) -> Statistics:
        texts = [repr(value) for value in values.tolist()]
        parts = [texts[start : start + size] for start in range(0, len(texts), size)]
        batches = [pyarrow.RecordBatch.from_pydict({"a": pyarrow.array(part, pyarrow.string())}) for part in parts]
        return profile(lambda only: iter(batches))

    for size in (7, 100, 10_000):
        numbers = read(size).features[0].numbers
        assert numbers is not None
        assert numbers.std_dev == pytest.approx(values.std(), rel=1e-9)
        assert numbers.mean == pytest.approx(values.mean(), rel=1e-14)


def test_statistics_read_from_their_file_are_the_same(image: Image) -> None:
    document = image.run(a_table(300)).file("statistics.json")
    assert Statistics.from_document(document).document() == document


def test_constraints_are_what_aws_suggests(image: Image) -> None:
    found = image.run(pd.DataFrame({"age": [1, 2, 3, 4], "debt": [-1.5, 2, 3, 4], "plan": ["yes", "no", "no", "yes"]}))
    assert found.file("constraints.json") == {
        "version": 0.0,
        "features": [
            {
                "name": "age",
                "inferred_type": "Integral",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
            {
                "name": "debt",
                "inferred_type": "Fractional",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": False},
            },
            {
                "name": "plan",
                "inferred_type": "String",
                "completeness": 1.0,
                "string_constraints": {"domains": ["no", "yes"]},
            },
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }
    assert found.message == "Completed: Job completed successfully with no violations."
    assert found.file("constraint_violations.json") is None


@pytest.mark.parametrize(("names", "suggested"), [(120, True), (121, False)])
def test_a_domain_is_suggested_for_few_categories_only(image: Image, names: int, suggested: bool) -> None:
    found = image.run(pd.DataFrame({"name": [f"n{number}" for number in range(names)] * 3}))
    assert ("string_constraints" in found.constraints["name"]) == suggested


def test_no_domain_is_suggested_where_many_categories_were_seen_once(image: Image) -> None:
    found = image.run(pd.DataFrame({"name": [f"n{number}" for number in range(50)]}))
    assert "string_constraints" not in found.constraints["name"]
