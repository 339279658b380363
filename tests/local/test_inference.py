"""The container's contract: what the built-in algorithm and the user's script answer to which request."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost

from contender.local.containers.inference import Answer, Model, ModelLoadError, Request, load
from tests.local.serving_models import ROW, WIDTH, booster, booster_files, script_files, write_files

VALUES = [float(value) for value in ROW.split(",")]


def expected(model: xgboost.Booster, *rows: list[float]) -> list[float]:
    return model.predict(xgboost.DMatrix(np.array(rows, dtype=np.float32))).tolist()


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write_files(tmp_path, booster_files()), {})


@pytest.fixture
def score() -> float:
    return expected(booster(), VALUES)[0]


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV", ""])
def test_answers_csv_with_one_value_a_row(model: Model, score: float, content_type: str) -> None:
    assert model.invoke(f"{ROW}\n{ROW}\n".encode(), content_type, "") == Answer(
        200, f"{score}\n{score}\n".encode(), "text/csv"
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps({"instances": [{"features": VALUES}]})),
        ("application/json", json.dumps({"instances": [VALUES]})),
        ("application/json", json.dumps([VALUES])),
        ("application/json", json.dumps(VALUES)),
        ("application/json", json.dumps({"features": VALUES})),
        ("application/jsonlines", json.dumps({"features": VALUES}) + "\n"),
        ("text/libsvm", " ".join(f"{index}:{value}" for index, value in enumerate(VALUES))),
        ("text/x-libsvm", "1 " + " ".join(f"{index}:{value}" for index, value in enumerate(VALUES))),
        ("application/x-libsvm", " ".join(f"{index}:{value}" for index, value in enumerate(VALUES, 1))),
        ("text/csv", ROW.replace(",", ";")),
    ],
)
def test_reads_every_content_type(model: Model, score: float, content_type: str, body: str) -> None:
    answer = model.invoke(body.encode(), content_type, "application/json")
    assert answer.content_type == "application/json"
    assert json.loads(answer.body) == {"predictions": [{"score": score}]}


def test_writes_json_lines(model: Model, score: float) -> None:
    answer = model.invoke(f"{ROW}\n{ROW}".encode(), "text/csv", "application/jsonlines")
    assert [json.loads(line) for line in answer.body.splitlines()] == [{"score": score}] * 2


def test_takes_the_first_accepted_type_it_can_write(model: Model) -> None:
    assert (
        model.invoke(ROW.encode(), "text/csv", "image/png, application/json;q=0.5").content_type == "application/json"
    )


def test_an_empty_value_is_missing(model: Model) -> None:
    answer = model.invoke(b",0.8,,0.2,0.3,0.4", "text/csv", "")
    nan = float("nan")
    assert float(answer.body) == expected(booster(), [nan, 0.8, nan, 0.2, 0.3, 0.4])[0]


def test_a_feature_absent_from_libsvm_is_missing(model: Model) -> None:
    nan = float("nan")
    answer = model.invoke(b"0:0.9 2:0.1", "text/libsvm", "")
    assert float(answer.body) == expected(booster(), [0.9, nan, 0.1, nan, nan, nan])[0]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "words"),
    [
        ("1,2,3", "text/csv", "", 400, "Feature size of text/csv inference data 3 is not consistent"),
        ("0:1 9:1", "text/libsvm", "", 400, "Feature size of libsvm inference data 10"),
        ("a,b,c,d,e,f", "text/csv", "", 415, "could not convert string to float"),
        ("1,2\n1,2,3", "text/csv", "", 415, "text/csv"),
        ("{", "application/json", "", 415, "application/json"),
        (ROW, "image/png", "", 415, "Content-type image/png is not supported"),
        (ROW, "text/csv", "image/png", 406, "Accept type image/png is not supported"),
    ],
)
def test_refuses_with_the_status_of_the_aws_image(
    model: Model, body: str, content_type: str, accept: str, status: int, words: str
) -> None:
    answer = model.invoke(body.encode(), content_type, accept)
    assert answer.status == status
    assert words in answer.body.decode()


def test_an_empty_body_has_no_content(model: Model) -> None:
    assert model.invoke(b"", "text/csv", "").status == 204


def test_multi_class_probabilities_are_a_row_each(tmp_path: Path) -> None:
    three = booster(classes=3)
    model = load(write_files(tmp_path, {"model.json": bytes(three.save_raw("json"))}), {})
    wanted = expected(three, VALUES)[0]
    assert model.invoke(ROW.encode(), "text/csv", "").body.decode() == ",".join(map(str, wanted)) + "\n"
    as_json = json.loads(model.invoke(ROW.encode(), "text/csv", "application/json").body)
    assert as_json == {"predictions": [{"score": wanted}]}


def test_a_batch_answers_each_request_as_if_it_were_alone(model: Model) -> None:
    requests = [
        Request(ROW.encode(), "text/csv", "text/csv"),
        Request(b"1,2", "text/csv", "text/csv"),
        Request(f"{ROW}\n1,2,3,4,5,6".encode(), "text/csv", "application/json"),
        Request(b"", "text/csv", ""),
        Request(ROW.encode(), "image/png", ""),
    ]
    assert model.invoke_batch(requests) == [
        model.invoke(each.body, each.content_type, each.accept) for each in requests
    ]


def test_several_folds_answer_with_their_mean(tmp_path: Path) -> None:
    files = {f"xgboost-model-{seed}": bytes(booster(seed).save_raw("ubj")) for seed in (1, 2)}
    model = load(write_files(tmp_path, files), {})
    mean = np.mean([expected(booster(seed), VALUES)[0] for seed in (1, 2)])
    assert float(model.invoke(ROW.encode(), "text/csv", "").body) == pytest.approx(mean)


def test_a_linear_booster_serves_too(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).random((50, WIDTH)).astype(np.float32)
    parameters = {"booster": "gblinear", "nthread": 1, "updater": "coord_descent"}
    linear = xgboost.train(parameters, xgboost.DMatrix(rows, rows[:, 0]), 3)
    model = load(write_files(tmp_path, {"xgboost-model": bytes(linear.save_raw("ubj"))}), {})
    assert float(model.invoke(ROW.encode(), "text/csv", "").body) == expected(linear, VALUES)[0]


def selected(folder: Path, model: xgboost.Booster, keys: str, accept: str = "application/json") -> str:
    served = load(
        write_files(folder, {"xgboost-model": bytes(model.save_raw("ubj"))}), {"SAGEMAKER_INFERENCE_OUTPUT": keys}
    )
    return served.invoke(ROW.encode(), "text/csv", accept).body.decode()


def test_a_binary_model_says_label_and_probabilities_when_asked(tmp_path: Path, score: float) -> None:
    answer = json.loads(selected(tmp_path, booster(), "predicted_label, probability,probabilities,labels"))
    assert answer == {
        "predictions": [
            {
                "predicted_label": int(score > 0.5),
                "probability": score,
                "probabilities": [1 - score, score],
                "labels": [0, 1],
            }
        ]
    }


def test_a_multi_class_model_says_the_likeliest_class_in_csv(tmp_path: Path) -> None:
    three = booster(classes=3)
    wanted = expected(three, VALUES)[0]
    best = max(wanted)
    line = selected(tmp_path, three, "predicted_label,probability,labels", "text/csv")
    assert line == f'{wanted.index(best)},{best},"[0, 1, 2]"'


def test_what_does_not_fit_the_objective_is_not_a_number(tmp_path: Path) -> None:
    assert selected(tmp_path, booster(), "predicted_score", "text/csv") == "nan"


def test_an_unknown_key_keeps_the_model_from_loading(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="asks for odds"):
        selected(tmp_path, booster(), "odds")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "neither code/inference.py nor a booster"),
        ({"xgboost-model": b"\x80\x04junk"}, "xgboost-model is a pickled booster"),
        ({"xgboost-model": b"junk"}, "xgboost-model is not a booster that XGBoost"),
        ({"code/inference.py": b"x = 1"}, r"no model_fn\(model_dir\)"),
        ({"code/inference.py": b"import nothing_of_that_name"}, "nothing_of_that_name"),
        ({"code/inference.py": b"def model_fn(d): return open(d + '/no')"}, "model_fn of code/inference.py failed"),
    ],
)
def test_says_why_an_archive_cannot_serve(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    with pytest.raises(ModelLoadError, match=words):
        load(write_files(tmp_path, files), {})


def test_the_program_that_the_environment_names_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"no code/serve\.py"):
        load(write_files(tmp_path, booster_files()), {"SAGEMAKER_PROGRAM": "serve.py"})


def test_an_empty_program_name_means_none(tmp_path: Path) -> None:
    assert load(write_files(tmp_path, booster_files()), {"SAGEMAKER_PROGRAM": ""})


# scripts


def script(folder: Path, source: str, **environment: str) -> Model:
    return load(write_files(folder, script_files(source)), environment)


ECHO = """
def model_fn(model_dir): return "m"
def input_fn(body, content_type):
    if body == "bad": raise ValueError("a bad body")
    if body == "odd": raise TypeError("an odd body")
    if body == "teapot":
        error = ValueError("short and stout"); error.status_code = 418; raise error
    return body
