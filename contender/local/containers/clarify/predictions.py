"""Which rows a model predicts as positive: its labels, or its scores made into labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from contender.local.containers.clarify.answers import Answers, Scores
from contender.local.containers.clarify.bias import BiasAnalysis
from contender.local.containers.clarify.columns import Rows, is_numeric, typed
from contender.local.containers.clarify.config import AnalysisConfig, PredictorConfig
from contender.local.containers.clarify.errors import ClarifyError


def positive_in_column(bias: BiasAnalysis, column: pd.Series[Any]) -> Rows:
    """For predicted labels that the dataset holds."""
    return bias.is_positive(typed(column))


def positive_in_answers(config: AnalysisConfig, bias: BiasAnalysis, answers: Answers) -> Rows:
    """For a model's answers to the dataset's rows. Raises ClarifyError where they cannot be compared with the label."""
    predictor = config.predictor
    assert predictor is not None
    if answers.labels is not None:
        labels = answers.labels
        if all(isinstance(label, list) for label in labels):
            if answers.scores is None:
                raise ClarifyError(
                    "the model names all labels of a row: predictor.probability must say where it scores them"
                )
            labels = [named[best] for named, best in zip(labels, answers.scores.argmax(axis=1), strict=True)]
        elif not bias.regression and _are_scores(labels, bias):
            return _from_scores(config, predictor, bias, np.asarray(labels, dtype=float).reshape(-1, 1))
        return bias.is_positive(typed(pd.Series(labels, dtype=object, name="predicted label")))
    assert answers.scores is not None
    return _from_scores(config, predictor, bias, answers.scores)


def _are_scores(labels: Sequence[Any], bias: BiasAnalysis) -> bool:
    """A probability where a label was expected: decimals, none of which the label ever has."""
    found = typed(pd.Series(labels, dtype=object))
    return bool(pd.api.types.is_float_dtype(found) and not found.isin(bias.label.dropna().unique()).any())


def _from_scores(config: AnalysisConfig, predictor: PredictorConfig, bias: BiasAnalysis, scores: Scores) -> Rows:
    headers = predictor.label_headers
    classes = scores.shape[1]
    if classes > 1:
        if headers and len(headers) != classes:
            raise ClarifyError(f"predictor.label_headers names {len(headers)} labels, but the model scores {classes}")
        names = list(headers) or _numbers(bias, list(range(classes)), "of its classes")
        return bias.is_positive(pd.Series([names[best] for best in scores.argmax(axis=1)], name="predicted label"))
    if bias.regression:
        return bias.is_positive(pd.Series(scores[:, 0], name="predicted label"))
    above: Rows = scores[:, 0] > config.probability_threshold
    if not headers:
        names = _numbers(bias, [0, 1], "of one class")
        return bias.is_positive(pd.Series(np.where(above, 1, 0), name="predicted label"))
    if len(headers) > 1:
        raise ClarifyError(
            f"predictor.label_headers names {len(headers)} labels, but the model answers one score: name the one label "
            "that it is the probability of"
        )
    meant = bool(bias.is_positive(typed(pd.Series(list(headers), dtype=object, name="label_headers")))[0])
    others = bias.label.nunique() - 1
    if not meant and others > 1:
        raise ClarifyError(
            f"the model's score is the probability of {headers[0]!r}, which is not positive; which of the {others} "
            "other labels it predicts is unknown"
        )
    return above if meant else ~above


def _numbers(bias: BiasAnalysis, names: list[int], what: str) -> list[int]:
    """The classes' numbers, if the label speaks in numbers too."""
    label = bias.label
    if is_numeric(label) or pd.api.types.is_bool_dtype(label):
        return names
    values = ", ".join(repr(str(value)) for value in label.dropna().unique()[:5])
    raise ClarifyError(
        f"the model answers the probability {what}, but the label {bias.label_name!r} has the values {values}: say in "
        "predictor.label_headers which of them it belongs to"
    )
