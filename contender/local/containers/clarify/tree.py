"""Exact SHAP values of a booster that is served as it is, without a script around it.

They explain the margin: what the trees sum up to. That is what the analysis asks for where the served score is the
margin itself, or where its logit is (`use_logit` and a logistic objective). Everything else is Kernel SHAP's work.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import numpy as np
import shap
import xgboost

from contender.local.containers.booster import BoosterModel
from contender.local.containers.clarify.kernel import Explained, Values
from contender.local.containers.clarify.payloads import Cells
from contender.local.containers.inference import Model
from contender.local.containers.selectable import VARIABLE

logger = logging.getLogger(__name__)

LOGISTIC = ("binary:logistic", "reg:logistic")
IDENTITY = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "binary:logitraw")
TOLERANCE = 1e-3


def margin_booster(model: Model, use_logit: bool, environment: Mapping[str, str]) -> xgboost.Booster | None:
    """The booster whose margin the analysis explains, or None."""
    if not isinstance(model, BoosterModel) or len(model.boosters) != 1 or environment.get(VARIABLE):
        return None
    booster = model.boosters[0]
    learner = json.loads(booster.save_config())["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        return None
    wanted = LOGISTIC if use_logit else IDENTITY
    return booster if learner["objective"]["name"] in wanted else None


def explain(booster: xgboost.Booster, rows: Cells, baseline: Cells | None) -> Explained | None:
    """Against the baseline's rows, or without one against the training data as the trees remember it.

    None where the cells are not numbers, or the library cannot read the trees.
    """
    try:
        matrix = _numbers(rows)
        background = None if baseline is None else _numbers(baseline)
    except ValueError:
        return None
    if matrix.shape[1] != booster.num_features():
        return None
    if background is None:
        contributions = booster.predict(xgboost.DMatrix(matrix), pred_contribs=True, validate_features=False)
        if contributions.ndim != 2:
            return None
        return _explained(contributions[:, :-1], float(contributions[0, -1]))
    try:
        explainer = shap.TreeExplainer(booster, data=background, feature_perturbation="interventional")
        values = np.asarray(explainer.shap_values(matrix, check_additivity=False))
        expected = float(np.ravel(explainer.expected_value)[0])
    except Exception as error:  # whatever the library makes of trees newer than it
        logger.warning("TreeSHAP cannot read the booster (%s); Kernel SHAP explains it", error)
        return None
    margins = booster.predict(xgboost.DMatrix(matrix), output_margin=True, validate_features=False)
    if values.ndim != 2 or np.abs(values.sum(axis=1) + expected - margins).max() > TOLERANCE:
        logger.warning("TreeSHAP does not sum to the booster's margin; Kernel SHAP explains it")
        return None
    return _explained(values, expected)


def _explained(values: Values, expected: float) -> Explained:
    return Explained(values[:, :, np.newaxis].astype(float), np.array([expected]), "exact TreeSHAP")


def _numbers(cells: Cells) -> Values:
    return np.array([[float(cell) if cell not in ("", "null") else np.nan for cell in row] for row in cells])
