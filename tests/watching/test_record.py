"""The script that names captured columns understands what the model does, and nothing else."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import runpy
import tarfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from contender.errors import DataError
from contender.watching import baseline
from steps.package import inference as packaged

ENCODER = {
    "label": "churn",
    "columns": ["phone", "day mins", "state", 'Int\'l "Plan"', "calls"],
    "dropped": ["phone"],
    "missing": ["", "na", "nan", "?"],
    "features": [
        {"column": "day mins", "kind": "number"},
        {"column": "state", "kind": "category", "categories": ["OH", "NY"]},
        {"column": "calls", "kind": "number"},
    ],
    "width": 5,
}
FEATURES = sorted(["day mins", "state", 'Int\'l "Plan"', "calls"])


@pytest.fixture
def handler(tmp_path: Path) -> Any:
    """The generated file, as a container runs it: alone."""
    path = tmp_path / "preprocessor.py"
    path.write_text(baseline.script(ENCODER))
    return runpy.run_path(str(path))["preprocess_handler"]


def record(data: str, kind: str = "text/csv", encoding: str = "CSV") -> SimpleNamespace:
    """As AWS's container passes it; only its documented fields."""
    return SimpleNamespace(endpoint_input=SimpleNamespace(data=data, encoding=encoding, observedContentType=kind))


def test_a_row_comes_with_its_columns_names_in_their_order(handler: Any) -> None:
    found = handler(record("555-1,12.5, OH ,yes,NA\n"))
    assert found == {'Int\'l "Plan"': "yes", "calls": "", "day mins": "12.5", "state": "OH"}
    assert list(found) == FEATURES


def test_columns_that_are_no_features_may_be_left_out(handler: Any) -> None:
    assert handler(record("12.5,OH,yes,3")) == handler(record("555-1,12.5,OH,yes,3"))


def test_a_header_may_name_the_columns_in_any_order(handler: Any) -> None:
    text = 'state,calls,day mins,"Int\'l ""Plan"""\nOH,3,12.5,yes\nNY,4,1,no\n'
    first, second = handler(record(text))
    assert first == handler(record("12.5,OH,yes,3"))
    assert second["state"] == "NY"


def test_json_and_bytes_are_read_as_the_model_reads_them(handler: Any) -> None:
    row = {"day mins": 12.5, "state": "OH", 'Int\'l "Plan"': "yes", "calls": 3.0}
    wanted = handler(record("12.5,OH,yes,3"))
    for body in ({"instances": [row]}, [row], row, [[12.5, "OH", "yes", 3]], [12.5, "OH", "yes", 3]):
        assert handler(record(json.dumps(body), "application/json", "JSON")) == wanted
    lines = json.dumps(row) + "\n"
    coded = base64.b64encode(lines.encode()).decode()
    assert handler(record(coded, "application/jsonlines", "BASE64")) == wanted


@pytest.mark.parametrize("body", ["", "1,2", "{", '{"instances": 3}', "[3"])
def test_what_cannot_be_read_is_left_out(handler: Any, body: str) -> None:
    kind = "application/json" if body[:1] in ("{", "[") else "text/csv"
    assert handler(record(body, kind, "JSON" if "json" in kind else "CSV")) == []


@pytest.mark.parametrize("seed", range(30))
def test_it_agrees_with_the_code_that_answers(handler: Any, seed: int) -> None:
    """Whatever body the model takes, the script sees the rows that the model saw."""
    rng = random.Random(seed)
    served = load_encoder(packaged)
    rows = [
        [f"555-{n}", rng.choice(["12.5", "", "NA"]), rng.choice(["OH", "N,Y", ' "x" ']), "yes", str(rng.randrange(9))]
        for n in range(rng.randrange(1, 4))
    ]
    columns = list(served.columns)
    if rng.random() < 0.5:
        rows, columns = [row[1:] for row in rows], columns[1:]
    if rng.random() < 0.5:
        body, kind, encoding = (
            json.dumps([dict(zip(columns, row, strict=True)) for row in rows]),
            "application/json",
            "JSON",
        )
    else:
        body, kind, encoding = csv_of(([columns] if rng.random() < 0.5 else []) + rows), "text/csv", "CSV"
    seen = [dict(zip(columns_of(served, row), row, strict=True)) for row in packaged.parse(body, kind, served)]
    found = handler(record(body, kind, encoding))
    found = [found] if isinstance(found, dict) else found
    assert len(found) == len(seen)
    for ours, theirs in zip(found, seen, strict=True):
        for name in FEATURES:
            assert ours[name] == ("" if theirs[name].strip().lower() == "na" else theirs[name].strip())


def load_encoder(module: ModuleType) -> Any:
    return module.Encoder(ENCODER)


def columns_of(served: Any, row: list[str]) -> list[str]:
    """Names of a parsed row's values: of all columns, or of the features alone."""
    kept = [column for column in served.columns if column not in ENCODER["dropped"]]
    return served.columns if len(row) == len(served.columns) else kept


def csv_of(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def artifact(encoder: dict[str, Any] | None) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as file:
        if encoder is not None:
            body = json.dumps(encoder).encode()
            member = tarfile.TarInfo("encoder.json")
            member.size = len(body)
            file.addfile(member, io.BytesIO(body))
    return archive.getvalue()


def statistics(*names: str) -> bytes:
    return json.dumps({"version": 0, "features": [{"name": name} for name in names]}).encode()


def test_the_baselines_features_are_those_of_the_script_in_the_same_order() -> None:
    body = statistics("day mins", "state", 'Int\'l "Plan"', "calls")
    files = baseline.prepare(body, body, artifact(ENCODER), what="v3")
    for name in ("statistics.json", "constraints.json"):
        assert [feature["name"] for feature in json.loads(files[name])["features"]] == FEATURES


def test_an_artifact_that_names_no_columns_is_said_to_be_the_reason() -> None:
    body = statistics(*FEATURES)
    with pytest.raises(DataError, match=r"v3 has no usable encoder\.json"):
        baseline.prepare(body, body, artifact(None), what="v3")
    with pytest.raises(DataError, match="statistics of v3 do not describe the columns"):
        baseline.prepare(statistics("day mins"), body, artifact(ENCODER), what="v3")


def test_limits_of_quality_give_way_by_the_margin_on_their_own_side() -> None:
    """SageMaker suggests the very figures of the held-out rows; as good a model is below half of them."""
    limits = {
        "accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"},
        "false_positive_rate": {"threshold": 0.1, "comparison_operator": "GreaterThanThreshold"},
    }
    body = json.dumps({"version": 0.0, "binary_classification_constraints": limits}).encode()
    wide = json.loads(baseline.relaxed(body, 0.05, what="c.json"))["binary_classification_constraints"]
    assert {name: limit["threshold"] for name, limit in wide.items()} == pytest.approx(
        {"accuracy": 0.85, "false_positive_rate": 0.15}
    )
    assert json.loads(baseline.relaxed(body, 0.0, what="c.json")) == json.loads(body)
    for other in (b"no JSON", b"{}", b"[]", b'{"binary_classification_constraints": {"auc": {}}}'):
        with pytest.raises(DataError, match=r"c\.json are no constraints of a binary model's quality"):
            baseline.relaxed(other, 0.05, what="c.json")
