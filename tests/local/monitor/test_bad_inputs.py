"""What cannot be analysed ends with one line that names it, and without files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from contender.local.containers.monitor.__main__ import main
from contender.local.containers.monitor.last_words import EXIT_REFUSED
from tests.local.monitor.image import BARE_CSV, CAPTURE, CSV, JSON_LINES, Image

GOOD = "a,b\n1,x\n2,y\n"


def refused(image: Image, dataset: Any, form: str = CSV, **variables: str) -> str:
    outcome = image.run(dataset, form=form, **variables)
    assert outcome.code == EXIT_REFUSED
    assert outcome.message.startswith("Error: ")
    assert "\n" not in outcome.message
    assert not outcome.folder.exists()
    return outcome.message


def test_no_dataset(image: Image, tmp_path: Path) -> None:
    assert "there is no dataset at" in refused(image, tmp_path / "nowhere")


def test_an_empty_folder_or_file(image: Image, tmp_path: Path) -> None:
    assert "there is no file with anything in it" in refused(image, "")
    (tmp_path / "hollow").mkdir()
    assert "there is no file with anything in it" in refused(image, tmp_path / "hollow")


@pytest.mark.parametrize("form", [CSV, JSON_LINES])
def test_a_dataset_without_rows(image: Image, form: str) -> None:
    assert "the dataset has no rows" in refused(image, "a,b\n" if form == CSV else "\n", form)


@pytest.mark.parametrize("form", ['{"parquet": {}}', "csv", "{}", "[]", '{"csv": 1}', '{"csv": {}, "json": {}}'])
def test_an_unknown_format(image: Image, form: str) -> None:
    message = refused(image, GOOD, form)
    assert "dataset_format" in message
    assert "sagemakerCaptureJson" in message


@pytest.mark.parametrize("name", ["dataset_source", "dataset_format"])
def test_a_variable_that_is_not_set(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"dataset_source": str(tmp_path), "dataset_format": CSV, "SM_OUTPUT_DIR": str(tmp_path)}
    del environment[name]
    assert main(environment) == EXIT_REFUSED
    assert capsys.readouterr().err.startswith(f"Error: the variable {name} is not set")


def test_a_row_with_too_many_or_too_few_fields_is_named(image: Image) -> None:
    assert "data.csv: CSV parse error: Row #3: Expected 2 columns, got 3: 2,y,z" in refused(image, "a,b\n1,x\n2,y,z\n")
    assert "Expected 2 columns, got 1" in refused(image, "1,x\n2\n", BARE_CSV)


def test_a_header_that_names_a_column_twice(image: Image) -> None:
    assert "the header names the column 'a' twice" in refused(image, "a,b,a\n1,2,3\n")


def test_text_that_is_not_utf_8(image: Image) -> None:
    assert "UTF" in refused(image, "a\nZürich\n".encode("latin-1"))
    assert "UTF" in refused(image, "Zürich\nx\n".encode("latin-1"))


@pytest.mark.parametrize(("name", "form"), [("data.csv.gz", CSV), ("data.jsonl.gz", JSON_LINES)])
def test_files_that_are_compressed_by_name_only_or_cut_short(
    image: Image, tmp_path: Path, name: str, form: str
) -> None:
    for content in (b"a,b\n1,2\n", gzip.compress(b"a,b\n" * 100)[:20]):
        (tmp_path / name).write_bytes(content)
        assert f"{name}: " in refused(image, tmp_path / name, form)


@pytest.mark.parametrize("lines", ['{"a": 1}\n{"a": \n', "[1, 2]\n", "hello\n"])
def test_lines_that_are_not_json_objects(image: Image, lines: str) -> None:
    assert "data.csv: " in refused(image, lines, JSON_LINES)


def test_a_baseline_that_is_not_there_or_not_one(image: Image, tmp_path: Path) -> None:
    good = image.run(GOOD)
    gone = {"baseline_constraints": str(tmp_path / "gone.json")}
    assert "there is no constraints file at" in refused(image, GOOD, **gone)
    for text in ("not json", "[]", "{}", '{"features": [{"inferred_type": "String"}]}'):
        (tmp_path / "bad.json").write_text(text)
        bad = str(tmp_path / "bad.json")
        assert "is not a constraints file" in refused(image, GOOD, baseline_constraints=bad)
        constraints = str(good.folder / "constraints.json")
        both = {"baseline_constraints": constraints, "baseline_statistics": bad}
        assert "is not a statistics file" in refused(image, GOOD, **both)


def test_statistics_without_constraints_are_no_baseline(image: Image) -> None:
    good = image.run(GOOD)
    message = refused(image, GOOD, baseline_statistics=str(good.folder / "statistics.json"))
    assert "baseline_constraints is not" in message


def test_an_unknown_drift_method(image: Image) -> None:
    assert "categorical_drift_method 'KS' is none of" in refused(image, GOOD, categorical_drift_method="KS")


def test_a_preprocessing_script_for_a_dataset_that_was_not_captured(image: Image) -> None:
    assert "record_preprocessor_script" in refused(image, GOOD, record_preprocessor_script="/somewhere/script.py")


def test_records_that_are_not_of_data_capture(image: Image) -> None:
    assert "it has no captureData" in refused(image, '{"a": 1}\n', CAPTURE)
