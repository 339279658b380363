"""SAGEMAKER_INFERENCE_OUTPUT: what the built-in algorithm says of each instance besides its score.

A key that does not fit the objective answers NaN, as AWS's image does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contender.local.containers.content_types import JSON, JSON_LINES

VARIABLE = "SAGEMAKER_INFERENCE_OUTPUT"
REGRESSION = (
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:logistic",
    "reg:gamma",
    "reg:absoluteerror",
    "reg:tweedie",
)
BINARY_THRESHOLD = {"binary:logistic": 0.5, "binary:logitraw": 0.0}
KEYS = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores", "predicted_score")

Prediction = Any
Say = Callable[[Prediction], Any]


class Selection:
    """The keys that the environment asks for, answered for one objective."""

    def __init__(self, keys: Sequence[str], objective: str, classes: int) -> None:
        self._keys = keys
        self._sayings = _sayings(objective, classes)

    def encode(self, predictions: npt.NDArray[Any], accept: str) -> bytes:
        answers = [{key: self._sayings.get(key, _nothing)(each) for key in self._keys} for each in predictions]
        if accept == JSON:
            return json.dumps({"predictions": answers}).encode()
        if accept == JSON_LINES:
            return "".join(json.dumps(answer) + "\n" for answer in answers).encode()
        return "\n".join(",".join(map(_cell, answer.values())) for answer in answers).encode()


def read_keys(environment: Mapping[str, str]) -> list[str]:
    """The keys in SAGEMAKER_INFERENCE_OUTPUT; none is the plain score. Raises ValueError for an unknown one."""
    keys = [key for key in environment.get(VARIABLE, "").replace(" ", "").lower().split(",") if key]
    if unknown := [key for key in keys if key not in KEYS]:
        raise ValueError(f"{VARIABLE} asks for {', '.join(unknown)}; known are {', '.join(KEYS)}")
    return keys


def _sayings(objective: str, classes: int) -> dict[str, Say]:
    if objective in REGRESSION:
        return {"predicted_score": float}
    if objective == "multi:softprob":
        return {
            "predicted_label": lambda row: int(np.argmax(row)),
            "labels": lambda row: list(range(classes)),
            "probability": _highest,
            "probabilities": lambda row: row.tolist(),
            "raw_score": _highest,
            "raw_scores": lambda row: row.tolist(),
        }
    sayings: dict[str, Say] = {"raw_score": float, "raw_scores": lambda value: [1.0 - float(value), float(value)]}
    if objective == "multi:softmax":
        return {**sayings, "predicted_label": float, "labels": lambda value: list(range(classes))}
    sayings["labels"] = lambda value: [0, 1]
    if objective == "binary:hinge":
        return {**sayings, "predicted_label": float}
    if objective in BINARY_THRESHOLD:
        threshold = BINARY_THRESHOLD[objective]
        sayings["predicted_label"] = lambda value: int(value > threshold)
    if objective == "binary:logistic":
        sayings["probability"] = float
        sayings["probabilities"] = sayings["raw_scores"]
    return sayings


def _highest(row: Prediction) -> float:
    return float(np.max(row))


def _nothing(prediction: Prediction) -> float:
    return math.nan


def _cell(value: Any) -> str:
    return f'"{json.dumps(value)}"' if isinstance(value, list) else str(value)