def predict_fn(data, model):
    if data == "fail": raise ValueError("cannot predict")
    return model, data
def output_fn(prediction, accept): return repr((prediction, accept))
"""


def test_calls_the_four_functions_in_order(tmp_path: Path) -> None:
    answer = script(tmp_path, ECHO).invoke(b"x", "text/csv", "text/plain")
    assert answer == Answer(200, b"(('m', 'x'), 'text/plain')", "text/plain")


def test_text_arrives_as_str_and_everything_else_as_bytes(tmp_path: Path) -> None:
    model = script(tmp_path, ECHO)
    assert b"'x'" in model.invoke(b"x", "application/json", "a/b").body
    assert b"b'x'" in model.invoke(b"x", "application/octet-stream", "a/b").body


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("bad", 400, "a bad body"),
        ("odd", 400, "an odd body"),
        ("teapot", 418, "short"),
        ("fail", 500, "cannot predict"),
    ],
)
def test_the_function_that_fails_decides_the_status(tmp_path: Path, body: str, status: int, words: str) -> None:
    answer = script(tmp_path, ECHO).invoke(body.encode(), "text/csv", "text/csv")
    assert answer.status == status
    assert words in answer.body.decode()


def test_defaults_serve_a_script_that_only_loads(tmp_path: Path) -> None:
    source = """
