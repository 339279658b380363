"""The code inside an artifact: raw rows in, probabilities out, and a caller's mistakes said in words."""

from __future__ import annotations

import json
import math
import re
import sys
import tarfile
import types
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.steps.chain import Chain, load

COLUMNS = 21


@pytest.fixture(scope="module")
def served(trained: Chain, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModuleType, Any]:
    """The module as it lies in the artifact, and its model."""
    folder = tmp_path_factory.mktemp("artifact")
    with tarfile.open(trained.root / "artifact" / "model.tar.gz") as tar:
        tar.extractall(folder, filter="data")
    assert (folder / "code" / "inference.py").is_file()
    module = load("package/inference.py")
    return module, module.model_fn(str(folder))


@pytest.fixture(scope="module")
def rows(trained: Chain) -> list[list[str]]:
    """Raw rows without their label."""
    return [row[:-1] for row in trained.rows("test/test.csv")[1:]]


@pytest.fixture(scope="module")
def header(trained: Chain) -> list[str]:
    return trained.rows("test/test.csv")[0][:-1]


def ask(served: tuple[ModuleType, Any], body: str | bytes, content_type: str, accept: str = "text/csv") -> str:
    module, model = served
    answer, answered = module.output_fn(module.predict_fn(module.input_fn(body, content_type), model), accept)
    assert answered == (accept if accept != "*/*" else "application/json")
    return str(answer)


def probabilities(served: tuple[ModuleType, Any], body: str | bytes, content_type: str = "text/csv") -> list[float]:
    return [float(line) for line in ask(served, body, content_type).splitlines()]


def line(row: list[str]) -> str:
    return ",".join(row)


