"""A booster file served as AWS's built-in XGBoost algorithm serves it.

Rows of concurrent requests are predicted in one call, because a prediction's fixed cost is most of what a row costs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from contender.local.containers.content_types import CSV, LIBSVM_NAMES, Rows, choose_accept, decode, encode, media_type
from contender.local.containers.invocation import Answer, Model, ModelLoadError, Request, failure
from contender.local.containers.selectable import Selection, read_keys

FOLDS = "xgboost-model*"
SINGLE = ("*.ubj", "*.json")
PICKLE_START = b"\x80"


def load_booster(model_dir: Path, environment: Mapping[str, str]) -> Model:
    """The booster of an archive; several `xgboost-model…` files (k-fold training) answer with their mean.

    Raises ModelLoadError.
    """
    try:
        read_keys(environment)
    except ValueError as error:
        raise ModelLoadError(str(error)) from error
    if folds := _files(model_dir, FOLDS):
        return BoosterModel([_read(path) for path in folds], environment)
    failures: list[str] = []
    for path in _files(model_dir, *SINGLE):
        try:
            return BoosterModel([_read(path)], environment)
        except ModelLoadError as error:
            failures.append(str(error))
    raise ModelLoadError(
        "; ".join(failures)
        or "the model archive has neither code/inference.py nor a booster at its top level"
        f" ({FOLDS}, {', '.join(SINGLE)})"
    )


class BoosterModel:
    """One or more boosters over the same features."""

    def __init__(self, boosters: Sequence[xgboost.Booster], environment: Mapping[str, str]) -> None:
        self._boosters = boosters
        self._width: int = boosters[0].num_features()
        self._default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", CSV)
        learner = json.loads(boosters[0].save_config())["learner"]
        self._linear = learner["gradient_booster"]["name"] == "gblinear"
        self._encode = encode
        if keys := read_keys(environment):
            self._encode = Selection(
                keys, learner["objective"]["name"], int(learner["learner_model_param"]["num_class"])
            ).encode

    @property
    def boosters(self) -> Sequence[xgboost.Booster]:
        return self._boosters

    def invoke(self, body: bytes, content_type: str, accept: str) -> Answer:
        return self.invoke_batch([Request(body, content_type, accept)])[0]

    def invoke_batch(self, requests: Sequence[Request]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(requests)
        matrices: list[Rows] = []
        accepted: list[tuple[int, str]] = []
        for number, request in enumerate(requests):
            try:
                if not request.body:
                    answers[number] = Answer(204, b"", CSV)
                    continue
                accept = choose_accept(request.accept, self._default_accept)
                matrix = decode(request.body, request.content_type, self._width)
                self._check_width(matrix, request.content_type)
            except ValueError as error:
                answers[number] = failure(error, 400)
                continue
            matrices.append(matrix)
            accepted.append((number, accept))
        if matrices:
            predictions = self._predict(np.concatenate(matrices) if len(matrices) > 1 else matrices[0])
            start = 0
            for matrix, (number, accept) in zip(matrices, accepted, strict=True):
                end = start + len(matrix)
                answers[number] = Answer(200, self._encode(predictions[start:end], accept), accept)
                start = end
        return [answer for answer in answers if answer is not None]

    def _check_width(self, matrix: Rows, content_type: str) -> None:
        given, known = matrix.shape[1], self._width
        if given == known:
            return
        kind = "libsvm" if media_type(content_type) in LIBSVM_NAMES else media_type(content_type) or CSV
        raise ValueError(
            f"Feature size of {kind} inference data {given} is not consistent"
            f" with feature size of trained model {known}."
        )

    def _predict(self, rows: Rows) -> npt.NDArray[Any]:
        each = [self._predict_one(booster, rows) for booster in self._boosters]
        return each[0] if len(each) == 1 else np.mean(each, axis=0)

    def _predict_one(self, booster: xgboost.Booster, rows: Rows) -> npt.NDArray[Any]:
        if self._linear:  # the only boosters without in-place prediction
            predicted: npt.NDArray[Any] = booster.predict(xgboost.DMatrix(rows, nthread=1), validate_features=False)
        else:
            predicted = booster.inplace_predict(rows, validate_features=False)
        return predicted


def _read(path: Path) -> xgboost.Booster:
    content = path.read_bytes()
    if content.startswith(PICKLE_START):
        raise ModelLoadError(
            f"{path.name} is a pickled booster, which could run any code: save it with Booster.save_model"
        )
    booster = xgboost.Booster()
    try:
        # by content, because a name without suffix tells XGBoost nothing
        booster.load_model(bytearray(content))
    except xgboost.core.XGBoostError as error:
        reason = str(error).partition("\n")[0]
        raise ModelLoadError(
            f"{path.name} is not a booster that XGBoost {xgboost.__version__} can read: {reason}"
        ) from error
    booster.set_param({"nthread": 1})
    return booster


def _files(model_dir: Path, *patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted(model_dir.glob(pattern)) if path.is_file()]