import xgboost
def model_fn(model_dir):
    booster = xgboost.Booster(); booster.load_model(model_dir + "/model.ubj"); return booster
"""
    files = {**script_files(source), "model.ubj": bytes(booster().save_raw("ubj"))}
    model = load(write_files(tmp_path, files), {})
    wanted = expected(booster(), VALUES)
    assert json.loads(model.invoke(ROW.encode(), "text/csv", "").body) == wanted
    assert model.invoke(ROW.encode(), "text/csv", "text/csv").body == f"{wanted[0]}\n".encode()
    assert model.invoke(ROW.encode(), "image/png", "").status == 415
    assert model.invoke(ROW.encode(), "text/csv", "image/png").status == 406


def test_transform_fn_replaces_the_three(tmp_path: Path) -> None:
    source = """
def model_fn(model_dir): return "m"
def transform_fn(model, body, content_type, accept): return f"{model} {body} {content_type}", "a/b"
"""
    assert script(tmp_path, source).invoke(b"x", "text/csv", "").body == b"m x text/csv"


def test_a_context_shows_the_request_and_sets_custom_attributes(tmp_path: Path) -> None:
    source = """
NAME = "X-Amzn-SageMaker-Custom-Attributes"
def model_fn(model_dir): return "m"
def input_fn(body, content_type): return body
def predict_fn(data, model): return data
def output_fn(prediction, accept, context):
    context.set_response_header(0, NAME, "seen " + context.get_request_header(0, NAME))
    return prediction
"""
    (answer,) = script(tmp_path, source).invoke_batch([Request(b"x", "text/csv", "text/csv", "trace=1")])
    assert answer.custom_attributes == "seen trace=1"


BATCHES = """
calls = []
def model_fn(model_dir): return "m"
def input_fn(body, content_type):
    if body == "bad": raise ValueError("a bad body")
    return body
def predict_fn(data, model):
    if data == "poison": raise RuntimeError("poisoned")
    return f"alone {data}"
def predict_batch_fn(inputs, model):
    if "poison" in inputs: raise RuntimeError("the batch is poisoned")
    return [f"{len(inputs)} together {each}" for each in inputs]
def output_fn(prediction, accept): return prediction
"""


def batch(folder: Path, *bodies: str) -> list[tuple[int, str]]:
    requests = [Request(body.encode(), "text/csv", "text/csv") for body in bodies]
    return [(answer.status, answer.body.decode()) for answer in script(folder, BATCHES).invoke_batch(requests)]


def test_requests_that_wait_are_predicted_together(tmp_path: Path) -> None:
    assert batch(tmp_path, "a", "b") == [(200, "2 together a"), (200, "2 together b")]


def test_a_request_alone_is_predicted_alone(tmp_path: Path) -> None:
    assert batch(tmp_path, "a") == [(200, "alone a")]


def test_a_bad_request_leaves_the_batch_to_the_others(tmp_path: Path) -> None:
    assert batch(tmp_path, "a", "bad", "b") == [(200, "2 together a"), (400, "a bad body"), (200, "2 together b")]


def test_a_batch_that_fails_is_predicted_one_by_one(tmp_path: Path) -> None:
    assert batch(tmp_path, "a", "poison", "b") == [(200, "alone a"), (500, "poisoned"), (200, "alone b")]