def test_a_row_of_features_alone_is_answered_like_the_whole_row(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    kept = [place for place, column in enumerate(header) if column not in ("Dimension", "Phone")]
    names, short = [header[place] for place in kept], [[row[place] for place in kept] for row in rows[:20]]
    whole = probabilities(served, "\n".join(line(row) for row in rows[:20]))
    assert probabilities(served, "\n".join(line(row) for row in short)) == whole
    assert probabilities(served, "\n".join([line(names), *[line(row) for row in short]])) == whole
    assert probabilities(served, "\n".join([line(names[::-1]), *[line(row[::-1]) for row in short]])) == whole
    assert probabilities(served, json.dumps(short), "application/json") == whole
    assert probabilities(served, f"{line(rows[0])}\n{line(short[1])}") == whole[:2]


def test_a_raw_row_is_answered_as_the_encoded_one(
    served: tuple[ModuleType, Any], trained: Chain, rows: list[list[str]]
) -> None:
    module, _ = served
    preprocess = load("preprocess/preprocess.py")
    encoder, header = trained.encoder, trained.rows("test/test.csv")[0]
    path = trained.root / "again.csv"
    preprocess.write_encoded(
        path, encoder, header, [[*row, "True."] for row in rows], [1] * len(rows), range(len(rows))
    )
    encoded = np.genfromtxt(path, delimiter=",", dtype=np.float32)[:, 1:]
    assert np.array_equal(module.input_fn("\n".join(line(row) for row in rows), "text/csv"), encoded)


def test_bytes_and_text_with_and_without_a_last_newline_are_the_same(
    served: tuple[ModuleType, Any], rows: list[list[str]]
) -> None:
    text = line(rows[0])
    answers = {ask(served, body, "text/csv; charset=utf-8") for body in (text, text + "\n", text.encode() + b"\r\n")}
    assert len(answers) == 1


def test_a_header_line_frees_the_order_of_columns(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    turned = "\n".join(line(list(reversed(row))) for row in [header, *rows[:5]])
    assert probabilities(served, turned) == probabilities(served, "\n".join(line(row) for row in rows[:5]))


def test_a_header_may_name_the_label_and_columns_nobody_asked_for(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    body = "\n".join([line([*header, "Churn?", "Note"]), line([*rows[0], "True.", "x"])])
    assert probabilities(served, body) == probabilities(served, line(rows[0]))


def test_a_byte_order_mark_is_no_part_of_the_first_column(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    body = "\ufeff" + line(header) + "\n" + line(rows[0])
    assert probabilities(served, body) == probabilities(served, body.encode()) == probabilities(served, line(rows[0]))
    record = "\ufeff" + json.dumps(rows[0])
    assert probabilities(served, record, "application/json") == probabilities(served, line(rows[0]))


def test_quoted_fields_are_read(served: tuple[ModuleType, Any], rows: list[list[str]]) -> None:
    quoted = ",".join(f'"{value}"' for value in rows[0])
    assert probabilities(served, quoted) == probabilities(served, line(rows[0]))


def test_json_in_every_shape_gives_the_answer_of_csv(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    record = dict(zip(header, rows[0], strict=True))
    expected = probabilities(served, line(rows[0]))
    for body in (
        {"instances": [record]},
        {"instances": [rows[0]]},
        [record],
        [rows[0]],
        record,
        rows[0],
        {**record, "Day Mins": float(record["Day Mins"]), "Area Code": int(record["Area Code"])},
        {**record, "Area Code": float(record["Area Code"]), "Churn?": "True."},
    ):
        assert probabilities(served, json.dumps(body), "application/json") == expected


def test_json_lines_are_answered_line_by_line(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    body = "\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in rows[:3])
    answer = ask(served, body, "application/jsonlines", "application/jsonlines")
    assert [json.loads(each)["probability"] for each in answer.splitlines()] == probabilities(
        served, "\n".join(line(row) for row in rows[:3])
    )


def test_only_a_newline_ends_a_json_line(served: tuple[ModuleType, Any]) -> None:
    body = json.dumps({"State": "A\u2028Z\x85"}, ensure_ascii=False)
    assert len(probabilities(served, f"{body}\r\n{body}\r\n", "application/jsonlines")) == 2


def test_json_is_answered_where_nothing_else_is_wanted(served: tuple[ModuleType, Any], rows: list[list[str]]) -> None:
    answer = json.loads(ask(served, line(rows[0]), "text/csv", "*/*"))
    assert list(answer) == ["predictions"]
    assert 0 <= answer["predictions"][0]["probability"] <= 1


def test_unknown_categories_and_missing_values_are_answered(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]
) -> None:
    unknown = [*rows[0]]
    unknown[header.index("State")] = "Atlantis"
    blank = [""] * COLUMNS
    assert all(0 <= value <= 1 for value in probabilities(served, f"{line(unknown)}\n{line(blank)}"))
    nothing = probabilities(served, json.dumps([{"State": None}]), "application/json")
    assert nothing == probabilities(served, line(blank))


@pytest.mark.parametrize("word", ["", "NA", "nan", "null", " None ", "?"])
def test_words_for_missing_are_missing_in_columns_of_numbers(
    served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str], word: str
) -> None:
    row = [*rows[0]]
    row[header.index("Day Mins")] = word
    module, _ = served
    assert np.isnan(module.input_fn(line(row), "text/csv")).sum() == 1


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("1,2,3", "text/csv", "row 1: expected 21 columns, got 3"),
        (",".join(["x"] * 22), "text/csv", "expected 21 columns, got 22; leave out the label 'Churn?'"),
        ("", "text/csv", "no rows"),
        (b"\xff\xfe", "text/csv", "not UTF-8"),
        ("State,Phone\nAZ,1", "text/csv", "the header lacks 18 of 19 columns: Account Length"),
        ("{", "application/json", "not JSON"),
        ("3", "application/json", "expected a record"),
        ("[]", "application/json", "no rows"),
        ("[[1, 2]]", "application/json", "expected 21 columns, got 2"),
        ("[{}]", "application/json", "row 1: an empty record"),
        ('[{"Stat": "AZ"}]', "application/json", "unknown column 'Stat'; did you mean 'State'?"),
        ('[{"State": ["AZ"]}]', "application/json", "value 2: ['AZ'] is not a single value"),
        ('[{"Day Mins": "many"}]', "application/json", "row 1, column 'Day Mins': 'many' is not a number"),
        ('[{"Day Mins": 1e300}]', "application/json", "is not a number"),
        (f'[{{"Day Mins": {10**400}}}]', "application/json", "is not a number"),
        ("[" * 100_000, "application/json", "not JSON"),
        ("x" * 200_000, "text/csv", "not CSV: field larger than field limit"),
        ('[{"State": "AZ"}, 3]', "application/json", "row 2: expected an object"),
        ("<row/>", "application/xml", "'application/xml' is not served"),
    ],
)
def test_a_callers_mistake_is_a_value_error_that_says_so(
    served: tuple[ModuleType, Any], body: str | bytes, content_type: str, words: str
) -> None:
    module, _ = served
    with pytest.raises(ValueError, match=re.escape(words)):
        module.input_fn(body, content_type)


def test_lists_within_a_record_list_are_refused_too(served: tuple[ModuleType, Any]) -> None:
    module, _ = served
    with pytest.raises(ValueError, match="not a single value"):
        module.input_fn(json.dumps([[["AZ"]] * COLUMNS]), "application/json")


def test_infinite_numbers_are_refused(served: tuple[ModuleType, Any], rows: list[list[str]], header: list[str]) -> None:
    module, _ = served
    row = [*rows[0]]
    row[header.index("Day Mins")] = "inf"
    with pytest.raises(ValueError, match="'inf' is not a number"):
        module.input_fn(line(row), "text/csv")


def test_requests_predicted_together_get_the_answers_they_get_alone(
    served: tuple[ModuleType, Any], rows: list[list[str]]
) -> None:
    module, model = served
    inputs = [
        module.input_fn("\n".join(line(row) for row in rows[start : start + size]), "text/csv")
        for start, size in ((0, 1), (1, 3), (4, 1))
    ]
    together = module.predict_batch_fn(inputs, model)
    alone = [module.predict_fn(each, model) for each in inputs]
    assert [each.tolist() for each in together] == [each.tolist() for each in alone]
    assert module.predict_batch_fn(inputs[:1], model)[0].tolist() == alone[0].tolist()


@pytest.fixture
def aws_image(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """What the script can import in AWS's XGBoost image."""

    class Response:
        def __init__(self, response: str, status: int, mimetype: str) -> None:
            self.response, self.status, self.mimetype = response, status, mimetype

    framework = types.ModuleType("sagemaker_containers.beta.framework")
    framework.worker = types.SimpleNamespace(Response=Response)  # type: ignore[attr-defined]
    for name in ("sagemaker_containers", "sagemaker_containers.beta"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, framework.__name__, framework)
    return Response


def test_on_the_aws_image_a_mistake_comes_out_as_a_response_with_status_400(
    aws_image: type, trained: Chain, tmp_path: Path
) -> None:
    with tarfile.open(trained.root / "artifact" / "model.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    module = load("package/inference.py")
    model = module.model_fn(str(tmp_path))
    refused = module.output_fn(module.predict_fn(module.input_fn("1,2", "text/csv"), model), "text/csv")
    assert isinstance(refused, aws_image)
    assert (refused.status, refused.mimetype) == (400, "text/plain")
    assert refused.response == "row 1: expected 21 columns, got 2"


def test_probabilities_are_written_with_all_their_digits(served: tuple[ModuleType, Any]) -> None:
    module, _ = served
    values = np.array([0.1, 1 / 3, 1e-9], dtype=np.float32)
    answer, _ = module.output_fn(values, "text/csv")
    assert [np.float32(each) for each in answer.split()] == list(values)
    assert math.isclose(float(answer.split()[2]), 1e-9, rel_tol=1e-6)
