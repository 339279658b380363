"""What a model is sent, and how its answers are read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from contender.local.containers.clarify import payloads
from contender.local.containers.clarify.answers import Answers, join, read_answer
from contender.local.containers.clarify.config import CSV, JSON, JSON_LINES, PredictorConfig, read_config
from contender.local.containers.clarify.errors import ClarifyError
from contender.local.containers.clarify.payloads import Payload

NAMES = ["A", "B"]
ROWS = [[0, "x"], [3, None]]


def predictor(**fields: Any) -> PredictorConfig:
    config = {"dataset_type": CSV, "methods": {"shap": {}}, "predictor": {"model_name": "m", **fields}}
    found = read_config(config).predictor
    assert found is not None
    return found


def bodies(rows: list[list[Any]] = ROWS, **fields: Any) -> list[bytes]:
    payload = Payload(predictor(**fields), NAMES)
    cells = np.array([[payload.render(value) for value in row] for row in rows], dtype=object)
    return [body for body, _ in payload.bodies(cells)]


def test_csv_quotes_what_needs_it_and_leaves_missing_values_empty() -> None:
    rows = [["a,b", 'say "x"'], [1.5, None], [float("nan"), "two\nlines"]]
    assert bodies(rows) == [b'"a,b","say ""x"""\n1.5,\n,"two\nlines"\n']


def test_json_lines() -> None:
    sent = bodies(content_type=JSON_LINES, content_template='{"features":$features,"names":$feature_names}')
    assert [json.loads(line) for line in sent[0].splitlines()] == [
        {"features": [0, "x"], "names": NAMES},
        {"features": [3, None], "names": NAMES},
    ]


def test_json_lines_have_sagemaker_s_own_form_where_none_is_given() -> None:
    assert bodies(content_type=JSON_LINES) == [b'{"features":[0,"x"]}\n{"features":[3,null]}\n']


@pytest.mark.parametrize(
    ("content", "record", "expected"),
    [
        ('{"instances": $records}', "$features", [{"instances": [[0, "x"], [3, None]]}]),
        ("$records", "$features_kvp", [[{"A": 0, "B": "x"}, {"A": 3, "B": None}]]),
        ("$records", '{"A": "${A}", "b": "${B}"}', [[{"A": 0, "b": "x"}, {"A": 3, "b": None}]]),
        ("$record", "$features_kvp", [{"A": 0, "B": "x"}, {"A": 3, "B": None}]),
    ],
)
def test_json_by_the_templates_of_aws(content: str, record: str, expected: list[Any]) -> None:
    sent = bodies(content_type=JSON, content_template=content, record_template=record)
    assert [json.loads(body) for body in sent] == expected


def test_splits_what_an_endpoint_would_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_BYTES", 10)
    assert bodies([["aaaa", "b"], ["cccc", "d"], ["e", "f"]]) == [b"aaaa,b\n", b"cccc,d\ne,f\n"]


def read(body: str, count: int, **fields: Any) -> Answers:
    return read_answer(predictor(**fields), body.encode(), count)


def scores(answers: Answers) -> list[Any]:
    assert answers.scores is not None
    return answers.scores.tolist()


@pytest.mark.parametrize(
    ("accept", "body", "expected"),
    [
        (CSV, "0.5\n0.25\n", [[0.5], [0.25]]),
        (CSV, "0.5,0.5\n0.25,0.75\n", [[0.5, 0.5], [0.25, 0.75]]),
        (JSON_LINES, '{"score": 0.5}\n{"score": 0.25}\n', [[0.5], [0.25]]),
        (JSON_LINES, "[0.5, 0.5]\n[0.25, 0.75]\n", [[0.5, 0.5], [0.25, 0.75]]),
        (JSON, '{"predictions": [{"score": 0.5}, {"score": 0.25}]}', [[0.5], [0.25]]),
        (JSON, "[[0.5], [0.25]]", [[0.5], [0.25]]),
    ],
)
def test_finds_scores_that_nobody_located(accept: str, body: str, expected: list[Any]) -> None:
    assert scores(read(body, 2, accept_type=accept)) == expected


def test_finds_labels_and_scores_where_they_are_said_to_be() -> None:
    # the two answers of AWS's page
    found = read('Current,"[0.2, 0.8]"\n', 1, accept_type=CSV, label=0, probability=1)
    assert (found.labels, scores(found)) == (["Current"], [[0.2, 0.8]])
    body = '{"predicted_label": "Current", "score": "[0.2, 0.8]"}\n'
    found = read(body, 1, accept_type=JSON_LINES, label="predicted_label", probability="score")
    assert (found.labels, scores(found)) == (["Current"], [[0.2, 0.8]])
    body = '{"predictions": [{"l": "a", "p": 0.2}, {"l": "b", "p": 0.7}]}'
    found = read(body, 2, accept_type=JSON, label="predictions[*].l", probability="predictions[*].p")
    assert (found.labels, scores(found)) == (["a", "b"], [[0.2], [0.7]])


def test_joins_the_answers_of_several_requests() -> None:
    both = join([Answers(["a"], np.array([[0.1]])), Answers(["b"], np.array([[0.2]]))])
    assert (both.labels, scores(both)) == (["a", "b"], [[0.1], [0.2]])


@pytest.mark.parametrize(
    ("body", "fields", "words"),
    [
        ("0.5\n", {}, "answered 2 rows with 1 predictions"),
        ("yes\nno\n", {}, "could not convert"),
        ("0.5\n0.5\n", {"label": 3}, "list index out of range"),
        ("0.5\n0.5\n", {"label": "score"}, "must be the index of a column"),
        ('{"a": 1, "b": 2}\n{"a": 1, "b": 2}', {"accept_type": JSON_LINES}, "name one of the keys a, b"),
        ('{"a": 1}\n{"a": 1}', {"accept_type": JSON_LINES, "label": "b"}, "'b' finds nothing"),
        ('{"a": 1}\n{"a": 1}', {"accept_type": JSON_LINES, "label": "["}, "is not a JMESPath"),
        ("<html>", {"accept_type": JSON}, "cannot be read"),
        ("nan\n0.5\n", {}, "no number"),
    ],
)
def test_an_answer_that_cannot_be_read_is_one_line(body: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ClarifyError) as raised:
        read(body, 2, **fields)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
