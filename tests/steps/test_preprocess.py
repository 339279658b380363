"""Preprocess: honest splits, an encoder that only saw training rows, and refusals in words."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contender.sample_data import COLUMNS, generate
from tests.steps.chain import STEPS, Chain, container, load, to_csv

HEADER = "Dimension,Phone,Day Mins,Plan,Churn?"
PHONE = COLUMNS.index("Phone")


def small(rows: int = 200, **columns: Callable[[int], str]) -> str:
    """A little upload; a column is given by a function of the row number."""
    lines = [HEADER]
    for number in range(rows):
        values = {
            "Dimension": "A",
            "Phone": f"555-{number:04d}",
            "Day Mins": str(number % 17),
            "Plan": "yes" if number % 3 else "no",
            "Churn?": "True." if number % 2 else "False.",
        }
        values |= {name.replace("_", " "): make(number) for name, make in columns.items()}
        lines.append(",".join(values.values()))
    return "\n".join(lines) + "\n"


def arguments(chain: Chain) -> list[str]:
    return [argument for argument in chain.preprocess_arguments() if "Area Code" not in argument]


def prepare(chain: Chain, content: str | bytes, *more: str) -> int:
    chain.upload(content)
    code: int = load("preprocess/preprocess.py").main([*arguments(chain), *more])
    return code


def test_every_row_lands_in_exactly_one_split(trained: Chain, upload: list[list[str]]) -> None:
    sizes = [
        len(trained.rows("train/train.csv")),
        len(trained.rows("validation/validation.csv")),
        len(trained.rows("test/test.csv")) - 1,
    ]
    assert sum(sizes) == len(upload) - 1
    assert sizes[1] / sum(sizes) == pytest.approx(0.15, abs=0.04)
    assert sizes[2] / sum(sizes) == pytest.approx(0.15, abs=0.04)


def test_a_customer_stays_in_one_split_over_uploads() -> None:
    preprocess = load("preprocess/preprocess.py")
    options = preprocess.parse_arguments(["--label=Churn?", "--positive=True.", "--split-by=Phone"])
    where: dict[str, set[str]] = {}
    for seed in (1, 2):
        rows = generate("region-1", 500, seed)
        for part, indexes in preprocess.split(list(COLUMNS), rows, options).items():
            for index in indexes:
                where.setdefault(rows[index][PHONE], set()).add(part)
    assert len(where) < 1000, "the uploads share customers"
    assert all(len(parts) == 1 for parts in where.values())


def test_without_split_columns_a_row_decides_by_its_content_and_not_by_its_label() -> None:
    preprocess = load("preprocess/preprocess.py")
    options = preprocess.parse_arguments(["--label=y", "--positive=1"])
    for number in range(50):
        parts = preprocess.split(["x", "y"], [[str(number), "0"], [str(number), "1"]], options)
        assert sorted(len(indexes) for indexes in parts.values()) == [0, 0, 2]


def test_the_shares_of_the_hash_are_even() -> None:
    hash_share = load("preprocess/preprocess.py").hash_share
    shares = [hash_share(f"customer {number}") for number in range(20_000)]
    assert sum(share < 0.15 for share in shares) / len(shares) == pytest.approx(0.15, abs=0.01)
    assert min(shares) >= 0
    assert max(shares) < 1


def test_the_encoder_is_fitted_on_training_rows_only(chain: Chain) -> None:
    preprocess = load("preprocess/preprocess.py")
    held_out = {number for number in range(200) if preprocess.hash_share(f"555-{number:04d}") < 0.30}
    content = small(Plan=lambda number: "held-out" if number in held_out else ("yes" if number % 3 else "no"))
    assert prepare(chain, content) == 0
    plan = next(feature for feature in chain.encoder["features"] if feature["column"] == "Plan")
    assert plan["categories"] == ["no", "yes"]


def test_encoded_files_have_the_label_first_and_no_header(trained: Chain) -> None:
    rows = trained.rows("train/train.csv")
    assert {row[0] for row in rows} == {"0", "1"}
    assert {len(row) for row in rows} == {trained.encoder["width"] + 1}


def test_the_test_split_is_raw_and_has_its_header(trained: Chain, upload: list[list[str]]) -> None:
    rows = trained.rows("test/test.csv")
    assert rows[0] == list(COLUMNS)
    assert all(row in upload for row in rows[1:20])


def test_a_missing_number_is_an_empty_field_and_a_missing_category_the_unknown_one(chain: Chain) -> None:
    content = small(
        Day_Mins=lambda number: "" if number % 5 == 0 else str(number),
        Plan=lambda number: "" if number % 7 == 0 else "yes" if number % 3 else "no",
    )
    assert prepare(chain, content) == 0
    rows = chain.rows("train/train.csv")
    assert {tuple(row[2:]) for row in rows} == {("1", "0", "0"), ("0", "1", "0"), ("0", "0", "1")}
    assert "" in {row[1] for row in rows}


def test_dropped_and_constant_columns_are_no_features_but_stay_in_a_request(trained: Chain) -> None:
    encoder = trained.encoder
    assert encoder["columns"] == [column for column in COLUMNS if column != "Churn?"]
    assert not {feature["column"] for feature in encoder["features"]} & {"Dimension", "Phone", "Churn?"}


def test_codes_are_categories_when_the_settings_say_so(trained: Chain) -> None:
    kinds = {feature["column"]: feature["kind"] for feature in trained.encoder["features"]}
    assert kinds["Area Code"] == "category"
    assert kinds["Day Mins"] == "number"


def test_the_checks_read_features_alone_and_labels_of_nought_and_one(trained: Chain, upload: list[list[str]]) -> None:
    features = [column for column in COLUMNS if column not in ("Dimension", "Phone", "Churn?")]
    tested = trained.rows("test/test.csv")
    baseline, score, explain = (trained.rows(f"{name}/{name}.csv") for name in ("baseline", "score", "explain"))
    assert baseline[0] == explain[0] == features
    assert len(baseline) - 1 == len(trained.rows("train/train.csv"))
    assert len(score) == len(tested) - 1, "no header"
    assert [row[0] for row in score] == ["1" if row[-1] == "True." else "0" for row in tested[1:]]
    assert [row[1:] for row in score] == [[row[COLUMNS.index(name)] for name in features] for row in tested[1:]]
    assert len(explain) - 1 == 100
    assert [row for row in explain[1:] if row not in [line[1:] for line in score]] == []
    assert not (trained.root / "labelled").exists(), "only the bias checks read it, and there is no facet"


def test_all_test_rows_are_explained_where_there_are_few(chain: Chain) -> None:
    assert prepare(chain, small(), "--explain-rows=1000") == 0
    explained = chain.rows("explain/explain.csv")[1:]
    assert explained == [row[1:] for row in chain.rows("score/score.csv")]


def test_the_bias_checks_read_facet_and_strata_even_where_they_are_no_features(chain: Chain) -> None:
    content = small(Plan=lambda number: "a" if number % 5 else "b", Dimension=lambda number: f"d{number % 2}")
    options = ["--drop=Plan", "--facet=Plan", "--facet-value=a", "--group=Dimension"]
    assert prepare(chain, content, *options) == 0
    for name, part in (("labelled", "train"), ("judged", "test")):
        header, *rows = chain.rows(f"{name}/{name}.csv")
        assert header == ["Day Mins", "Plan", "Dimension", "Churn?"]
        assert {row[-1] for row in rows} == {"0", "1"}
        assert {row[1] for row in rows} == {"a", "b"}
        assert len(rows) == len(chain.rows(f"{part}/{part}.csv")) - (part == "test")
    assert chain.rows("baseline/baseline.csv")[0] == ["Day Mins"]


def test_what_the_checks_read_has_one_spelling_of_a_missing_number_and_one_line_a_row(chain: Chain) -> None:
    spelled = ["?", "NA", "null", "3"]
    note = '"two\nlines"'
    assert prepare(chain, small(400, Day_Mins=lambda n: spelled[n % 4], Plan=lambda n: note if n % 2 else "one")) == 0
    assert {row[0] for row in chain.rows("baseline/baseline.csv")[1:]} == {"", "3"}
    lines = (chain.root / "score" / "score.csv").read_text().splitlines()
    assert {line.split(",")[2] for line in lines} == {"two lines", "one"}
    assert len(lines) == len(chain.rows("score/score.csv"))


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        (["--facet=Plan", "--facet-value=yes"], {}),
        (["--facet=Plan"], {}),
        (["--facet=Day Mins", "--facet-value=8"], {}),
        (["--facet=Day Mins", "--facet-value=7.5"], {}),
        (["--facet=Day Mins", "--facet-value=1.0", "--facet-value=2"], {}),
        (["--facet=Day Mins", "--facet-value=0"], {"Day_Mins": lambda number: str(number % 2)}),
        (
            ["--facet=Day Mins", "--facet-value=90"],
            {"Day_Mins": lambda number: f"{number}.{'0' if number == 90 else 5}"},
        ),
    ],
)
def test_a_facet_is_a_value_some_values_or_a_number_to_lie_above(
    chain: Chain, options: list[str], columns: dict[str, Callable[[int], str]]
) -> None:
    assert prepare(chain, small(**columns), *options) == 0
    assert chain.rows("labelled/labelled.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--facet=Plam"], "column 'Plam', the facet (checks.bias.facet), is missing; the nearest is 'Plan'"),
        (
            ["--facet=Plan", "--facet-value=Yes"],
            "facet 'Plan' is never 'Yes' (checks.bias.facet_values); the nearest is 'yes'",
        ),
        (
            ["--facet=Plan", "--facet-value=1"],
            "facet 'Plan' is never '1' (checks.bias.facet_values); found 'no', 'yes'",
        ),
        (["--facet=Plan", "--facet-value=yes", "--facet-value=no"], "every row of the train split is on one side of"),
        (["--facet=Dimension"], "every row of the train split is on one side of facet 'Dimension' (checks.bias)"),
        (["--facet=Day Mins", "--facet-value=99"], "every row of the train split is on one side of facet 'Day Mins'"),
        (["--facet=Day Mins", "--facet-value=many"], "facet 'Day Mins' is never 'many'"),
        (["--gate-facet=Plam"], "column 'Plam', the facet (gates.bias.facet), is missing; the nearest is 'Plan'"),
        (
            ["--gate-facet=Plan", "--gate-facet-value=Yes"],
            "facet 'Plan' is never 'Yes' (gates.bias.facet_values); the nearest is 'yes'",
        ),
        (["--facet=Plan", "--group=Stat"], "column 'Stat', the strata (checks.bias.group), is missing; the file has"),
    ],
)
def test_a_facet_that_compares_nobody_is_refused_before_anything_is_trained(
    chain: Chain, options: list[str], words: str
) -> None:
    assert prepare(chain, small(), *options) == 1
    assert words in chain.last_words
    assert not (chain.root / "train").exists()


def test_a_missing_column_is_told_with_the_first_ones_that_there_are(chain: Chain) -> None:
    assert prepare(chain, small(), "--facet=Nope") == 1
    assert "is missing; the file has Dimension, Phone, Day Mins, Plan, Churn?" in chain.last_words
    header, *rows = small().splitlines()
    many = "\n".join([",".join([header, *"abcdefgh"]), *(line + ",0" * 8 for line in rows)])
    assert prepare(chain, many, "--facet=Nope") == 1
    assert "the file has Dimension, Phone, Day Mins, Plan, Churn?, a, b, c and 5 more" in chain.last_words


def test_a_word_is_no_value_of_a_column_of_numbers_with_gaps(chain: Chain) -> None:
    gaps = small(Day_Mins=lambda number: str(number) if number % 9 else "")
    assert prepare(chain, gaps, "--facet=Day Mins", "--facet-value=many") == 1
    assert "facet 'Day Mins' is never 'many' (checks.bias.facet_values)" in chain.last_words


def test_the_named_object_is_chosen_among_its_neighbours(chain: Chain) -> None:
    chain.upload(small() + "broken\n", "march.csv.old")
    chain.upload("not,the,file\n", "other.csv")
    chain.upload(small(), "march.csv")
    assert load("preprocess/preprocess.py").main([*arguments(chain), "--data-uri=s3://b/data/A/march.csv"]) == 0


def test_a_byte_order_mark_and_windows_line_ends_are_read(chain: Chain) -> None:
    assert prepare(chain, b"\xef\xbb\xbf" + small().replace("\n", "\r\n").encode()) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "upload.csv is empty", id="empty file"),
        pytest.param(b"\xef\xbb\xbf\n", "upload.csv is empty", id="a byte order mark only"),
        pytest.param(HEADER.encode() + b"\n", "has a header but no rows", id="no rows"),
        pytest.param(small().encode("utf-16"), "UTF-16", id="wrong encoding"),
        pytest.param(
            small(Plan=lambda number: "ja" if number != 3 else "n\xe9").encode("latin-1"),
            "not UTF-8 text: byte 0xe9 on line 5",
            id="latin-1",
        ),
        pytest.param(small().replace(",", ";"), "separates its columns by ';'", id="semicolons"),
        pytest.param(b"PK\x03\x04\0\0", "null bytes", id="a spreadsheet"),
        pytest.param(
            small().replace("Churn?", "Churned"),
            "the label (data.label), is missing; the nearest is 'Churned'",
            id="label missing",
        ),
        pytest.param(small(**{"Churn?": lambda number: ""}), "is empty in every row", id="labels missing"),
        pytest.param(
            small(**{"Churn?": lambda number: "" if number < 4 else "True." if number % 2 else "False."}),
            "empty in 4 of 200 rows",
            id="some labels missing",
        ),
        pytest.param(small(**{"Churn?": lambda number: "True."}), "one class only", id="one class"),
        pytest.param(
            small(**{"Churn?": lambda number: "yes" if number % 2 else "no"}), "never 'True.'", id="other spelling"
        ),
        pytest.param(
            small(**{"Churn?": lambda number: ("True.", "False.", "Maybe")[number % 3]}), "3 values", id="three classes"
        ),
        pytest.param(small().replace("Phone", "Telephone"), "data.split_by", id="split column missing"),
        pytest.param(small() + "A,555-9999,1,yes\n", "line 202: 4 values under a header of 5", id="short row"),
        pytest.param(small().replace("Plan", "Phone", 1), "'Phone' occurs twice", id="column twice"),
        pytest.param(small().replace("Plan", "", 1), "column 4 of the header has no name", id="nameless column"),
        pytest.param(
            small(Day_Mins=lambda number: "lots" if number == 9 else str(number)),
            "'Day Mins' holds numbers, but row 10 has 'lots'",
            id="a word among numbers",
        ),
        pytest.param(
            small(Plan=lambda number: f"plan {number}"), "differs in every row: list it under data.drop", id="free text"
        ),
        pytest.param(small(rows=4), "upload more rows", id="too few rows"),
    ],
)
def test_broken_data_is_refused_in_words(chain: Chain, content: str | bytes, words: str) -> None:
    assert prepare(chain, content) == 1
    assert words in chain.last_words
    assert "\n" not in chain.last_words
    assert (chain.root / "output" / "failure").read_text() == chain.last_words


def test_a_misspelt_column_to_drop_is_refused_and_an_absent_one_is_not(chain: Chain) -> None:
    assert prepare(chain, small(), "--drop=Day Minss") == 1
    assert "'Day Minss' of data.drop is no column, but 'Day Mins' is" in chain.last_words
    assert prepare(chain, small(), "--drop=Consent given on") == 0


def test_an_upload_without_csv_is_refused(chain: Chain) -> None:
    (chain.root / "data").mkdir()
    assert chain.preprocess() == 1
    assert "no CSV file" in chain.last_words


def test_runs_as_a_process_and_fails_with_one_line(chain: Chain, tmp_path: Path) -> None:
    chain.upload(b"")
    script = container(tmp_path, "preprocess/preprocess.py", "preprocess/facets.py")
    command = [sys.executable, "-E", "-s", str(script), *chain.preprocess_arguments()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert result.stderr == "Refused: upload.csv is empty\n"


@pytest.mark.parametrize("script", ["preprocess/preprocess.py", "package/package.py", "evaluate/evaluate.py"])
def test_scripts_parse_on_the_python_of_older_images(script: str) -> None:
    ast.parse((STEPS / script).read_text(), feature_version=(3, 8))


def test_takes_the_files_of_others(chain: Chain, real_data: Path) -> None:
    for path in sorted(real_data.glob("training/*/*.csv"))[:1]:
        chain.upload(path.read_bytes(), path.name)
    report = chain.run()
    assert report["binary_classification_metrics"]["auc"]["value"] >= 0.97


def test_writes_the_same_bytes_for_the_same_upload(chain: Chain, trained: Chain, upload: list[list[str]]) -> None:
    chain.upload(to_csv(upload))
    assert chain.preprocess() == 0
    for name in ("train/train.csv", "validation/validation.csv", "test/test.csv", "encoder/encoder.json"):
        assert (chain.root / name).read_bytes() == (trained.root / name).read_bytes()
