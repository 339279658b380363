"""Records that an endpoint captured, and the user's scripts."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.local.monitor.image import CAPTURE, CSV, Image


def record(request: str, answer: str, content_type: str = "text/csv", encoding: str = "CSV") -> str:
    """One line of data capture."""
    body = {"observedContentType": content_type, "encoding": encoding}
    return json.dumps(
        {
            "captureData": {
                "endpointInput": {**body, "mode": "INPUT", "data": request},
                "endpointOutput": {**body, "mode": "OUTPUT", "data": answer},
            },
            "eventMetadata": {"eventId": "1", "inferenceTime": "2026-01-01T00:00:00Z"},
            "eventVersion": "0",
        }
    )


def sums(image: Image, *records: str) -> dict[str, float]:
    features = image.run("\n".join(records), form=CAPTURE).features
    return {name: feature["numerical_statistics"]["sum"] for name, feature in features.items()}


def test_the_answers_columns_come_first(image: Image) -> None:
    assert sums(image, record("1,2", "0.5"), record("3,4", "0.25\n")) == {"_c0": 0.75, "_c1": 4, "_c2": 6}


def test_a_request_of_several_rows_is_several_rows(image: Image) -> None:
    assert sums(image, record("1,2\n3,4\n5,6\n", "1\n1\n1\n")) == {"_c0": 3, "_c1": 9, "_c2": 12}


def test_base64_is_decoded(image: Image) -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    assert sums(image, record(encoded("1,2"), encoded("7"), encoding="BASE64")) == {"_c0": 7, "_c1": 1, "_c2": 2}


def test_json_keeps_its_names(image: Image) -> None:
    line = record('{"age": 3, "more": {"x": 1}}', '{"score": 0.5}', "application/json", "JSON")
    assert sums(image, line) == {"score": 0.5, "age": 3, "more.x": 1}


def test_columns_without_names_have_those_of_the_baseline_by_position(image: Image) -> None:
    baseline = image.run("churn,age,plan\n" + "0,31,yes\n1,45,no\n" * 50)
    answers = [record(f"{age},{plan}", "0.25") for age, plan in ((31, "yes"), (45, "no"), (31, "maybe"))] * 40
    outcome = image.run("\n".join(answers), CAPTURE, baseline)
    assert list(outcome.features) == ["churn", "age", "plan"]
    assert ("plan", "categorical_values_check") in outcome.checks
    assert "Expected data type: Integral" in outcome.said(
        "churn", "data_type_check"
    )  # AWS's own example finds this too
    assert {name for name, _ in outcome.checks} == {"churn", "plan"}
    longer = image.run("\n".join(record(f"{age},yes,1", "0") for age in (31, 45) * 40), CAPTURE, baseline)
    assert ("_c3", "extra_column_check") in longer.checks


def test_names_of_their_own_stay(image: Image) -> None:
    baseline = image.run("churn,age\n0,31\n1,45\n")
    line = record('{"age": 31, "more": 1}', "0.5", "application/json", "JSON")
    assert set(image.run(line, CAPTURE, baseline).features) == {"_c0", "age", "more"}


def test_the_preprocessing_script_makes_the_rows(image: Image, tmp_path: Path) -> None:
    script = tmp_path / "pre.py"
    script.write_text(
        "def preprocess_handler(inference_record, logger):\n"
        "    logger.info('one record')\n"
        "    given = inference_record.endpoint_input.data.split(',')\n"
        "    if given[0] == 'skip':\n"
        "        return []\n"
        "    return {'age': given[0], 'score': inference_record.endpoint_output.data.rstrip('\\n'),\n"
        "            'event': inference_record.event_metadata.event_id}\n"
    )
    lines = "\n".join([record("31,x", "0.5\n"), record("skip,x", "0.5"), record("32,x", "0.7")])
    features = image.run(lines, form=CAPTURE, record_preprocessor_script=str(script)).features
    assert list(features) == ["age", "score", "event"]
    assert features["age"]["numerical_statistics"]["mean"] == 31.5


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def preprocess_handler(record): return 1 / 0", "preprocess_handler of pre.py failed: ZeroDivisionError"),
        ("def preprocess_handler(record): return [1]", "answered '1'; a row is a dictionary by column"),
        ("def preprocess(record): return {}", "pre.py has no function preprocess_handler"),
        ("import nothing_like_it", "the script of pre.py failed: ModuleNotFoundError"),
    ],
)
def test_a_script_that_fails_is_named(image: Image, tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "pre.py").write_text(code)
    found = image.run(record("1", "2"), form=CAPTURE, record_preprocessor_script=str(tmp_path / "pre.py"))
    assert found.code != 0
    assert said in found.message


def test_the_postprocessing_script_runs_when_the_files_are_there(image: Image, tmp_path: Path) -> None:
    (tmp_path / "post.py").write_text(
        "import os, pathlib\n"
        "def postprocess_handler():\n"
        f"    found = sorted(path.name for path in pathlib.Path({str(tmp_path)!r}).rglob('*.json'))\n"
        f"    pathlib.Path({str(tmp_path / 'seen')!r}).write_text(' '.join(found))\n"
    )
    image.run("a\n1\n", form=CSV, post_analytics_processor_script=str(tmp_path / "post.py"))
    assert (tmp_path / "seen").read_text() == "constraints.json statistics.json"
