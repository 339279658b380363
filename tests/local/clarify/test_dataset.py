"""Datasets as they come: with and without headers, in many files, as JSON lines, JSON or Parquet."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contender.local.containers.clarify.config import ExtraDataset, read_config
from contender.local.containers.clarify.dataset import Dataset, load_dataset, with_extra
from contender.local.containers.clarify.errors import ClarifyError


def load(folder: Path, files: dict[str, str | bytes], **fields: Any) -> Dataset:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    config: dict[str, Any] = {"dataset_type": "text/csv", "methods": {"shap": {}}, "predictor": {"model_name": "m"}}
    return load_dataset(read_config({**config, **fields}), folder)


def rows(dataset: Dataset) -> list[list[Any]]:
    return dataset.cells.to_numpy().tolist()


def test_a_first_line_of_names_is_a_header(tmp_path: Path) -> None:
    dataset = load(tmp_path, {"a.csv": "x,y\n1,2\n"})
    assert (dataset.features, rows(dataset)) == (("x", "y"), [["1", "2"]])


def test_a_first_line_of_text_over_text_is_a_header_only_if_the_configuration_knows_a_name(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "town,plan\nUlm,gold\n"}
    assert load(tmp_path, files).features == ("column_0", "column_1")
    assert load(tmp_path, files, label="plan").features == ("town",)


def test_a_file_without_header_gets_names_or_takes_those_given(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "1,2\n3,4\n"}
    assert load(tmp_path, files).features == ("column_0", "column_1")
    given = load(tmp_path, files, headers=["x", "y"], label="y")
    assert (given.features, len(given.cells)) == (("x",), 2)
    assert load(tmp_path, files, label=0).label == "column_0"


def test_a_header_that_repeats_the_given_names_is_no_row(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "x,y\n1,2\n", "deep/b.csv": "x,y\n3,4\n", "_SUCCESS": ""}
    assert rows(load(tmp_path, files, headers=["x", "y"])) == [["1", "2"], ["3", "4"]]


def test_reads_gzip(tmp_path: Path) -> None:
    assert rows(load(tmp_path, {"a.csv.gz": gzip.compress(b"x\n1\n")})) == [["1"]]


def test_leaves_out_of_the_features_what_is_none(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "id,x,note,y,guess\n1,2,3,4,5\n"}
    dataset = load(
        tmp_path,
        files,
        label="y",
        predicted_label="guess",
        joinsource_name_or_index="id",
        excluded_columns=[2],
    )
    assert dataset.features == ("x",)


def test_json_lines_of_lists_take_headers_with_the_label_last(tmp_path: Path) -> None:
    lines = '{"data": {"f": [1, "a"], "y": 0}}\n{"data": {"f": [2, null], "y": 1}}\n'
    dataset = load(
        tmp_path,
        {"a.jsonl": lines},
        dataset_type="application/jsonlines",
        features="data.f",
        label="data.y",
        headers=["x", "town", "bought"],
    )
    assert (dataset.features, dataset.label) == (("x", "town"), "bought")
    assert rows(dataset) == [[1, "a", 0], [2, None, 1]]


def test_json_lines_of_objects_name_their_columns(tmp_path: Path) -> None:
    lines = '{"x": 1, "y": true}\n{"x": 2, "y": false}\n'
    dataset = load(tmp_path, {"a.jsonl": lines}, dataset_type="application/jsonlines", label="y")
    assert (dataset.features, dataset.label) == (("x",), "y")
    assert rows(dataset) == [[1, True], [2, False]]


def test_whole_numbers_stay_whole_beside_missing_ones(tmp_path: Path) -> None:
    lines = '{"x": 1, "town": null}\n{"x": null, "town": "Ulm"}\n'
    dataset = load(tmp_path, {"a.jsonl": lines}, dataset_type="application/jsonlines")
    assert [[(type(cell), cell) for cell in row] for row in rows(dataset)] == [
        [(int, 1), (type(None), None)],
        [(type(None), None), (str, "Ulm")],
    ]


def test_headers_that_are_not_the_objects_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClarifyError, match="headers a, b are not the keys of the dataset's objects: x, y"):
        load(tmp_path, {"d": '{"x": 1, "y": 2}'}, dataset_type="application/jsonlines", headers=["a", "b"])


def test_json_lines_of_sagemaker(tmp_path: Path) -> None:
    dataset = load(tmp_path, {"a": '{"features": [1, 2]}\n'}, dataset_type="application/jsonlines")
    assert dataset.features == ("column_0", "column_1")


def test_json_is_searched_whole(tmp_path: Path) -> None:
    document = json.dumps({"rows": [{"f": [1, 2], "y": 1}, {"f": [3, 4], "y": 0}]})
    dataset = load(
        tmp_path,
        {"a.json": document},
        dataset_type="application/json",
        features="rows[*].f",
        label="rows[*].y",
        predictor={"model_name": "m", "content_type": "text/csv"},
    )
    assert (dataset.features, dataset.label) == (("column_0", "column_1"), "rows[*].y")
    assert rows(dataset) == [[1, 2, 1], [3, 4, 0]]


def test_parquet(tmp_path: Path) -> None:
    file = io.BytesIO()
    pd.DataFrame({"x": [1, 2], "town": ["Ulm", None]}).to_parquet(file)
    dataset = load(tmp_path, {"a.parquet": file.getvalue()}, dataset_type="application/x-parquet")
    assert rows(dataset) == [[1, "Ulm"], [2, None]]


@pytest.mark.parametrize(
    ("files", "fields", "words"),
    [
        ({}, {}, "the dataset has no file"),
        ({"a.csv": "x,y\n1,2\n", "b.csv": "1\n2\n"}, {}, "different numbers of columns: [1, 2]"),
        ({"a.csv": "x,x\n1,2\n"}, {"headers": ["x", "x"]}, "more than one column 'x'"),
        ({"a.csv": "x,y\n1,2\n"}, {"excluded_columns": ["x", "y"]}, "no feature"),
        ({"a.csv": "x,y\n1,2\n"}, {"joinsource_name_or_index": "id"}, "joinsource_name_or_index 'id'"),
        ({"a": "{"}, {"dataset_type": "application/jsonlines"}, "a is not application/jsonlines"),
        (
            {"a": '{"x": 1}'},
            {"dataset_type": "application/jsonlines", "features": "data.f"},
            "features of a: 'data.f' finds nothing",
        ),
        ({"a": '{"f": [[1], 2]}'}, {"dataset_type": "application/jsonlines", "features": "f"}, "not a single value"),
        ({"a": "no"}, {"dataset_type": "application/x-parquet"}, "not Parquet"),
    ],
)
def test_says_in_one_line_what_it_cannot_read(tmp_path: Path, files: Any, fields: Any, words: str) -> None:
    with pytest.raises(ClarifyError) as raised:
        load(tmp_path / "data", files, **fields)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_facets_may_lie_apart_row_by_row_or_joined(tmp_path: Path) -> None:
    dataset = load(tmp_path / "data", {"a.csv": "id,x\n1,10\n2,20\n"}, joinsource_name_or_index="id")
    apart = tmp_path / "facets"
    apart.mkdir()
    (apart / "f.csv").write_text("id,town\n2,Bonn\n1,Ulm\n")
    joined, added = with_extra(dataset, ExtraDataset("s3://b/f.csv", None), apart, "facet_dataset_uri")
    assert (added, joined.features, rows(joined)) == (["town"], ("x",), [["1", "10", "Ulm"], ["2", "20", "Bonn"]])
    (apart / "f.csv").write_text("Ulm\nBonn\n")
    beside, _ = with_extra(dataset, ExtraDataset("s3://b/f.csv", ("town",)), apart, "facet_dataset_uri")
    assert rows(beside) == [["1", "10", "Ulm"], ["2", "20", "Bonn"]]


def test_facets_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    dataset = load(tmp_path / "data", {"a.csv": "id,x\n1,10\n2,20\n"}, joinsource_name_or_index="id")
    apart = tmp_path / "facets"
    apart.mkdir()
    (apart / "f.csv").write_text("id,town\n2,Bonn\n")
    with pytest.raises(ClarifyError, match="no row for 1 of the dataset's 2 rows"):
        with_extra(dataset, ExtraDataset("s3://b/f.csv", None), apart, "facets")
    (apart / "f.csv").write_text("Bonn\n")
    with pytest.raises(ClarifyError, match="1 rows and the dataset 2: name joinsource"):
        with_extra(dataset, ExtraDataset("s3://b/f.csv", ("town",)), apart, "facets")
